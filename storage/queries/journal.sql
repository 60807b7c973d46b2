-- name: after
-- The next rows of each partition in commit order. How much a row holds is told by the stored size of its first array,
-- which needs no look into it: 24 bytes and 4 for each observation. At least one row comes, whatever its size.
SELECT p.partition, j.seq, j.stored_at, j.datastreams, j.times, j.values, j.qualities
  FROM unnest(%(partitions)s::text[], %(positions)s::bigint[], %(ends)s::bigint[]) AS p (partition, position, ending)
 CROSS JOIN LATERAL (
       SELECT *
         FROM (SELECT seq, (extract(epoch FROM stored_at) * 1000000)::bigint AS stored_at,
                      datastreams, times, values, qualities,
                      sum(pg_column_size(datastreams)) OVER (ORDER BY seq) - pg_column_size(datastreams) AS before
                 FROM journal
                WHERE partition = p.partition AND seq > p.position AND seq <= p.ending
                ORDER BY seq
                LIMIT %(rows)s) sized
        WHERE before < 4 * %(observations)s) j
 ORDER BY p.partition, j.seq;

-- name: heads
-- Each partition's newest number, up to when everything that the broker had for it is stored, and since when it has
-- listened without an interruption.
SELECT partition, seq, (extract(epoch FROM caught_up_at) * 1000000)::bigint,
       (extract(epoch FROM listening_since) * 1000000)::bigint
  FROM ingest_partitions;

-- name: positions
-- How far a follower has come.
SELECT partition, seq FROM journal_positions WHERE follower = %(follower)s;

-- name: move
-- A follower has come this far.
INSERT INTO journal_positions (follower, partition, seq)
SELECT %(follower)s, * FROM unnest(%(partitions)s::text[], %(positions)s::bigint[])
ON CONFLICT (follower, partition) DO UPDATE SET seq = excluded.seq, moved_at = clock_timestamp();

-- name: oldest_unseen
-- When the oldest row that the follower has not seen was stored, by partition.
SELECT extract(epoch FROM clock_timestamp() - min(j.stored_at))::double precision
  FROM unnest(%(partitions)s::text[], %(positions)s::bigint[]) AS p (partition, position)
  JOIN journal j ON j.partition = p.partition AND j.seq = p.position + 1;

-- name: lock
-- One leader at a time; the lock ends with its connection.
SELECT pg_try_advisory_lock(hashtextextended(%(name)s, 0));

-- name: listen
-- Wakes this connection when a batch was stored.
LISTEN lifeline_journal;

-- name: alive
-- Fails if the connection is gone.
SELECT 1;
