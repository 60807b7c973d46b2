-- name: alerts
-- A page of alerts, newest first by the time of the condition.
SELECT a.id, a.rule, a.subject, a.kind, a.class AS alert_class, a.network, a.area, a.asset, a.device, a.property, a.level,
       a.state, a.open, a.acknowledged, a.acknowledged_at, a.acknowledged_by, a.raised_at, a.level_at, a.cleared_at,
       a.value, a.threshold, a.title_en, a.title_zh, a.text_en, a.text_zh, a.recorded_at, a.changed_at,
       a.alarm_state, a.announced, a.latched, a.withdrawn, a.inhibited, a.inhibited_by AS cause, a.suppressed_by,
       a.maintenance_window, a.out_of_service, a.facts, a.exercise,
       s.mode AS shelving_mode, s.reason AS shelving_reason, s.by AS shelving_by, s.since AS shelving_since,
       s.until AS shelving_until
  FROM alerts a
  LEFT JOIN shelvings s ON s.rule = a.rule AND s.subject = a.subject AND s.ended_at IS NULL AND a.shelved_until IS NOT NULL
 WHERE (%(before)s::timestamptz IS NULL OR (a.raised_at, a.id) < (%(before)s, %(before_id)s::bigint))
   AND (%(since)s::timestamptz IS NULL OR a.raised_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR a.raised_at < %(until)s)
   AND (%(state)s::text IS NULL OR a.state = %(state)s)
   AND (%(open)s::boolean IS NULL OR a.open = %(open)s)
   AND (%(acknowledged)s::boolean IS NULL OR a.acknowledged = %(acknowledged)s)
   AND (%(levels)s::text[] IS NULL OR a.level = ANY (%(levels)s))
   AND (%(kind)s::text IS NULL OR a.kind = %(kind)s)
   AND (%(rule)s::text IS NULL OR a.rule = %(rule)s)
   AND (%(alarm_state)s::text IS NULL OR a.alarm_state = %(alarm_state)s)
   AND a.class = ANY (%(classes)s)
   AND (%(held_back)s::boolean IS NULL OR (a.open AND a.held_back) = %(held_back)s)
   AND (%(withdrawn)s::boolean IS NULL OR a.withdrawn = %(withdrawn)s)
   AND (%(cause)s::bigint IS NULL OR a.inhibited_by = %(cause)s)
   AND (%(network)s::text IS NULL OR a.network = %(network)s)
   AND (%(area)s::text IS NULL OR a.area LIKE %(area)s || '%%')
   AND (%(asset)s::text IS NULL OR a.asset = %(asset)s)
   AND (%(device)s::text IS NULL OR a.device = %(device)s)
   AND (%(exercises)s::text = 'include' OR (a.exercise IS NOT NULL) = (%(exercises)s::text = 'only'))
 ORDER BY a.raised_at DESC, a.id DESC
 LIMIT %(limit)s;

-- name: alert
-- One alert.
SELECT a.id, a.rule, a.subject, a.kind, a.class AS alert_class, a.network, a.area, a.asset, a.device, a.property, a.level,
       a.state, a.open, a.acknowledged, a.acknowledged_at, a.acknowledged_by, a.raised_at, a.level_at, a.cleared_at,
       a.value, a.threshold, a.title_en, a.title_zh, a.text_en, a.text_zh, a.recorded_at, a.changed_at,
       a.alarm_state, a.announced, a.latched, a.withdrawn, a.inhibited, a.inhibited_by AS cause, a.suppressed_by,
       a.maintenance_window, a.out_of_service, a.facts, a.exercise,
       s.mode AS shelving_mode, s.reason AS shelving_reason, s.by AS shelving_by, s.since AS shelving_since,
       s.until AS shelving_until
  FROM alerts a
  LEFT JOIN shelvings s ON s.rule = a.rule AND s.subject = a.subject AND s.ended_at IS NULL AND a.shelved_until IS NOT NULL
 WHERE a.id = %(id)s;

-- name: history
-- The events of one alert, oldest first; of a very long life the last ones.
SELECT * FROM (
    SELECT id, time, recorded_at, event, level, value, threshold, actor, comment, addressee, told, late, withdraws, cause,
           exercise
      FROM alert_events
     WHERE alert = %(alert)s
     ORDER BY id DESC
     LIMIT %(limit)s) e
 ORDER BY id;

-- name: notifications
-- Who was or will be told about one alert, newest first. The error text may quote an address: it is not shown.
SELECT id, event, channel, language, state, attempts, written_at, sent_at, exercise,
       CASE WHEN state = 'pending' THEN next_attempt_at END AS next_attempt_at
  FROM notifications
 WHERE alert = %(alert)s
 ORDER BY event DESC, channel
 LIMIT %(limit)s;

-- name: last_event
-- The newest number given to an event of an alert.
SELECT coalesce(max(id), 0) FROM alert_events;

-- name: events_after
-- Events of alerts after a number, in the order of their numbers, with what a reader needs to show them.
SELECT e.id, e.alert, e.time, e.recorded_at, e.event, e.level, e.value, e.threshold, e.actor, e.comment,
       e.addressee, e.told, e.late, e.withdraws, e.cause, e.exercise,
       a.rule, a.subject, a.kind, a.class AS alert_class, a.network, a.area, a.asset, a.device, a.property,
       a.title_en, a.title_zh
  FROM alert_events e
  JOIN alerts a ON a.id = e.alert
 WHERE e.id > %(after)s AND e.id <= %(through)s
 ORDER BY e.id
 LIMIT %(limit)s;
