-- name: fan_out_lock
-- Whether this transaction may address events; one worker at a time, so that an alert's events keep their order.
SELECT pg_try_advisory_xact_lock(%(key)s);

-- name: take_outbox
-- Takes the oldest events out of the outbox, with the channels that earlier events of the same alert went to.
WITH taken AS (
    DELETE FROM outbox
     WHERE event IN (SELECT event FROM outbox ORDER BY event LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING event)
SELECT e.id, e.alert, e.level, a.network, e.addressee, a.exercise,
       ARRAY(SELECT DISTINCT n.channel
               FROM notifications n
              WHERE n.alert = e.alert AND n.state <> 'unaddressed'
              ORDER BY n.channel)
  FROM taken t
  JOIN alert_events e ON e.id = t.event
  JOIN alerts a ON a.id = e.alert
 ORDER BY e.id;

-- name: add_notification
-- Intends one delivery; an event goes to a channel once, however often it is addressed.
INSERT INTO notifications (event, alert, channel, language, state)
VALUES (%(event)s, %(alert)s, %(channel)s, %(language)s, %(state)s)
ON CONFLICT (event, channel) DO NOTHING;

-- name: claim_notification
-- Leases the oldest due delivery of a channel. A later event of an alert waits until the earlier one is settled.
WITH due AS MATERIALIZED (
    SELECT n.id
      FROM notifications n
     WHERE n.channel = %(channel)s
       AND n.state = 'pending'
       AND n.next_attempt_at <= clock_timestamp()
       AND (n.leased_until IS NULL OR n.leased_until <= clock_timestamp())
       AND NOT EXISTS (
           SELECT FROM notifications earlier
            WHERE earlier.alert = n.alert AND earlier.channel = n.channel
              AND earlier.event < n.event AND earlier.state = 'pending')
     ORDER BY n.event
     LIMIT 1
       FOR UPDATE SKIP LOCKED)
UPDATE notifications n
   SET leased_until = clock_timestamp() + make_interval(secs => %(lease_s)s), attempts = n.attempts + 1
  FROM due
 WHERE n.id = due.id
RETURNING n.id::text, n.event, n.alert, n.channel, n.language, n.attempts;

-- name: notice
-- Everything a message about one event says; texts are those of that moment.
SELECT e.event, e.level, e.time, e.value, e.threshold,
       (SELECT p.level
          FROM effective_alert_events p
         WHERE p.alert = e.alert AND (p.time, p.id) < (e.time, e.id) AND p.event IN ('raised', 'level_changed')
         ORDER BY p.time DESC, p.id DESC
         LIMIT 1),
       a.raised_at, a.network, a.area, a.asset, a.device, a.property,
       n.name_en, n.name_zh, s.name_en, s.name_zh, p.name_en, p.name_zh, p.unit,
       coalesce(e.account ->> 'title_en', a.title_en), coalesce(e.account ->> 'title_zh', a.title_zh),
       coalesce(e.account ->> 'text_en', a.text_en), coalesce(e.account ->> 'text_zh', a.text_zh),
       (SELECT w.event FROM alert_events w WHERE w.id = e.withdraws), e.actor, e.addressee, e.comment, a.exercise
  FROM alert_events e
  JOIN alerts a ON a.id = e.alert
  LEFT JOIN networks n ON n.id = a.network
  LEFT JOIN assets s ON s.id = a.asset
  LEFT JOIN properties p ON p.id = a.property
 WHERE e.id = %(event)s;

-- name: record_sent
-- The receiver took it.
UPDATE notifications
   SET state = 'sent', sent_at = clock_timestamp(), leased_until = NULL, last_error = NULL
 WHERE id = %(id)s::uuid AND state = 'pending';

-- name: record_failure
-- The receiver did not take it: it is due again later, or has failed for good when it is older than we try.
UPDATE notifications
   SET state = CASE WHEN written_at + make_interval(secs => %(give_up_s)s) <= clock_timestamp()
                    THEN 'failed' ELSE 'pending' END,
       next_attempt_at = clock_timestamp() + make_interval(secs => %(delay_s)s),
       leased_until = NULL,
       last_error = %(error)s
 WHERE id = %(id)s::uuid AND state = 'pending'
RETURNING state;

-- name: give_up
-- Fails what is older than we try and nobody is sending, whether or not its address is still configured.
UPDATE notifications
   SET state = 'failed', leased_until = NULL, last_error = coalesce(last_error, 'never attempted: no worker serves this address')
 WHERE state = 'pending'
   AND written_at + make_interval(secs => %(give_up_s)s) <= clock_timestamp()
   AND (leased_until IS NULL OR leased_until <= clock_timestamp())
RETURNING channel;

-- name: backlog
-- How old the oldest event is that is not addressed yet, and what waits on each channel.
SELECT coalesce(extract(epoch FROM clock_timestamp() - (SELECT min(written_at) FROM outbox)), 0)::float8,
       (SELECT count(*) FROM outbox);

-- name: pending_by_channel
-- Deliveries that wait, by channel, with the age of the oldest in seconds.
SELECT channel, count(*), extract(epoch FROM clock_timestamp() - min(written_at))::float8
  FROM notifications
 WHERE state = 'pending'
 GROUP BY channel
 ORDER BY channel;
