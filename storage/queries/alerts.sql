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
-- Changes of alerts, at most one for each rule and subject, with their events and the intent to tell people. A raise on
-- an alert that returned and was never acknowledged opens that alert again; it keeps the time of its first raise. An
-- alert that worsens is to be acknowledged again.
WITH changes AS (
    SELECT *
      FROM jsonb_to_recordset(%(changes)s) AS c (
           place integer, rule text, subject text, event text, time timestamptz, level text,
           value double precision, threshold double precision, worse boolean, comment text,
           kind text, class text, network text, area text, asset text, device text, property text,
           title_en text, title_zh text, text_en text, text_zh text)
), raised AS (
    INSERT INTO alerts AS a (rule, subject, kind, class, network, area, asset, device, property, level, state,
                             raised_at, level_at, value, threshold, title_en, title_zh, text_en, text_zh)
    SELECT rule, subject, kind, class, network, area, asset, device, property, level, 'active',
           time, time, value, threshold, title_en, title_zh, text_en, text_zh
      FROM changes
     WHERE event = 'raised'
     ORDER BY place
    ON CONFLICT (rule, subject) WHERE open DO UPDATE
       SET state = 'active', level = excluded.level, level_at = excluded.level_at, cleared_at = NULL,
           value = excluded.value, threshold = excluded.threshold, kind = excluded.kind,
           title_en = excluded.title_en, title_zh = excluded.title_zh,
           text_en = excluded.text_en, text_zh = excluded.text_zh, changed_at = clock_timestamp()
    RETURNING a.id, a.rule, a.subject
), moved AS (
    UPDATE alerts a
       SET level = c.level, level_at = c.time, value = c.value, threshold = c.threshold,
           title_en = c.title_en, title_zh = c.title_zh, text_en = c.text_en, text_zh = c.text_zh,
           acknowledged = a.acknowledged AND NOT c.worse,
           acknowledged_at = CASE WHEN NOT c.worse THEN a.acknowledged_at END,
           acknowledged_by = CASE WHEN NOT c.worse THEN a.acknowledged_by END,
           changed_at = clock_timestamp()
      FROM changes c
     WHERE c.event = 'level_changed' AND a.rule = c.rule AND a.subject = c.subject AND a.open
    RETURNING a.id, a.rule, a.subject
), cleared AS (
    UPDATE alerts a
       SET state = 'returned', cleared_at = c.time, changed_at = clock_timestamp()
      FROM changes c
     WHERE c.event = 'cleared' AND a.rule = c.rule AND a.subject = c.subject AND a.open AND a.state = 'active'
    RETURNING a.id, a.rule, a.subject
), events AS (
    INSERT INTO alert_events (alert, time, event, level, value, threshold, comment)
    SELECT t.id, c.time, c.event, c.level, c.value, c.threshold, c.comment
      FROM changes c
      JOIN (SELECT * FROM raised UNION ALL SELECT * FROM moved UNION ALL SELECT * FROM cleared) t USING (rule, subject)
     ORDER BY c.place
    RETURNING id
)
INSERT INTO outbox (event) SELECT id FROM events;
