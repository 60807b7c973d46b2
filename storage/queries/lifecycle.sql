-- name: lock
-- What is so of an alert, locked, so that no rule changes it between our look and our write. What holds its rule and
-- subject back counts for an alert that is over as well.
SELECT rule, subject, asset, device, acknowledged_by,
       state = 'active' AS active, acknowledged, latched,
       shelved_until_of(rule, subject) IS NOT NULL AS shelved,
       suppressed_by IS NOT NULL OR maintenance_window IS NOT NULL AS suppressed,
       inhibited, is_out_of_service(rule, subject, asset, device) AS out_of_service, announced
  FROM alerts
 WHERE id = %(alert)s
   FOR UPDATE;

-- name: acknowledge
-- A person takes the alert.
UPDATE alerts
   SET acknowledged = true, acknowledged_at = clock_timestamp(), acknowledged_by = %(operator)s,
       changed_at = clock_timestamp()
 WHERE id = %(alert)s;

-- name: reset
-- A latched alert that has returned is over.
UPDATE alerts SET latched = false, changed_at = clock_timestamp() WHERE id = %(alert)s;

-- name: escalate
-- A person hands an alert on: people are told of it, whatever holds the alert back.
WITH escalated AS (
    INSERT INTO alert_events (alert, time, event, level, value, threshold, actor, comment, addressee, told)
    SELECT id, clock_timestamp(), 'escalated', level, value, threshold, %(operator)s, %(comment)s, %(addressee)s, true
      FROM alerts
     WHERE id = %(alert)s
    RETURNING id
)
INSERT INTO outbox (event) SELECT id FROM escalated;

-- name: record
-- Appends what a person did to the history of an alert.
INSERT INTO alert_events (alert, time, event, level, value, threshold, actor, comment)
SELECT id, clock_timestamp(), %(event)s, level, value, threshold, %(operator)s, %(comment)s
  FROM alerts
 WHERE id = %(alert)s
RETURNING id, time, recorded_at, event, level, value, threshold, actor, comment, addressee, told, late, withdraws, cause,
          exercise;

-- name: shelve
-- Nothing of the rule on the subject is announced for a while.
WITH shelved AS (
    INSERT INTO shelvings (alert, rule, subject, mode, reason, by, since, until)
    SELECT id, rule, subject, %(mode)s, %(reason)s, %(operator)s, %(since)s, %(until)s FROM alerts WHERE id = %(alert)s
    RETURNING until
)
UPDATE alerts a SET shelved_until = s.until, changed_at = clock_timestamp() FROM shelved s WHERE a.id = %(alert)s;

-- name: expired
-- Locks the alerts whose shelving has run out, in one order, before anything changes.
SELECT a.id
  FROM shelvings s
  JOIN alerts a ON a.rule = s.rule AND a.subject = s.subject AND a.shelved_until IS NOT NULL
 WHERE s.ended_at IS NULL AND s.until <= %(now)s
 ORDER BY a.id
   FOR UPDATE OF a;

-- name: unshelve
-- Ends the shelving of one rule and subject, or (both null) every one that has run out. Returns how many ended, and the
-- alerts that people are told of again.
WITH ended AS (
    UPDATE shelvings
       SET ended_at = %(now)s, ended_by = %(operator)s
     WHERE ended_at IS NULL
       AND CASE WHEN %(rule)s::text IS NULL THEN until <= %(now)s
                ELSE rule = %(rule)s AND subject = %(subject)s END
    RETURNING rule, subject
), freed AS (
    UPDATE alerts a
       SET shelved_until = NULL, changed_at = clock_timestamp()
      FROM ended e
     WHERE a.rule = e.rule AND a.subject = e.subject AND a.shelved_until IS NOT NULL
    RETURNING a.id, a.open, a.level, a.value, a.threshold, a.state = 'active' AND NOT a.held_back AS told
), events AS (
    INSERT INTO alert_events (alert, time, event, level, value, threshold, actor, comment, told)
    SELECT id, %(now)s, 'unshelved', level, value, threshold, %(operator)s, %(comment)s, told
      FROM freed
     WHERE open OR id = %(alert)s
     ORDER BY id
    RETURNING id, alert, told
), outgoing AS (
    INSERT INTO outbox (event) SELECT id FROM events WHERE told
)
SELECT (SELECT count(*) FROM ended), ARRAY(SELECT alert FROM events WHERE told);

-- name: take_out_of_service
-- Until a person says otherwise nothing is announced of an alert's rule and subject, of its device, or of its asset.
INSERT INTO out_of_service (rule, subject, device, asset, reason, by, since)
SELECT CASE WHEN %(scope)s = 'alert' THEN rule END, CASE WHEN %(scope)s = 'alert' THEN subject END,
       CASE WHEN %(scope)s = 'device' THEN device END, CASE WHEN %(scope)s = 'asset' THEN asset END,
       %(reason)s, %(operator)s, %(now)s
  FROM alerts
 WHERE id = %(alert)s;

-- name: return_to_service
-- Ends every entry that covers an alert.
UPDATE out_of_service o
   SET ended_at = %(now)s, ended_by = %(operator)s
  FROM alerts a
 WHERE a.id = %(alert)s AND o.ended_at IS NULL
   AND ((o.rule = a.rule AND o.subject = a.subject) OR o.device = a.device OR o.asset = a.asset);

-- name: follow_service
-- Makes open alerts, and the one that a person acted on, agree with what is out of service. Returns the alerts that
-- people are told of again.
WITH due AS MATERIALIZED (
    SELECT id
      FROM alerts
     WHERE (open OR id = %(alert)s)
       AND (out_of_service OR EXISTS (SELECT FROM out_of_service WHERE ended_at IS NULL))
       AND out_of_service <> is_out_of_service(rule, subject, asset, device)
     ORDER BY id
       FOR UPDATE
), changed AS (
    UPDATE alerts a
       SET out_of_service = NOT a.out_of_service, changed_at = clock_timestamp()
      FROM due d
     WHERE a.id = d.id
    RETURNING a.id, a.level, a.value, a.threshold, a.out_of_service AS away, a.state = 'active' AND NOT a.held_back AS told
), events AS (
    INSERT INTO alert_events (alert, time, event, level, value, threshold, actor, comment, told)
    SELECT id, %(now)s, CASE WHEN away THEN 'out_of_service' ELSE 'in_service' END, level, value, threshold,
           %(operator)s, %(comment)s, told
      FROM changed
     ORDER BY id
    RETURNING id, alert, told
), outgoing AS (
    INSERT INTO outbox (event) SELECT id FROM events WHERE told
)
SELECT ARRAY(SELECT alert FROM events WHERE told);

-- name: plan_window
-- Planned work.
INSERT INTO maintenance_windows (network, area, asset, device, rule, starts_at, ends_at, reason, by)
VALUES (%(network)s, %(area)s, %(asset)s, %(device)s, %(rule)s, %(starts_at)s, %(ends_at)s, %(reason)s, %(operator)s)
RETURNING id;

-- name: cancel_window
-- Work that is not done, or done early.
UPDATE maintenance_windows
   SET cancelled_at = %(now)s, cancelled_by = %(operator)s
 WHERE id = %(window)s AND cancelled_at IS NULL AND ends_at > %(now)s;

-- name: windows
-- Maintenance windows, the newest first; without `all` only those that are in force or still to come.
SELECT id, network, area, asset, device, rule, starts_at, ends_at, reason, by, created_at, cancelled_at, cancelled_by,
       cancelled_at IS NULL AND starts_at <= %(now)s AND ends_at > %(now)s AS in_force
  FROM maintenance_windows
 WHERE (%(before)s::bigint IS NULL OR id < %(before)s)
   AND (%(window)s::bigint IS NULL OR id = %(window)s)
   AND (%(all)s OR (cancelled_at IS NULL AND ends_at > %(now)s))
 ORDER BY id DESC
 LIMIT %(limit)s;

-- name: follow_windows
-- Makes open alerts agree with the windows that are in force at an instant. One window that follows upon another is no
-- event. Returns how many windows let go, and the alerts that people are told of again.
WITH due AS MATERIALIZED (
    SELECT a.id, a.maintenance_window AS before,
           maintenance_window_of(a.rule, a.network, a.area, a.asset, a.device, %(now)s) AS following
      FROM alerts a
     WHERE a.open
       AND (a.maintenance_window IS NOT NULL OR EXISTS (
            SELECT FROM maintenance_windows w
             WHERE w.cancelled_at IS NULL AND w.starts_at <= %(now)s AND w.ends_at > %(now)s))
       AND a.maintenance_window IS DISTINCT FROM
           maintenance_window_of(a.rule, a.network, a.area, a.asset, a.device, %(now)s)
     ORDER BY a.id
       FOR UPDATE OF a
), changed AS (
    UPDATE alerts a
       SET maintenance_window = d.following, changed_at = clock_timestamp()
      FROM due d
     WHERE a.id = d.id
    RETURNING a.id, a.level, a.value, a.threshold, d.before, d.following,
              d.following IS NULL AND a.state = 'active' AND NOT a.held_back AS told
), events AS (
    INSERT INTO alert_events (alert, time, event, level, value, threshold, actor, comment, told)
    SELECT c.id, %(now)s, CASE WHEN c.following IS NULL THEN 'unsuppressed' ELSE 'suppressed' END,
           c.level, c.value, c.threshold, %(operator)s, w.reason, c.told
      FROM changed c
      JOIN maintenance_windows w ON w.id = coalesce(c.following, c.before)
     WHERE (c.before IS NULL) <> (c.following IS NULL)
     ORDER BY c.id
    RETURNING id, alert, told
), outgoing AS (
    INSERT INTO outbox (event) SELECT id FROM events WHERE told
)
SELECT (SELECT count(DISTINCT before) FROM changed), ARRAY(SELECT alert FROM events WHERE told);
