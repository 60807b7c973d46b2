-- name: slice
-- Everything observed in [since, until), as columns in the order of the index: by datastream and time.
SELECT coalesce(array_agg(datastream), '{}'), coalesce(array_agg(time), '{}'),
       coalesce(array_agg(value), '{}'), coalesce(array_agg(quality), '{}')
  FROM (SELECT d.id AS datastream, o.time, o.value, o.quality
          FROM datastreams d
         CROSS JOIN LATERAL (
               SELECT time, value, quality
                 FROM observations
                WHERE datastream = d.id AND time >= %(since)s AND time < %(until)s
                ORDER BY time) o
         ORDER BY d.id, o.time) ordered;

-- name: one
-- What one datastream said in [since, until), as columns in the order of time.
SELECT coalesce(array_agg(time ORDER BY time), '{}'), coalesce(array_agg(value ORDER BY time), '{}'),
       coalesce(array_agg(quality ORDER BY time), '{}')
  FROM observations
 WHERE datastream = %(datastream)s AND time >= %(since)s AND time < %(until)s;

-- name: bounds
-- The first and the last observation of all.
SELECT (extract(epoch FROM min(o.first)) * 1000000)::bigint, (extract(epoch FROM max(o.last)) * 1000000)::bigint
  FROM datastreams d
 CROSS JOIN LATERAL (
       SELECT (SELECT time FROM observations WHERE datastream = d.id ORDER BY time LIMIT 1) AS first,
              (SELECT time FROM observations WHERE datastream = d.id ORDER BY time DESC LIMIT 1) AS last) o;
