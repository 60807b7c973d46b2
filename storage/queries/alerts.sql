-- name: take_lead
-- A new leader: from now on nobody else's version is right.
UPDATE rules_leader SET version = version + 1, leader = %(leader)s, seen_at = clock_timestamp() RETURNING version;

-- name: fence
-- Raises the version, if it is still the one that this leader knows; no row otherwise.
UPDATE rules_leader SET version = version + 1, seen_at = clock_timestamp()
 WHERE version = %(version)s AND leader = %(leader)s;

-- name: standings
-- Everything that is not normal.
SELECT rule, subject, state FROM rule_states ORDER BY rule, subject;

-- name: keep_standings
-- What is not normal now.
INSERT INTO rule_states (rule, subject, state)
SELECT rule, subject, state FROM jsonb_to_recordset(%(standings)s) AS s (rule text, subject text, state jsonb)
ON CONFLICT (rule, subject) DO UPDATE SET state = excluded.state;

-- name: drop_standings
-- What is normal again.
DELETE FROM rule_states
 USING jsonb_to_recordset(%(standings)s) AS s (rule text, subject text)
 WHERE rule_states.rule = s.rule AND rule_states.subject = s.subject;

-- name: apply
-- Changes of alerts, at most one for each rule and subject, with their events and, where nothing holds the alert back, the
-- intent to tell people. A raise on an alert that returned and was never acknowledged opens that alert again; it keeps the
-- time of its first raise. An alert that is raised again or worsens is to be acknowledged again.
WITH changes AS (
    SELECT *
      FROM jsonb_to_recordset(%(changes)s) AS c (
           place integer, rule text, subject text, event text, time timestamptz, level text,
           value double precision, threshold double precision, worse boolean, comment text, held boolean,
           kind text, class text, network text, area text, asset text, device text, property text,
           title_en text, title_zh text, text_en text, text_zh text, latching boolean, facts jsonb)
), held AS (
    SELECT c.*,
           shelved_until_of(rule, subject) AS shelved_until,
           is_out_of_service(rule, subject, asset, device) AS out_of_service,
           maintenance_window_of(rule, network, area, asset, device, clock_timestamp()) AS maintenance_window
      FROM changes c
     WHERE event = 'raised'
       -- An exercise that has ended raises nothing more, whatever the rules had in hand.
       AND NOT EXISTS (SELECT FROM exercises x WHERE x.id = exercise_of(c.area) AND x.ended_at IS NOT NULL)
), raised AS (
    INSERT INTO alerts AS a (rule, subject, kind, class, network, area, asset, device, property, level, state,
                             raised_at, level_at, value, threshold, title_en, title_zh, text_en, text_zh, latched, facts,
                             shelved_until, out_of_service, maintenance_window, announced)
    SELECT rule, subject, kind, class, network, area, asset, device, property, level, 'active',
           time, time, value, threshold, title_en, title_zh, text_en, text_zh, latching, facts,
           shelved_until, out_of_service, maintenance_window,
           NOT held AND class <> 'condition' AND shelved_until IS NULL AND NOT out_of_service
           AND maintenance_window IS NULL
      FROM held
     ORDER BY place
    ON CONFLICT (rule, subject) WHERE open DO UPDATE
       SET state = 'active', level = excluded.level, level_at = excluded.level_at, cleared_at = NULL,
           raised_at = CASE WHEN a.withdrawn THEN excluded.raised_at ELSE a.raised_at END, withdrawn = false,
           value = excluded.value, threshold = excluded.threshold, kind = excluded.kind, class = excluded.class,
           title_en = excluded.title_en, title_zh = excluded.title_zh,
           text_en = excluded.text_en, text_zh = excluded.text_zh, facts = excluded.facts,
           latched = a.latched OR excluded.latched,
           inhibited = false, inhibited_by = NULL, suppressed_by = NULL, shelved_until = excluded.shelved_until,
           out_of_service = excluded.out_of_service, maintenance_window = excluded.maintenance_window,
           announced = a.announced OR excluded.announced,
           acknowledged = false, acknowledged_at = NULL, acknowledged_by = NULL, changed_at = clock_timestamp()
    RETURNING a.id, a.rule, a.subject, a.held_back, a.announced
), moved AS (
    UPDATE alerts a
       SET level = c.level, level_at = c.time, value = c.value, threshold = c.threshold,
           title_en = c.title_en, title_zh = c.title_zh, text_en = c.text_en, text_zh = c.text_zh, facts = c.facts,
           maintenance_window = coalesce(
               a.maintenance_window,
               maintenance_window_of(a.rule, a.network, a.area, a.asset, a.device, clock_timestamp())),
           acknowledged = a.acknowledged AND NOT c.worse,
           acknowledged_at = CASE WHEN NOT c.worse THEN a.acknowledged_at END,
           acknowledged_by = CASE WHEN NOT c.worse THEN a.acknowledged_by END,
           changed_at = clock_timestamp()
      FROM changes c
     WHERE c.event = 'level_changed' AND a.rule = c.rule AND a.subject = c.subject AND a.open
    RETURNING a.id, a.rule, a.subject, a.held_back, a.announced
), cleared AS (
    UPDATE alerts a
       SET state = 'returned', cleared_at = c.time,
           maintenance_window = coalesce(
               a.maintenance_window,
               maintenance_window_of(a.rule, a.network, a.area, a.asset, a.device, clock_timestamp())),
           changed_at = clock_timestamp()
      FROM changes c
     WHERE c.event = 'cleared' AND a.rule = c.rule AND a.subject = c.subject AND a.open AND a.state = 'active'
    RETURNING a.id, a.rule, a.subject, a.held_back, a.announced
), events AS (
    INSERT INTO alert_events (alert, time, event, level, value, threshold, comment, told, account)
    SELECT t.id, c.time, c.event, c.level, c.value, c.threshold, c.comment,
           t.announced AND NOT t.held_back AND NOT c.held,
           CASE WHEN c.event <> 'cleared' THEN jsonb_build_object(
                'title_en', c.title_en, 'title_zh', c.title_zh, 'text_en', c.text_en, 'text_zh', c.text_zh,
                'facts', c.facts) END
      FROM changes c
      JOIN (SELECT * FROM raised UNION ALL SELECT * FROM moved UNION ALL SELECT * FROM cleared) t USING (rule, subject)
     ORDER BY c.place
    RETURNING id, told
)
INSERT INTO outbox (event) SELECT id FROM events WHERE told;

-- name: settle
-- What ends with the condition: one-shot shelvings, and being explained or suppressed by another condition. The link to
-- the alert that explained it stays. Returns nothing that people must be told of: nothing is active.
WITH over AS (
    SELECT a.id, a.rule, a.subject, a.level, a.shelved_until
      FROM jsonb_to_recordset(%(alerts)s) AS k (rule text, subject text)
      JOIN alerts a USING (rule, subject)
     WHERE a.state = 'returned' AND (a.inhibited OR a.suppressed_by IS NOT NULL OR a.shelved_until IS NOT NULL)
), ended AS (
    UPDATE shelvings s
       SET ended_at = clock_timestamp()
      FROM over o
     WHERE s.rule = o.rule AND s.subject = o.subject AND s.mode = 'one_shot' AND s.ended_at IS NULL
    RETURNING o.id
), freed AS (
    UPDATE alerts a
       SET inhibited = false, suppressed_by = NULL,
           shelved_until = CASE WHEN NOT EXISTS (SELECT FROM ended e WHERE e.id = a.id) THEN a.shelved_until END,
           changed_at = clock_timestamp()
      FROM over o
     WHERE a.id = o.id
    RETURNING a.id
)
INSERT INTO alert_events (alert, time, event, level, comment)
SELECT o.id, clock_timestamp(), 'unshelved', o.level, 'the alert has cleared / 告警已解除'
  FROM ended e
  JOIN over o ON o.id = e.id;

-- name: restrain
-- Holds open alerts back, or lets them go: at most one of each way, rule and subject. What is let go while its condition
-- lasts and nothing else holds it is announced, and is to be acknowledged.
WITH wanted AS (
    SELECT w.*, a.id,
           (SELECT c.id
              FROM alerts c
             WHERE c.rule = w.cause_rule AND c.subject = w.cause_subject
             ORDER BY c.open DESC, c.raised_at DESC, c.id DESC
             LIMIT 1) AS cause
      FROM jsonb_to_recordset(%(restraints)s) AS w (
           place integer, rule text, subject text, how text, cause_rule text, cause_subject text, time timestamptz)
      JOIN alerts a ON a.rule = w.rule AND a.subject = w.subject AND a.open
), changed AS (
    UPDATE alerts a
       SET inhibited = CASE WHEN w.how = 'inhibited' THEN w.cause_rule IS NOT NULL ELSE a.inhibited END,
           inhibited_by = CASE WHEN w.how = 'inhibited' THEN w.cause ELSE a.inhibited_by END,
           suppressed_by = CASE WHEN w.how = 'suppressed' THEN w.cause_rule ELSE a.suppressed_by END,
           changed_at = clock_timestamp()
      FROM wanted w
     WHERE a.id = w.id
       AND CASE WHEN w.how = 'inhibited'
                THEN a.inhibited IS DISTINCT FROM (w.cause_rule IS NOT NULL)
                     OR (w.cause_rule IS NOT NULL AND a.inhibited_by IS DISTINCT FROM w.cause)
                ELSE a.suppressed_by IS DISTINCT FROM w.cause_rule END
    RETURNING a.id, a.level, a.value, a.threshold, w.place, w.how, w.cause_rule, w.cause_subject, w.cause, w.time,
              w.cause_rule IS NULL AND a.state = 'active' AND NOT a.held_back AS told
), events AS (
    INSERT INTO alert_events (alert, time, event, level, value, threshold, comment, cause, told)
    SELECT id, time,
           CASE WHEN how = 'inhibited' THEN CASE WHEN cause_rule IS NULL THEN 'released' ELSE 'inhibited' END
                ELSE CASE WHEN cause_rule IS NULL THEN 'unsuppressed' ELSE 'suppressed' END END,
           level, value, threshold, cause_rule || ' ' || cause_subject,
           CASE WHEN how = 'inhibited' THEN cause END, told
      FROM changed
     ORDER BY place
    RETURNING id, alert, told
), outgoing AS (
    INSERT INTO outbox (event) SELECT id FROM events WHERE told
)
SELECT alert FROM events WHERE told;

-- name: announce
-- Alerts that people are told of from now on: each is to be acknowledged.
UPDATE alerts
   SET announced = true, acknowledged = false, acknowledged_at = NULL, acknowledged_by = NULL,
       changed_at = clock_timestamp()
 WHERE id = ANY (%(alerts)s);

-- name: touched
-- Locks the alerts that a revision may touch: the open one of its rule and subject, and those that reach beyond its time.
-- What holds an alert back that is over is looked up anew, in case it goes on.
SELECT k.place, a.id, a.open, a.announced,
       CASE WHEN a.open THEN a.held_back
            ELSE a.class = 'condition' OR shelved_until_of(a.rule, a.subject) IS NOT NULL
                 OR is_out_of_service(a.rule, a.subject, a.asset, a.device)
                 OR maintenance_window_of(a.rule, a.network, a.area, a.asset, a.device, clock_timestamp()) IS NOT NULL
            END
  FROM jsonb_to_recordset(%(keys)s) AS k (place integer, rule text, subject text, since timestamptz)
  JOIN alerts a USING (rule, subject)
 WHERE a.open OR a.cleared_at >= k.since
 ORDER BY a.id
   FOR UPDATE OF a;

-- name: effective
-- The events of alerts that count at present, in order.
SELECT id, alert, event, time, level, value, threshold, told
  FROM effective_alert_events
 WHERE alert = ANY (%(alerts)s)
 ORDER BY alert, time, id;

-- name: begin
-- Alerts for excursions that had been missed, at most one for each rule and subject, before their events are known.
INSERT INTO alerts (rule, subject, kind, class, network, area, asset, device, property, level, state,
                    raised_at, level_at, title_en, title_zh, text_en, text_zh,
                    shelved_until, out_of_service, maintenance_window, announced)
SELECT rule, subject, kind, class, network, area, asset, device, property, level, 'returned',
       time, time, title_en, title_zh, text_en, text_zh,
       shelved_until_of(rule, subject),
       is_out_of_service(rule, subject, asset, device),
       maintenance_window_of(rule, network, area, asset, device, clock_timestamp()),
       false
  FROM jsonb_to_recordset(%(changes)s) AS c (
       place integer, rule text, subject text, time timestamptz, level text, kind text, class text, network text, area text,
       asset text, device text, property text, title_en text, title_zh text, text_en text, text_zh text)
 ORDER BY place
RETURNING rule, subject, id, held_back;

-- name: amend
-- Appends what a revision withdraws and adds, and the intents to tell people.
WITH events AS (
    INSERT INTO alert_events (alert, time, event, level, value, threshold, comment, withdraws, late, told, account)
    SELECT alert, coalesce(time, clock_timestamp()), event, level, value, threshold, comment, withdraws, true, told,
           account
      FROM jsonb_to_recordset(%(events)s) AS e (
           place integer, alert bigint, time timestamptz, event text, level text, value double precision,
           threshold double precision, comment text, withdraws bigint, told boolean, account jsonb)
     ORDER BY place
    RETURNING id, told
)
INSERT INTO outbox (event) SELECT id FROM events WHERE told;

-- name: project
-- Writes into alerts what their events make of them now. `superseded`: an earlier alert goes on instead of this one.
UPDATE alerts a
   SET state = CASE WHEN p.untouched THEN a.state WHEN p.active THEN 'active' ELSE 'returned' END,
       raised_at = coalesce(p.raised_at, a.raised_at), level = coalesce(p.level, a.level),
       level_at = coalesce(p.level_at, a.level_at), value = CASE WHEN p.level IS NULL THEN a.value ELSE p.value END,
       threshold = CASE WHEN p.level IS NULL THEN a.threshold ELSE p.threshold END,
       cleared_at = CASE WHEN p.untouched THEN a.cleared_at ELSE p.cleared_at END,
       withdrawn = CASE WHEN p.untouched THEN a.withdrawn ELSE p.withdrawn END,
       inhibited = a.inhibited AND a.open, suppressed_by = CASE WHEN a.open THEN a.suppressed_by END,
       shelved_until = CASE WHEN a.open THEN a.shelved_until ELSE shelved_until_of(a.rule, a.subject) END,
       out_of_service = CASE WHEN a.open THEN a.out_of_service
                             ELSE is_out_of_service(a.rule, a.subject, a.asset, a.device) END,
       maintenance_window = CASE WHEN a.open THEN a.maintenance_window ELSE maintenance_window_of(
           a.rule, a.network, a.area, a.asset, a.device, clock_timestamp()) END,
       latched = CASE WHEN p.superseded OR p.withdrawn THEN false ELSE a.latched OR p.latching END,
       announced = a.announced OR p.announced,
       acknowledged = p.superseded OR (a.acknowledged AND NOT p.worsened),
       acknowledged_at = CASE WHEN p.superseded THEN coalesce(a.acknowledged_at, clock_timestamp())
                              WHEN NOT p.worsened THEN a.acknowledged_at END,
       acknowledged_by = CASE WHEN NOT p.worsened THEN a.acknowledged_by END,
       title_en = coalesce(p.account ->> 'title_en', a.title_en),
       title_zh = coalesce(p.account ->> 'title_zh', a.title_zh),
       text_en = coalesce(p.account ->> 'text_en', a.text_en),
       text_zh = coalesce(p.account ->> 'text_zh', a.text_zh),
       facts = coalesce(p.account -> 'facts', a.facts),
       changed_at = clock_timestamp()
  FROM (SELECT r.*, coalesce(r.given, e.account) AS account
          FROM jsonb_to_recordset(%(projections)s) AS r (
               alert bigint, untouched boolean, active boolean, raised_at timestamptz, level text, level_at timestamptz,
               cleared_at timestamptz, value double precision, threshold double precision, withdrawn boolean,
               latching boolean, announced boolean, worsened boolean, superseded boolean, given jsonb, shown bigint)
          LEFT JOIN alert_events e ON e.id = r.shown) p
 WHERE a.id = p.alert;
