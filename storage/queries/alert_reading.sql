-- name: alerts
-- A page of alerts, newest first by the time of the condition.
SELECT id, rule, subject, kind, class AS alert_class, network, area, asset, device, property, level, state, open,
       acknowledged, acknowledged_at, acknowledged_by, raised_at, level_at, cleared_at, value, threshold,
       title_en, title_zh, text_en, text_zh, recorded_at, changed_at
  FROM alerts
 WHERE (%(before)s::timestamptz IS NULL OR (raised_at, id) < (%(before)s, %(before_id)s::bigint))
   AND (%(since)s::timestamptz IS NULL OR raised_at >= %(since)s)
   AND (%(until)s::timestamptz IS NULL OR raised_at < %(until)s)
   AND (%(state)s::text IS NULL OR state = %(state)s)
   AND (%(open)s::boolean IS NULL OR open = %(open)s)
   AND (%(acknowledged)s::boolean IS NULL OR acknowledged = %(acknowledged)s)
   AND (%(levels)s::text[] IS NULL OR level = ANY (%(levels)s))
   AND (%(kind)s::text IS NULL OR kind = %(kind)s)
   AND (%(rule)s::text IS NULL OR rule = %(rule)s)
   AND (%(network)s::text IS NULL OR network = %(network)s)
   AND (%(area)s::text IS NULL OR area LIKE %(area)s || '%%')
   AND (%(asset)s::text IS NULL OR asset = %(asset)s)
   AND (%(device)s::text IS NULL OR device = %(device)s)
 ORDER BY raised_at DESC, id DESC
 LIMIT %(limit)s;

-- name: alert
-- One alert.
SELECT id, rule, subject, kind, class AS alert_class, network, area, asset, device, property, level, state, open,
       acknowledged, acknowledged_at, acknowledged_by, raised_at, level_at, cleared_at, value, threshold,
       title_en, title_zh, text_en, text_zh, recorded_at, changed_at
  FROM alerts
 WHERE id = %(id)s;

-- name: history
-- The events of one alert, oldest first; of a very long life the last ones.
SELECT * FROM (
    SELECT id, time, recorded_at, event, level, value, threshold, actor, comment
      FROM alert_events
     WHERE alert = %(alert)s
     ORDER BY id DESC
     LIMIT %(limit)s) e
 ORDER BY id;

-- name: notifications
-- Who was or will be told about one alert, newest first. The error text may quote an address: it is not shown.
SELECT id, event, channel, language, state, attempts, written_at, sent_at,
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
       a.rule, a.subject, a.kind, a.class AS alert_class, a.network, a.area, a.asset, a.device, a.property,
       a.title_en, a.title_zh
  FROM alert_events e
  JOIN alerts a ON a.id = e.alert
 WHERE e.id > %(after)s AND e.id <= %(through)s
 ORDER BY e.id
 LIMIT %(limit)s;
