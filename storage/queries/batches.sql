-- name: lock_partition
-- One worker a partition; the lock lives as long as its connection.
SELECT pg_try_advisory_lock(hashtextextended(%(partition)s, 0));

-- name: ensure_partition
-- A partition's row is made once.
INSERT INTO ingest_partitions (partition) VALUES (%(partition)s) ON CONFLICT DO NOTHING;

-- name: partition_state
-- The last number written, and whether anything ever was.
SELECT seq, messages > 0 FROM ingest_partitions WHERE partition = %(partition)s;

-- name: insert_observations
-- The whole batch in one statement; the row count says how many were new.
INSERT INTO observations (datastream, time, value, quality)
SELECT * FROM unnest(%(datastreams)s, %(times)s, %(values)s, %(qualities)s)
ON CONFLICT DO NOTHING;

-- name: insert_returning
-- The same, naming what was new. Times come back as microseconds since 1970.
INSERT INTO observations (datastream, time, value, quality)
SELECT * FROM unnest(%(datastreams)s, %(times)s, %(values)s, %(qualities)s)
ON CONFLICT DO NOTHING
RETURNING datastream, (extract(epoch FROM time) * 1000000)::bigint;

-- name: values_of
-- What is stored under these keys.
SELECT o.datastream, (extract(epoch FROM o.time) * 1000000)::bigint, o.value
  FROM (SELECT DISTINCT datastream, time
          FROM unnest(%(datastreams)s, %(times)s, %(values)s, %(qualities)s) AS u (datastream, time, value, quality)) k
  JOIN observations o USING (datastream, time);

-- name: insert_dead_letters
-- Keeps what is not stored, with its reason and its raw bytes.
INSERT INTO dead_letters (partition, topic, device, reason, detail, payload)
SELECT %(partition)s, * FROM unnest(%(topics)s::text[], %(devices)s::text[], %(reasons)s::text[], %(details)s::text[], %(payloads)s::bytea[]);

-- name: count
-- Moves the counters; no row if this is not the next number of the partition.
UPDATE ingest_partitions
   SET seq = %(seq)s,
       messages = messages + %(messages)s,
       received = received + %(received)s,
       stored = stored + %(stored)s,
       duplicates = duplicates + %(duplicates)s,
       conflicts = conflicts + %(conflicts)s,
       rejected = rejected + %(rejected)s
 WHERE partition = %(partition)s AND seq = %(seq)s - 1;

-- name: insert_journal
-- The batch as arrays, for those who follow.
INSERT INTO journal (partition, seq, datastreams, times, values, qualities)
VALUES (%(partition)s, %(seq)s, %(datastreams)s, %(times)s, %(values)s, %(qualities)s);

-- name: notice
-- Wakes those who follow; they poll as well.
NOTIFY lifeline_journal;

-- name: heartbeat
-- The worker lives; everything that the broker had up to caught_up_at is stored. It listens since its subscription; if that
-- came soon after it was last up to date, it has not been interrupted.
UPDATE ingest_partitions
   SET listening_since = CASE
           WHEN to_timestamp(%(listening_s)s::double precision)
                > coalesce(caught_up_at + INTERVAL '10 seconds', '-infinity')
           THEN to_timestamp(%(listening_s)s::double precision)
           ELSE listening_since END,
       connected = %(connected)s,
       caught_up_at = coalesce(greatest(caught_up_at, to_timestamp(%(caught_up_s)s::double precision)), caught_up_at),
       session_losses = session_losses + %(session_losses)s,
       heartbeat_at = clock_timestamp()
 WHERE partition = %(partition)s
RETURNING (SELECT version FROM registry_version);
