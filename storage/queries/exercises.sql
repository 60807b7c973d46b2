-- name: next
-- The number of the next exercise; numbers are never used again.
SELECT nextval(pg_get_serial_sequence('exercises', 'id'));

-- name: open
-- A new exercise; refused while another one runs.
INSERT INTO exercises (id, title_en, title_zh, scenario, scale, seed, started_by, plan)
VALUES (%(exercise)s, %(title_en)s, %(title_zh)s, %(scenario)s, %(scale)s, %(seed)s, %(by)s, %(plan)s);

-- name: pace
-- From here on its time runs; no row when it has ended, or runs already.
UPDATE exercises
   SET begins_at = %(begins)s, paced_from = %(published_from)s, speed = %(speed)s
 WHERE id = %(exercise)s AND ended_at IS NULL AND paced_from IS NULL
RETURNING id;

-- name: begin_silence
-- Silence of its datastreams counts from the begin of its incident, by the clock of the incident.
UPDATE datastreams s
   SET registered_at = %(begins)s
  FROM devices d
  JOIN assets a ON a.id = d.asset
 WHERE d.id = s.device AND a.exercise = %(exercise)s;

-- name: hold_rules
-- Waits until the rules have written what they are writing, and holds them off to the end of the transaction.
SELECT FROM rules_leader FOR UPDATE;

-- name: end
-- Over; no row when it was over already, or never was.
UPDATE exercises
   SET ended_at = clock_timestamp(), ended_by = %(by)s
 WHERE id = %(exercise)s AND ended_at IS NULL
RETURNING id;

-- name: close
-- Closes what is open of an exercise: what is active clears, and whatever nobody took waits for nobody any more. People
-- who were told of an active alert are told that it is over. Returns how many were open.
WITH due AS MATERIALIZED (
    SELECT id, level, value, threshold, state, acknowledged, announced AND NOT held_back AS told
      FROM alerts
     WHERE exercise = %(exercise)s AND open
     ORDER BY id
       FOR UPDATE
), closed AS (
    UPDATE alerts a
       SET state = 'returned', latched = false, acknowledged = true,
           cleared_at = CASE WHEN d.state = 'active' THEN greatest(a.level_at, %(at)s::timestamptz) ELSE a.cleared_at END,
           inhibited = false, suppressed_by = NULL, shelved_until = NULL, changed_at = clock_timestamp()
      FROM due d
     WHERE a.id = d.id
    RETURNING a.id, a.cleared_at
), ended AS (
    UPDATE shelvings s
       SET ended_at = clock_timestamp(), ended_by = %(by)s
      FROM alerts a
     WHERE a.exercise = %(exercise)s AND s.rule = a.rule AND s.subject = a.subject AND s.ended_at IS NULL
), events AS (
    INSERT INTO alert_events (alert, time, event, level, value, threshold, actor, comment, told)
    SELECT d.id, CASE WHEN d.state = 'active' THEN c.cleared_at ELSE clock_timestamp() END,
           CASE WHEN d.state = 'active' THEN 'cleared' ELSE 'commented' END, d.level, d.value, d.threshold, %(by)s,
           %(comment)s, d.state = 'active' AND d.told
      FROM due d
      JOIN closed c USING (id)
     ORDER BY d.id
    RETURNING id, told
), outgoing AS (
    INSERT INTO outbox (event) SELECT id FROM events WHERE told
)
SELECT count(*) FROM due;

-- name: forget_standings
-- What the rules remember of its subjects.
DELETE FROM rule_states
 WHERE subject IN (SELECT 'asset:' || a.id FROM assets a WHERE a.exercise = %(exercise)s
                   UNION SELECT 'area:' || a.area FROM assets a WHERE a.exercise = %(exercise)s
                   UNION SELECT 'device:' || d.id
                     FROM devices d JOIN assets a ON a.id = d.asset WHERE a.exercise = %(exercise)s
                   UNION SELECT 'datastream:' || s.id
                     FROM datastreams s JOIN devices d ON d.id = s.device JOIN assets a ON a.id = d.asset
                    WHERE a.exercise = %(exercise)s);

-- name: exercises
-- Exercises, the newest first.
SELECT id, title_en, title_zh, scenario, scale, seed, started_by, started_at, begins_at, paced_from, speed, ended_at,
       ended_by, plan
  FROM exercises
 WHERE (%(exercise)s::integer IS NULL OR id = %(exercise)s)
   AND (%(before)s::integer IS NULL OR id < %(before)s)
   AND (NOT %(running)s OR ended_at IS NULL)
 ORDER BY id DESC
 LIMIT %(limit)s;

-- name: alerts
-- The alerts of an exercise that people may see, in the order in which they were written.
SELECT a.id, a.rule, a.subject, a.network, a.area, a.asset, a.device, a.level, a.title_en, a.title_zh,
       a.raised_at, a.cleared_at, a.recorded_at, a.announced
  FROM alerts a
 WHERE a.exercise = %(exercise)s AND a.class <> 'condition' AND NOT a.withdrawn
 ORDER BY a.id;

-- name: events
-- What happened to them, in order.
SELECT e.alert, e.event, e.level, e.time, e.recorded_at, e.actor, e.comment, e.addressee, e.told
  FROM alert_events e
 WHERE e.exercise = %(exercise)s
 ORDER BY e.id;

-- name: sent
-- When people first got word of each event.
SELECT n.alert, n.event, min(n.sent_at)
  FROM notifications n
 WHERE n.exercise = %(exercise)s AND n.sent_at IS NOT NULL
 GROUP BY n.alert, n.event
 ORDER BY n.event;

-- name: waiting
-- Whether anything of an exercise waits to be addressed or sent.
SELECT EXISTS (SELECT FROM outbox WHERE exercise = %(exercise)s)
       OR EXISTS (SELECT FROM notifications WHERE exercise = %(exercise)s AND state = 'pending');

-- name: heard
-- How many datastreams of an exercise there are, and how many were heard.
SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM observations o WHERE o.datastream = s.id))
  FROM datastreams s
  JOIN devices d ON d.id = s.device
  JOIN assets a ON a.id = d.asset
 WHERE a.exercise = %(exercise)s;
