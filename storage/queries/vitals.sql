-- name: partitions
-- How each partition of ingest fares: ages by the database's clock, and what its counters moved by lately. What is
-- compared is the newest count that is old enough, or else the oldest there is; a new partition began with nothing. One
-- that never caught up lags since it was first counted. Behind a replay nobody lags: its time is not that of the day.
SELECT p.partition,
       greatest(CASE WHEN k.clock = 'system'
                     THEN extract(epoch FROM p.heartbeat_at - coalesce(p.caught_up_at, first.at)) END, 0)::float8 AS lag_s,
       greatest(extract(epoch FROM clock_timestamp() - p.heartbeat_at), 0)::float8 AS silent_s,
       p.received - coalesce(short.received, 0) AS received,
       p.rejected - coalesce(short.rejected, 0) AS rejected,
       p.session_losses - coalesce(long.session_losses, 0) AS lost
  FROM ingest_partitions p
 CROSS JOIN platform_clock k
 CROSS JOIN LATERAL (SELECT min(at) AS at FROM ingest_counts c WHERE c.partition = p.partition) first
  LEFT JOIN LATERAL (
       SELECT received, rejected
         FROM ingest_counts c
        WHERE c.partition = p.partition
        ORDER BY c.at > clock_timestamp() - INTERVAL '10 minutes',
                 CASE WHEN c.at > clock_timestamp() - INTERVAL '10 minutes' THEN c.at END,
                 c.at DESC
        LIMIT 1) short ON true
  LEFT JOIN LATERAL (
       SELECT session_losses
         FROM ingest_counts c
        WHERE c.partition = p.partition
        ORDER BY c.at > clock_timestamp() - INTERVAL '1 hour',
                 CASE WHEN c.at > clock_timestamp() - INTERVAL '1 hour' THEN c.at END,
                 c.at DESC
        LIMIT 1) long ON true
 ORDER BY p.partition;

-- name: deliveries
-- How long the oldest event or message has waited to be sent, and how many messages failed for good within a day.
SELECT greatest(
           (SELECT extract(epoch FROM clock_timestamp() - min(written_at)) FROM outbox),
           (SELECT extract(epoch FROM clock_timestamp() - min(written_at)) FROM notifications WHERE state = 'pending'),
           0)::float8,
       (SELECT count(*) FROM notifications
         WHERE state = 'failed' AND written_at > clock_timestamp() - INTERVAL '1 day');

-- name: count
-- Keeps the counters as they are now.
INSERT INTO ingest_counts (partition, at, received, rejected, session_losses)
SELECT partition, clock_timestamp(), received, rejected, session_losses FROM ingest_partitions;

-- name: forget_counts
-- Counts too old to be compared with; of each partition the newest old one stays.
DELETE FROM ingest_counts c
 WHERE at < clock_timestamp() - INTERVAL '2 hours'
   AND EXISTS (SELECT FROM ingest_counts n
                WHERE n.partition = c.partition AND n.at > c.at AND n.at < clock_timestamp() - INTERVAL '1 hour');
