-- Exercises: a scripted incident on a twin of the town's equipment, on the platform that really runs. Everything that
-- belongs to an exercise stands in an area that only exercises have: 99 (no province has this code), seven digits of
-- the exercise, three of the district. So whatever has an area is marked by it, and cannot be written without the mark.
CREATE FUNCTION exercise_of(area text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN area ~ '^99[0-9]{10}$' THEN substr(area, 3, 7)::integer END;

CREATE TABLE exercises (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (id BETWEEN 1 AND 9999999),
    title_en text NOT NULL,
    title_zh text NOT NULL,
    scenario text NOT NULL,
    scale text NOT NULL,
    seed bigint NOT NULL,
    started_by text NOT NULL CHECK (started_by <> ''),
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- How its time runs: event time `begins_at` is published at `paced_from`, and `speed` seconds of event time in each
    -- second from there on. Null until its equipment stands.
    begins_at timestamptz,
    paced_from timestamptz,
    speed double precision CHECK (speed > 0),
    -- What is expected of the platform and of people, as it was when it began.
    plan jsonb NOT NULL,
    ended_at timestamptz,
    ended_by text,
    CHECK (num_nonnulls(begins_at, paced_from, speed) IN (0, 3)),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
-- People can be in one exercise at a time.
CREATE UNIQUE INDEX one_exercise_running ON exercises ((true)) WHERE ended_at IS NULL;

ALTER TABLE assets ADD COLUMN exercise integer GENERATED ALWAYS AS (exercise_of(area)) STORED REFERENCES exercises;
ALTER TABLE assets ADD CHECK (
    CASE WHEN exercise_of(area) IS NULL THEN NOT starts_with(id, 'exercise-')
         ELSE starts_with(id, 'exercise-' || exercise_of(area) || '-') END);
-- Real and exercise equipment stay apart, and so do two exercises.
ALTER TABLE devices ADD CHECK (substring(id FROM '^exercise-[0-9]+-') IS NOT DISTINCT FROM
                               substring(asset FROM '^exercise-[0-9]+-'));
ALTER TABLE links ADD CHECK (substring(from_asset FROM '^exercise-[0-9]+-') IS NOT DISTINCT FROM
                             substring(to_asset FROM '^exercise-[0-9]+-'));
CREATE INDEX ON assets (exercise) WHERE exercise IS NOT NULL;

ALTER TABLE alerts ADD COLUMN exercise integer GENERATED ALWAYS AS (exercise_of(area)) STORED;
CREATE INDEX ON alerts (exercise, raised_at) WHERE exercise IS NOT NULL;

-- What follows from an alert carries its mark, whoever writes it.
ALTER TABLE alert_events ADD COLUMN exercise integer;
ALTER TABLE notifications ADD COLUMN exercise integer;
ALTER TABLE outbox ADD COLUMN exercise integer;
CREATE FUNCTION mark_by_alert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.exercise := (SELECT a.exercise FROM alerts a WHERE a.id = NEW.alert);
    RETURN NEW;
END $$;
CREATE FUNCTION mark_by_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.exercise := (SELECT e.exercise FROM alert_events e WHERE e.id = NEW.event);
    RETURN NEW;
END $$;
CREATE TRIGGER mark_exercise BEFORE INSERT ON alert_events FOR EACH ROW EXECUTE FUNCTION mark_by_alert();
CREATE TRIGGER mark_exercise BEFORE INSERT ON notifications FOR EACH ROW EXECUTE FUNCTION mark_by_alert();
CREATE TRIGGER mark_exercise BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION mark_by_event();

-- A person hands an alert on to somebody above: `addressee` is whom.
ALTER TABLE alert_events DROP CONSTRAINT alert_events_event_check;
ALTER TABLE alert_events ADD CONSTRAINT alert_events_event_check CHECK (event IN (
    'raised', 'level_changed', 'cleared', 'withdrawn', 'inhibited', 'released', 'suppressed', 'unsuppressed',
    'acknowledged', 'commented', 'escalated', 'shelved', 'unshelved', 'out_of_service', 'in_service', 'reset'));
ALTER TABLE alert_events ADD COLUMN addressee text;
ALTER TABLE alert_events ADD CHECK ((event = 'escalated') = (addressee IS NOT NULL));

-- Planned work on real equipment does not hold an exercise back, unless it names equipment or areas of the exercise.
CREATE OR REPLACE FUNCTION maintenance_window_of(rule text, network text, area text, asset text, device text, at timestamptz)
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT w.id
      FROM maintenance_windows w
     WHERE (exercise_of($3) IS NULL OR exercise_of(w.area) IS NOT NULL OR w.asset IS NOT NULL OR w.device IS NOT NULL)
       AND w.cancelled_at IS NULL AND w.starts_at <= $6 AND w.ends_at > $6
       AND (w.rule IS NULL OR w.rule = $1)
       AND (w.network IS NULL OR w.network = $2)
       AND (w.area IS NULL OR starts_with($3, w.area))
       AND (w.asset IS NULL OR w.asset = $4)
       AND (w.device IS NULL OR w.device = $5)
     ORDER BY w.ends_at DESC, w.id
     LIMIT 1
$$;

-- The figures count what is real.
CREATE OR REPLACE VIEW alert_episodes AS
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
 WHERE r.event = 'raised' AND a.class <> 'condition' AND a.exercise IS NULL;

CREATE OR REPLACE FUNCTION kpi_unheard(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
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
               AND a.exercise IS NULL
               AND (networks IS NULL OR '*' = ANY (networks) OR a.network = ANY (networks))
               AND (within IS NULL OR starts_with(a.area, within))
               AND (desk IS NULL OR desk IN (p.position_en, p.position_zh))),
           (SELECT count(*) FROM alerts a LEFT JOIN rule_positions p ON p.rule = a.rule
             WHERE a.alarm_state IN ('unacknowledged', 'returned_unacknowledged') AND a.exercise IS NULL
               AND (networks IS NULL OR '*' = ANY (networks) OR a.network = ANY (networks))
               AND (within IS NULL OR starts_with(a.area, within))
               AND (desk IS NULL OR desk IN (p.position_en, p.position_zh)))
$$;

CREATE OR REPLACE FUNCTION kpi_incidents(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
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
       AND a.class <> 'condition' AND (a.class = 'warning' OR w.worst <= 2) AND a.exercise IS NULL
       AND (networks IS NULL OR '*' = ANY (networks) OR a.network = ANY (networks))
       AND (within IS NULL OR starts_with(a.area, within))
$$;

CREATE OR REPLACE FUNCTION kpi_availability(since timestamptz, until timestamptz, networks text[] DEFAULT NULL,
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
         WHERE a.exercise IS NULL AND (networks IS NULL OR '*' = ANY (networks) OR a.network = ANY (networks))
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

GRANT SELECT, INSERT ON exercises TO lifeline_writer;
GRANT UPDATE (begins_at, paced_from, speed, ended_at, ended_by) ON exercises TO lifeline_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO lifeline_writer;
GRANT SELECT ON exercises TO lifeline_reader;
