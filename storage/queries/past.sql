-- name: samples
-- Everything stored of each datastream since its own instant, in order of time, as columns.
SELECT coalesce(array_agg(datastream), '{}'), coalesce(array_agg(time), '{}'),
       coalesce(array_agg(value), '{}'), coalesce(array_agg(quality), '{}')
  FROM (SELECT u.datastream, o.time, o.value, o.quality
          FROM unnest(%(datastreams)s, %(since)s) AS u (datastream, since)
         CROSS JOIN LATERAL (
               SELECT time, value, quality
                 FROM observations
                WHERE datastream = u.datastream AND time >= u.since) o
         ORDER BY u.datastream, o.time) ordered;

-- name: hourly
-- The mean of the good values of each hour of [since, until), as columns. Straight from the observations: rollups may
-- lag behind what has just been stored.
SELECT coalesce(array_agg(datastream), '{}'), coalesce(array_agg(hour), '{}'), coalesce(array_agg(mean), '{}')
  FROM (SELECT u.datastream, o.hour, o.mean
          FROM unnest(%(datastreams)s) AS u (datastream)
         CROSS JOIN LATERAL (
               SELECT date_trunc('hour', time) AS hour, avg(value) AS mean
                 FROM observations
                WHERE datastream = u.datastream AND time >= %(since)s AND time < %(until)s AND quality = 0
                GROUP BY 1) o
         ORDER BY u.datastream, o.hour) ordered;
