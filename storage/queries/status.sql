-- name: partitions
-- Counters and ages of every ingest partition.
SELECT partition, connected, messages, received, stored, duplicates, conflicts, rejected, session_losses,
       CASE WHEN clock = 'system' THEN extract(epoch FROM clock_timestamp() - caught_up_at) END::float8 AS lag_s,
       extract(epoch FROM clock_timestamp() - heartbeat_at)::float8 AS heartbeat_age_s
  FROM ingest_partitions
 CROSS JOIN platform_clock
 ORDER BY partition;

-- name: followers
-- How far each follower is behind the writer of each partition.
SELECT p.follower, p.partition, greatest(i.seq - p.seq, 0) AS behind,
       coalesce(extract(epoch FROM clock_timestamp() - n.stored_at), 0)::float8 AS lag_s
  FROM journal_positions p
  JOIN ingest_partitions i ON i.partition = p.partition
  LEFT JOIN LATERAL (
       SELECT stored_at FROM journal j
        WHERE j.partition = p.partition AND j.seq > p.seq
        ORDER BY j.seq
        LIMIT 1) n ON true
 ORDER BY p.follower, p.partition;

-- name: open_alerts
-- Open alerts that are real by network and level, the gravest first.
SELECT network, level, count(*) FILTER (WHERE state = 'active') AS active,
       count(*) FILTER (WHERE NOT acknowledged) AS unacknowledged
  FROM alerts
 WHERE open AND class <> 'condition' AND exercise IS NULL
 GROUP BY network, level
 ORDER BY array_position(ARRAY['red', 'orange', 'yellow', 'blue'], level), network;

-- name: exercises
-- Exercises that have not ended.
SELECT id, title_en, title_zh, started_by,
       (SELECT count(*) FROM alerts a WHERE a.exercise = x.id AND a.open AND a.class <> 'condition') AS open
  FROM exercises x
 WHERE ended_at IS NULL
 ORDER BY id;

-- name: deliveries
-- What people are still to be told.
SELECT (SELECT count(*) FROM outbox) AS outbox,
       (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(written_at)), 0)::float8 FROM outbox) AS outbox_age_s,
       (SELECT count(*) FROM notifications WHERE state = 'pending') AS pending,
       (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(written_at)), 0)::float8
          FROM notifications WHERE state = 'pending') AS pending_age_s,
       (SELECT count(*) FROM notifications
         WHERE state = 'failed' AND written_at > clock_timestamp() - INTERVAL '1 day') AS failed;

-- name: devices
-- Real devices by network: silent is no word for two reporting intervals before everything the broker had was stored.
WITH listened AS (SELECT coalesce(min(caught_up_at), clock_timestamp()) AS until FROM ingest_partitions),
heard AS (
    SELECT a.network, d.id, d.reporting_interval_s,
           max((SELECT max(o.time) FROM observations o WHERE o.datastream = s.id)) AS last
      FROM devices d
      JOIN assets a ON a.id = d.asset
      LEFT JOIN datastreams s ON s.device = d.id
     WHERE a.exercise IS NULL
     GROUP BY a.network, d.id, d.reporting_interval_s)
SELECT network,
       count(*) FILTER (WHERE last >= until - make_interval(secs => 2 * reporting_interval_s)) AS reporting,
       count(*) FILTER (WHERE last IS NULL OR last < until - make_interval(secs => 2 * reporting_interval_s)) AS silent
  FROM heard, listened
 GROUP BY network
 ORDER BY network;

-- name: catalogue
-- The catalogue of rules in force, what is wrong with a newer one, and rules that have failed within the last minute.
SELECT s.digest, (SELECT count(*) FROM rules), s.refused_digest,
       extract(epoch FROM clock_timestamp() - s.refused_at)::float8, s.problems,
       ARRAY(SELECT rule FROM rule_health WHERE failed_at > clock_timestamp() - INTERVAL '1 minute' ORDER BY rule)
  FROM catalogue_state s;
