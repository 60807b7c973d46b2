-- name: heads
-- The newest row of each partition, as its writer knows it.
SELECT partition, seq FROM ingest_partitions;

-- name: tail
-- The next rows of one partition, in commit order.
SELECT seq, datastreams, times, values, qualities
  FROM journal
 WHERE partition = %(partition)s AND seq > %(after)s
 ORDER BY seq
 LIMIT %(limit)s;
