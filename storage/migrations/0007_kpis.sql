-- How well the alarms serve the people who answer them, and how fast trouble is found, taken and over. docs/kpis.md
-- defines every figure. The functions are the same on every level; all of them take a period [since, until) of event
-- time, networks (NULL or '*': all), the beginning of an area code, and an operator position.

-- What the figures count and what is asked of them. Each may be changed; `preset` is what it was delivered with.
CREATE TABLE kpi_limits (
    name text PRIMARY KEY,
    value double precision NOT NULL CHECK (value >= 0),
    preset double precision NOT NULL,
    -- UCUM.
    unit text NOT NULL,
    -- definition: what is counted; limit: what is asked.
    role text NOT NULL CHECK (role IN ('definition', 'limit')),
    source text NOT NULL,
    evidence text NOT NULL CHECK (evidence IN ('verified', 'secondary', 'unverified')),
    changed_at timestamptz,
    CHECK (name <> 'chattering.count' OR (value >= 1 AND value = trunc(value)))
);
INSERT INTO kpi_limits (name, value, preset, unit, role, source, evidence)
SELECT name, value, value, unit, role, source, evidence
  FROM (VALUES
       ('rate.acceptable', 6, '1/h', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('rate.maximum', 12, '1/h', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('peak.alarms', 10, '1', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('peak.share', 1, '%', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('flood.start', 10, '1', 'definition', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('flood.end', 5, '1', 'definition', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('flood.share', 1, '%', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('top_ten.share', 5, '%', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('chattering.count', 3, '1', 'definition', 'PAS/Hexagon; others: more than 5 changes in 5 minutes', 'secondary'),
       ('chattering.window', 60, 's', 'definition', 'PAS/Hexagon; others: more than 5 changes in 5 minutes', 'secondary'),
       ('chattering.subjects', 0, '1', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('fleeting.duration', 10, 's', 'definition', 'practice of alarm management', 'secondary'),
       ('fleeting.quiet', 60, 's', 'definition', 'practice of alarm management', 'secondary'),
       ('fleeting.alarms', 0, '1', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('stale.age', 86400, 's', 'definition', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('stale.alarms', 5, '1', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('level_mix.red', 1, '%', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('level_mix.orange', 5, '%', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('level_mix.yellow', 15, '%', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('level_mix.blue', 80, '%', 'limit', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('daily.alarms', 144, '1', 'limit', 'IEC 62682:2014; dropped from ISA-18.2 in 2016', 'secondary'),
       ('window.days', 30, 'd', 'definition', 'ISA-18.2-2016, 16.4', 'secondary'),
       ('detect.p90', 60, 's', 'limit', 'proposal of City Lifeline', 'unverified'),
       ('acknowledge.p90', 600, 's', 'limit', 'proposal of City Lifeline', 'unverified'),
       ('restore.p90', 14400, 's', 'limit', 'proposal of City Lifeline', 'unverified'),
       ('availability.share', 95, '%', 'limit', 'proposal of City Lifeline', 'unverified')
       ) v (name, value, unit, role, source, evidence);

CREATE FUNCTION kpi_limit(wanted text) RETURNS double precision
LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT value FROM kpi_limits WHERE name = wanted $$;

-- Who answers for each rule. Nobody is known until the catalogue stands in the database; then this view reads it.
CREATE VIEW rule_positions AS
SELECT NULL::text AS rule, NULL::text AS position_en, NULL::text AS position_zh WHERE false;

CREATE INDEX alert_events_raised ON alert_events (time) WHERE event = 'raised';
CREATE INDEX alert_events_turns ON alert_events (alert, time, event, id) WHERE event IN ('raised', 'cleared');
CREATE INDEX alert_events_acknowledged ON alert_events (alert, recorded_at) WHERE event = 'acknowledged';

-- Each time an alarm or warning was raised, until it cleared: an alert that returns and is raised again before it was
-- acknowledged has several. What late observations withdrew is not among them. `announced_at` is when people were first
-- told of it, by the clock of the database; null: never. Of one that was held back first and released later that is the
-- release; of one whose begin late observations moved, what was said of the begin before.
CREATE VIEW alert_episodes AS
SELECT r.id AS event, a.id AS alert, a.rule, a.subject, a.kind, a.class, a.network, a.area, a.asset, a.device,
       p.position_en, p.position_zh, r.level, r.time AS raised_at, r.recorded_at, e.cleared_at,
       CASE WHEN r.told THEN r.recorded_at
            ELSE (SELECT min(t.recorded_at)
                    FROM alert_events t
                   WHERE t.alert = a.id AND t.told
                     AND t.event IN ('raised', 'level_changed', 'released', 'unsuppressed', 'unshelved', 'in_service')
                     AND CASE WHEN t.time >= r.time THEN e.cleared_at IS NULL OR t.time < e.cleared_at
                              ELSE r.late AND t.event = 'raised' AND NOT EXISTS (
                                   SELECT FROM effective_alert_events x
                                    WHERE x.alert = a.id AND x.event IN ('raised', 'cleared')
                                      AND x.time >= t.time AND x.time < r.time) END) END AS announced_at
  FROM effective_alert_events r
  JOIN alerts a ON a.id = r.alert
  LEFT JOIN rule_positions p ON p.rule = a.rule
  LEFT JOIN LATERAL (
       SELECT t.time
         FROM effective_alert_events t
        WHERE t.alert = r.alert AND t.event IN ('raised', 'cleared')
          AND t.time >= r.time AND (t.time > r.time OR (t.event = 'cleared' AND t.id > r.id))
        ORDER BY t.time, t.event, t.id
        LIMIT 1) turn ON true
 CROSS JOIN LATERAL (
       SELECT coalesce(turn.time, CASE WHEN a.state = 'returned' AND a.cleared_at >= r.time THEN a.cleared_at END)
           AS cleared_at) e
 WHERE r.event = 'raised' AND a.class <> 'condition';

-- The alarms and warnings of the period that people were told of: what most figures count.
CREATE FUNCTION kpi_alarms(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                           within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS SETOF alert_episodes LANGUAGE sql STABLE AS $$
    SELECT *
      FROM alert_episodes
     WHERE raised_at >= since AND raised_at < until AND announced_at IS NOT NULL
       AND (networks IS NULL OR '*' = ANY (networks) OR network = ANY (networks))
       AND (within IS NULL OR starts_with(area, within))
       AND (desk IS NULL OR desk IN (position_en, position_zh))
$$;

-- The same, but those that stood at any moment of the period, however early they were raised.
CREATE FUNCTION kpi_standing(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                             within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS SETOF alert_episodes LANGUAGE sql STABLE AS $$
    SELECT *
      FROM alert_episodes
     WHERE alert IN (SELECT id FROM alerts a
                      WHERE a.raised_at < until AND (a.cleared_at IS NULL OR a.cleared_at > since))
       AND raised_at < until AND (cleared_at IS NULL OR cleared_at > since) AND announced_at IS NOT NULL
       AND (networks IS NULL OR '*' = ANY (networks) OR network = ANY (networks))
       AND (within IS NULL OR starts_with(area, within))
       AND (desk IS NULL OR desk IN (position_en, position_zh))
$$;

-- Alarms in each hour of the period, empty hours too, by level as raised.
CREATE FUNCTION kpi_hours(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                          within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS TABLE (bucket timestamptz, alarms bigint, red bigint, orange bigint, yellow bigint, blue bigint)
LANGUAGE sql STABLE AS $$
    SELECT h.bucket, count(k.event), count(*) FILTER (WHERE k.level = 'red'),
           count(*) FILTER (WHERE k.level = 'orange'), count(*) FILTER (WHERE k.level = 'yellow'),
           count(*) FILTER (WHERE k.level = 'blue')
      FROM generate_series(time_bucket(INTERVAL '1 hour', since), until - INTERVAL '1 microsecond',
                           INTERVAL '1 hour') h (bucket)
      LEFT JOIN kpi_alarms(since, until, networks, within, desk) k
        ON time_bucket(INTERVAL '1 hour', k.raised_at) = h.bucket
     GROUP BY h.bucket
     ORDER BY h.bucket
$$;

-- Alarms in each ten minutes of the clock, empty ones too, and the number of the flood that it belongs to, if any.
CREATE FUNCTION kpi_intervals(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                              within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS TABLE (bucket timestamptz, alarms bigint, flood bigint)
LANGUAGE sql STABLE AS $$
    WITH counted AS (
        SELECT i.bucket, count(k.event) AS alarms
          FROM generate_series(time_bucket(INTERVAL '10 minutes', since), until - INTERVAL '1 microsecond',
                               INTERVAL '10 minutes') i (bucket)
          LEFT JOIN kpi_alarms(since, until, networks, within, desk) k
            ON time_bucket(INTERVAL '10 minutes', k.raised_at) = i.bucket
         GROUP BY i.bucket
    ), marked AS (
        -- What begins a flood, what ends one; between the two it stays as it was.
        SELECT c.bucket, c.alarms, CASE WHEN c.alarms > l.start THEN 1 WHEN c.alarms < l.stop THEN 0 END AS mark
          FROM counted c, (SELECT kpi_limit('flood.start') AS start, kpi_limit('flood.end') AS stop) l
    ), runs AS (
        SELECT m.bucket, m.alarms, m.mark, count(m.mark) OVER (ORDER BY m.bucket) AS run FROM marked m
    ), states AS (
        SELECT r.bucket, r.alarms, coalesce(max(r.mark) OVER (PARTITION BY r.run), 0) = 1 AS within_flood FROM runs r
    ), begins AS (
        SELECT s.*, s.within_flood AND NOT coalesce(lag(s.within_flood) OVER (ORDER BY s.bucket), false) AS begins
          FROM states s
    )
    SELECT b.bucket, b.alarms,
           CASE WHEN b.within_flood THEN count(*) FILTER (WHERE b.begins) OVER (ORDER BY b.bucket) END
      FROM begins b
     ORDER BY b.bucket
$$;

CREATE FUNCTION kpi_floods(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                           within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS TABLE (started_at timestamptz, ended_at timestamptz, alarms bigint, peak bigint)
LANGUAGE sql STABLE AS $$
    SELECT min(i.bucket), max(i.bucket) + INTERVAL '10 minutes', sum(i.alarms)::bigint, max(i.alarms)
      FROM kpi_intervals(since, until, networks, within, desk) i
     WHERE i.flood IS NOT NULL
     GROUP BY i.flood
     ORDER BY 1
$$;

-- How many intervals had how many alarms: the mean hides what this shows. `upto` is NULL for the open end.
CREATE FUNCTION kpi_distribution(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                                 within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS TABLE (least_alarms integer, most_alarms integer, intervals bigint)
LANGUAGE sql STABLE AS $$
    SELECT b.low, b.high, count(i.bucket)
      FROM (VALUES (0, 0), (1, 1), (2, 2), (3, 5), (6, 10), (11, NULL)) b (low, high)
      LEFT JOIN kpi_intervals(since, until, networks, within, desk) i
        ON i.alarms >= b.low AND (b.high IS NULL OR i.alarms <= b.high)
     GROUP BY b.low, b.high
     ORDER BY b.low
$$;

-- Rules and subjects that were raised and cleared so often in so short a time, and how many times that began.
CREATE FUNCTION kpi_chattering(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                               within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS TABLE (rule text, subject text, bursts bigint)
LANGUAGE sql STABLE AS $$
    SELECT s.rule, s.subject, count(*)
      FROM (SELECT k.rule, k.subject, l.length,
                   lead(k.cleared_at, l.times - 1) OVER (PARTITION BY k.rule, k.subject ORDER BY k.raised_at, k.event)
                       - k.raised_at AS span
              FROM kpi_alarms(since, until, networks, within, desk) k,
                   (SELECT kpi_limit('chattering.count')::integer AS times,
                           kpi_limit('chattering.window') * INTERVAL '1 second' AS length) l) s
     WHERE s.span <= s.length
     GROUP BY s.rule, s.subject
     ORDER BY s.rule COLLATE "C", s.subject COLLATE "C"
$$;

-- Alarms that came and went at once, with no other of the same rule and subject near them.
CREATE FUNCTION kpi_fleeting(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                             within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS TABLE (alert bigint, rule text, subject text, raised_at timestamptz, cleared_at timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT s.alert, s.rule, s.subject, s.raised_at, s.cleared_at
      FROM (SELECT k.alert, k.rule, k.subject, k.raised_at, k.cleared_at, l.length, l.quiet,
                   lead(k.raised_at) OVER one AS later, lag(k.raised_at) OVER one AS earlier
              FROM kpi_alarms(since, until, networks, within, desk) k,
                   (SELECT kpi_limit('fleeting.duration') * INTERVAL '1 second' AS length,
                           kpi_limit('fleeting.quiet') * INTERVAL '1 second' AS quiet) l
            WINDOW one AS (PARTITION BY k.rule, k.subject ORDER BY k.raised_at, k.event)) s
     WHERE s.cleared_at - s.raised_at < s.length
       AND coalesce(s.later - s.raised_at > s.quiet, true) AND coalesce(s.raised_at - s.earlier > s.quiet, true)
     ORDER BY s.raised_at
$$;

-- Alarms that stood for longer than is useful: from when on within the period, and until when.
CREATE FUNCTION kpi_stale(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                          within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS TABLE (alert bigint, rule text, subject text, network text, asset text, raised_at timestamptz,
               stale_from timestamptz, stale_to timestamptz, standing boolean)
LANGUAGE sql STABLE AS $$
    SELECT s.alert, s.rule, s.subject, s.network, s.asset, s.raised_at, greatest(s.raised_at + l.age, since),
           least(s.cleared_at, until), s.cleared_at IS NULL OR s.cleared_at >= until
      FROM kpi_standing(since, until, networks, within, desk) s,
           (SELECT kpi_limit('stale.age') * INTERVAL '1 second' AS age) l
     WHERE greatest(s.raised_at + l.age, since) < least(s.cleared_at, until)
     ORDER BY s.raised_at
$$;

-- How much of the load comes from where: `part` is network, area, rule, position, level or alarm (a rule on a subject).
CREATE FUNCTION kpi_load(part text, since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                         within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS TABLE (name text, subject text, alarms bigint, share double precision, per_hour double precision, peak bigint)
LANGUAGE sql STABLE AS $$
    WITH parts AS MATERIALIZED (
        SELECT CASE part WHEN 'network' THEN k.network WHEN 'area' THEN k.area WHEN 'level' THEN k.level
                   WHEN 'position' THEN k.position_en ELSE k.rule END AS name,
               CASE part WHEN 'alarm' THEN k.subject WHEN 'position' THEN k.position_zh END AS subject,
               time_bucket(INTERVAL '10 minutes', k.raised_at) AS bucket
          FROM kpi_alarms(since, until, networks, within, desk) k
    ), peaks AS (
        SELECT p.name, p.subject, p.bucket, count(*) AS alarms FROM parts p GROUP BY 1, 2, 3
    )
    SELECT k.name, k.subject, sum(k.alarms)::bigint,
           (sum(k.alarms) / (SELECT count(*) FROM parts))::double precision,
           (sum(k.alarms) * 3600 / extract(epoch FROM until - since))::double precision, max(k.alarms)
      FROM peaks k
     GROUP BY k.name, k.subject
     ORDER BY 3 DESC, k.name COLLATE "C", k.subject COLLATE "C"
$$;

-- How long each alarm waited for a person after it was announced, and how long it stood. The first is the clock of the
-- database (when people were told), the second event time.
CREATE FUNCTION kpi_responses(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                              within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS TABLE (alert bigint, rule text, network text, raised_at timestamptz, acknowledged_s double precision,
               cleared_s double precision)
LANGUAGE sql STABLE AS $$
    SELECT k.alert, k.rule, k.network, k.raised_at,
           (SELECT extract(epoch FROM min(t.recorded_at) - k.announced_at)::double precision
              FROM alert_events t
             WHERE t.alert = k.alert AND t.event = 'acknowledged' AND t.recorded_at >= k.announced_at),
           extract(epoch FROM k.cleared_at - k.raised_at)::double precision
      FROM kpi_alarms(since, until, networks, within, desk) k
$$;

-- Every figure of the alarms in one row.
CREATE FUNCTION kpi_alarm_figures(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                                  within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS TABLE (alarms bigint, per_hour double precision, worst_day bigint, peak bigint, busy_share double precision,
               floods bigint, flood_s double precision, flood_share double precision, flood_peak bigint,
               chattering bigint, fleeting bigint, stale bigint, stale_at_end bigint, top_share double precision,
               red bigint, orange bigint, yellow bigint, blue bigint,
               acknowledged bigint, acknowledge_median_s double precision, acknowledge_p90_s double precision,
               acknowledge_max_s double precision,
               cleared bigint, clear_median_s double precision, clear_p90_s double precision,
               clear_max_s double precision, time_in_alarm_s double precision)
LANGUAGE sql STABLE AS $$
    WITH raised AS MATERIALIZED (
        SELECT * FROM kpi_alarms(since, until, networks, within, desk)
    ), intervals AS MATERIALIZED (
        SELECT * FROM kpi_intervals(since, until, networks, within, desk)
    ), stale AS MATERIALIZED (
        SELECT * FROM kpi_stale(since, until, networks, within, desk)
    ), days AS (
        SELECT count(*) AS alarms FROM raised r
         GROUP BY floor(extract(epoch FROM r.raised_at - since) / 86400)
    ), stale_days AS (
        SELECT count(*) AS alarms
          FROM stale s
         CROSS JOIN LATERAL generate_series(
               floor(extract(epoch FROM s.stale_from - since) / 86400)::integer,
               floor(extract(epoch FROM s.stale_to - INTERVAL '1 microsecond' - since) / 86400)::integer) d (day)
         GROUP BY d.day
    ), heaviest AS (
        SELECT l.share FROM kpi_load('alarm', since, until, networks, within, desk) l LIMIT 10
    ), responses AS (
        SELECT count(p.acknowledged_s) AS acknowledged, count(p.cleared_s) AS cleared,
               percentile_cont(ARRAY[0.5, 0.9, 1]) WITHIN GROUP (ORDER BY p.acknowledged_s) AS acknowledge_s,
               percentile_cont(ARRAY[0.5, 0.9, 1]) WITHIN GROUP (ORDER BY p.cleared_s) AS clear_s
          FROM kpi_responses(since, until, networks, within, desk) p
    ), spent AS (
        SELECT sum(extract(epoch FROM least(s.cleared_at, until) - greatest(s.raised_at, since))) AS seconds
          FROM kpi_standing(since, until, networks, within, desk) s
    )
    SELECT a.alarms, (a.alarms * 3600 / extract(epoch FROM until - since))::double precision,
           coalesce((SELECT max(d.alarms) FROM days d), 0), i.peak, i.busy_share,
           i.floods, i.flooded * 600.0::double precision, i.flooded::double precision / i.intervals, i.flood_peak,
           (SELECT count(*) FROM kpi_chattering(since, until, networks, within, desk)),
           (SELECT count(*) FROM kpi_fleeting(since, until, networks, within, desk)),
           coalesce((SELECT max(d.alarms) FROM stale_days d), 0), (SELECT count(*) FROM stale s WHERE s.standing),
           coalesce((SELECT sum(h.share) FROM heaviest h), 0),
           a.red, a.orange, a.yellow, a.blue,
           p.acknowledged, p.acknowledge_s[1], p.acknowledge_s[2], p.acknowledge_s[3],
           p.cleared, p.clear_s[1], p.clear_s[2], p.clear_s[3],
           coalesce((SELECT s.seconds FROM spent s), 0)::double precision
      FROM (SELECT count(*) AS alarms, count(*) FILTER (WHERE level = 'red') AS red,
                   count(*) FILTER (WHERE level = 'orange') AS orange,
                   count(*) FILTER (WHERE level = 'yellow') AS yellow,
                   count(*) FILTER (WHERE level = 'blue') AS blue
              FROM raised) a,
           (SELECT count(*) AS intervals, max(n.alarms) AS peak,
                   (count(*) FILTER (WHERE n.alarms > l.busy))::double precision / count(*) AS busy_share,
                   coalesce(max(n.flood), 0) AS floods, count(n.flood) AS flooded,
                   coalesce(max(n.alarms) FILTER (WHERE n.flood IS NOT NULL), 0) AS flood_peak
              FROM intervals n, (SELECT kpi_limit('peak.alarms') AS busy) l) i,
           responses p
$$;

-- What of the period people were not told of or told wrongly, and what waits for them now.
CREATE FUNCTION kpi_unheard(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                            within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS TABLE (held_back bigint, withdrawn bigint, unacknowledged bigint)
LANGUAGE sql STABLE AS $$
    SELECT (SELECT count(*) FROM alert_episodes e
             WHERE e.raised_at >= since AND e.raised_at < until AND e.announced_at IS NULL
               AND (networks IS NULL OR '*' = ANY (networks) OR e.network = ANY (networks))
               AND (within IS NULL OR starts_with(e.area, within))
               AND (desk IS NULL OR desk IN (e.position_en, e.position_zh))),
           (SELECT count(*) FROM alerts a LEFT JOIN rule_positions p ON p.rule = a.rule
             WHERE a.raised_at >= since AND a.raised_at < until AND a.withdrawn AND a.announced
               AND (networks IS NULL OR '*' = ANY (networks) OR a.network = ANY (networks))
               AND (within IS NULL OR starts_with(a.area, within))
               AND (desk IS NULL OR desk IN (p.position_en, p.position_zh))),
           (SELECT count(*) FROM alerts a LEFT JOIN rule_positions p ON p.rule = a.rule
             WHERE a.alarm_state IN ('unacknowledged', 'returned_unacknowledged')
               AND (networks IS NULL OR '*' = ANY (networks) OR a.network = ANY (networks))
               AND (within IS NULL OR starts_with(a.area, within))
               AND (desk IS NULL OR desk IN (p.position_en, p.position_zh)))
$$;

-- Incidents: alerts that people were told of and that are fused warnings, or were red or orange at any time. Withdrawn
-- ones never were. Found: from the begin of the condition until it was on record. Taken: from then until the first
-- acknowledgement. Over: from the begin until the condition ended.
CREATE FUNCTION kpi_incidents(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                              within text DEFAULT NULL)
RETURNS TABLE (alert bigint, rule text, subject text, class text, network text, area text, asset text, level text,
               raised_at timestamptz, detected_s double precision, acknowledged_s double precision,
               restored_s double precision, title_en text, title_zh text)
LANGUAGE sql STABLE AS $$
    SELECT a.id, a.rule, a.subject, a.class, a.network, a.area, a.asset,
           (ARRAY['red', 'orange', 'yellow', 'blue'])[w.worst], a.raised_at,
           greatest(extract(epoch FROM a.recorded_at - a.raised_at), 0)::double precision,
           (SELECT extract(epoch FROM min(t.recorded_at) - a.recorded_at)::double precision
              FROM alert_events t
             WHERE t.alert = a.id AND t.event = 'acknowledged'),
           extract(epoch FROM a.cleared_at - a.raised_at)::double precision,
           a.title_en, a.title_zh
      FROM alerts a
     CROSS JOIN LATERAL (
           SELECT least(min(array_position(ARRAY['red', 'orange', 'yellow', 'blue'], t.level)),
                        array_position(ARRAY['red', 'orange', 'yellow', 'blue'], a.level)) AS worst
             FROM effective_alert_events t
            WHERE t.alert = a.id AND t.event IN ('raised', 'level_changed')) w
     WHERE a.raised_at >= since AND a.raised_at < until AND a.announced AND NOT a.withdrawn
       AND a.class <> 'condition' AND (a.class = 'warning' OR w.worst <= 2)
       AND (networks IS NULL OR '*' = ANY (networks) OR a.network = ANY (networks))
       AND (within IS NULL OR starts_with(a.area, within))
$$;

-- Every figure of the incidents in one row; seconds, the median, what nine of ten stay below, and the worst.
CREATE FUNCTION kpi_incident_figures(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                                     within text DEFAULT NULL)
RETURNS TABLE (incidents bigint, acknowledged bigint, restored bigint,
               detect_median_s double precision, detect_p90_s double precision, detect_max_s double precision,
               acknowledge_median_s double precision, acknowledge_p90_s double precision,
               acknowledge_max_s double precision,
               restore_median_s double precision, restore_p90_s double precision, restore_max_s double precision)
LANGUAGE sql STABLE AS $$
    SELECT f.incidents, f.acknowledged, f.restored, f.d[1], f.d[2], f.d[3], f.a[1], f.a[2], f.a[3], f.r[1], f.r[2], f.r[3]
      FROM (SELECT count(*) AS incidents, count(i.acknowledged_s) AS acknowledged, count(i.restored_s) AS restored,
                   percentile_cont(ARRAY[0.5, 0.9, 1]) WITHIN GROUP (ORDER BY i.detected_s) AS d,
                   percentile_cont(ARRAY[0.5, 0.9, 1]) WITHIN GROUP (ORDER BY i.acknowledged_s) AS a,
                   percentile_cont(ARRAY[0.5, 0.9, 1]) WITHIN GROUP (ORDER BY i.restored_s) AS r
              FROM kpi_incidents(since, until, networks, within) i) f
$$;

-- Availability by district (the first six digits of the area code): the share of device-time with telemetry. Each hour
-- of a device counts as far as its most complete datastream delivered what the device promised; time before a device was
-- registered or first heard, and time to come, do not count. Begins with the whole hour of `since`. Reads the hourly
-- rollup, which is kept on TimescaleDB; on plain PostgreSQL it is computed from the observations of the period.
CREATE FUNCTION kpi_availability(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                                 within text DEFAULT NULL)
RETURNS TABLE (district text, devices bigint, hours double precision, share double precision)
LANGUAGE sql STABLE AS $$
    WITH bounds AS (
        SELECT time_bucket(INTERVAL '1 hour', since) AS low, least(until, now()) AS high
    ), watched AS MATERIALIZED (
        SELECT d.id AS device, left(a.area, 6) AS district, d.reporting_interval_s AS interval_s, b.high,
               greatest(b.low, least(min(s.registered_at), min(f.time))) AS low
          FROM bounds b, devices d
          JOIN assets a ON a.id = d.asset
          JOIN datastreams s ON s.device = d.id
         -- Only of what was registered within the period must it be known whether it was heard before.
         CROSS JOIN LATERAL (
               SELECT min(o.time) AS time FROM observations o
                WHERE o.datastream = s.id AND s.registered_at > (SELECT low FROM bounds)) f
         WHERE (networks IS NULL OR '*' = ANY (networks) OR a.network = ANY (networks))
           AND (within IS NULL OR starts_with(a.area, within))
         GROUP BY d.id, a.area, d.reporting_interval_s, b.low, b.high
    ), heard AS (
        -- Of each device and hour: the seconds that its readings stand for, never more than the hour has. Of a device
        -- that reports too seldom to be judged by the hour: of the whole period.
        SELECT o.device, least(max(o.readings) * o.interval_s,
                               extract(epoch FROM least(o.bucket + INTERVAL '1 hour', o.high) - greatest(o.bucket, o.low)),
                               extract(epoch FROM o.high - o.low)) AS seconds
          FROM (SELECT w.device, w.interval_s, w.low, w.high, CASE WHEN w.interval_s <= 900 THEN h.bucket END AS bucket,
                       sum(h.count + h.doubtful) AS readings
                  FROM watched w
                  JOIN datastreams s ON s.device = w.device
                 CROSS JOIN LATERAL observations_1h_between(s.id, w.low, w.high) h
                 WHERE w.low < w.high
                 GROUP BY w.device, w.interval_s, w.low, w.high, s.id, 5) o
         GROUP BY o.device, o.interval_s, o.low, o.high, o.bucket
    ), totals AS (
        SELECT h.device, sum(h.seconds) AS seconds FROM heard h GROUP BY h.device
    )
    SELECT w.district, count(*), (sum(extract(epoch FROM w.high - w.low)) / 3600)::double precision,
           (sum(coalesce(t.seconds, 0)) / sum(extract(epoch FROM w.high - w.low)))::double precision
      FROM watched w
      LEFT JOIN totals t ON t.device = w.device
     WHERE w.low < w.high
     GROUP BY w.district
     ORDER BY w.district COLLATE "C"
$$;

-- The mean time between alarms of each asset that had any: the length of the period divided by their number.
CREATE FUNCTION kpi_assets(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
                           within text DEFAULT NULL, desk text DEFAULT NULL)
RETURNS TABLE (asset text, network text, area text, alarms bigint, between_s double precision)
LANGUAGE sql STABLE AS $$
    SELECT k.asset, k.network, k.area, count(*), (extract(epoch FROM until - since) / count(*))::double precision
      FROM kpi_alarms(since, until, networks, within, desk) k
     WHERE k.asset IS NOT NULL
     GROUP BY k.asset, k.network, k.area
     ORDER BY 4 DESC, k.asset COLLATE "C"
$$;

-- A limit may be changed, and nothing else about it.
GRANT SELECT ON kpi_limits, rule_positions, alert_episodes TO lifeline_writer, lifeline_reader;
GRANT UPDATE (value, changed_at) ON kpi_limits TO lifeline_writer;
