-- name: lock
-- The alert, locked, so that no rule changes it between our look and our write.
SELECT acknowledged, acknowledged_by FROM alerts WHERE id = %(id)s FOR UPDATE;

-- name: acknowledge
-- Marks the alert.
UPDATE alerts
   SET acknowledged = true, acknowledged_at = clock_timestamp(), acknowledged_by = %(operator)s,
       changed_at = clock_timestamp()
 WHERE id = %(id)s;

-- name: record
-- Appends what a person did to the history of an alert.
INSERT INTO alert_events (alert, time, event, level, value, threshold, actor, comment)
SELECT id, clock_timestamp(), %(event)s, level, value, threshold, %(operator)s, %(comment)s
  FROM alerts
 WHERE id = %(id)s
RETURNING id, time, recorded_at, event, level, value, threshold, actor, comment;
