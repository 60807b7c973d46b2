-- name: raw
-- Observations of one datastream in [since, until), oldest first.
SELECT time, value, quality
  FROM observations
 WHERE datastream = %(datastream)s AND time >= %(since)s AND time < %(until)s
 ORDER BY time
 LIMIT %(limit)s;

-- name: rollup_5m
-- Whole buckets of five minutes that overlap [since, until).
SELECT bucket AS time, count, doubtful, minimum, maximum, average, sum
  FROM observations_5m_between(%(datastream)s::integer, %(since)s::timestamptz, %(until)s::timestamptz)
 ORDER BY bucket
 LIMIT %(limit)s;

-- name: rollup_1h
-- Whole hours that overlap [since, until).
SELECT bucket AS time, count, doubtful, minimum, maximum, average, sum
  FROM observations_1h_between(%(datastream)s::integer, %(since)s::timestamptz, %(until)s::timestamptz)
 ORDER BY bucket
 LIMIT %(limit)s;

-- name: rollup_1d
-- Whole days of the place that overlap [since, until).
SELECT bucket AS time, count, doubtful, minimum, maximum, average, sum
  FROM observations_1d_between(%(datastream)s::integer, %(since)s::timestamptz, %(until)s::timestamptz)
 ORDER BY bucket
 LIMIT %(limit)s;

-- name: latest
-- The last observation since an instant of each datastream of a page; one that has not reported since has no time. The
-- page is cut before the observations are looked up, so that the cost is that of the page; the instant keeps a
-- hypertable from visiting, for each datastream, every chunk there is.
WITH page AS MATERIALIZED (
    SELECT s.id, s.device, s.property, s.unit, d.asset, a.network, a.area, a.exercise
      FROM datastreams s
      JOIN devices d ON d.id = s.device
      JOIN assets a ON a.id = d.asset
     WHERE (%(after)s::integer IS NULL OR s.id > %(after)s)
       AND (%(device)s::text IS NULL OR s.device = %(device)s)
       AND (%(asset)s::text IS NULL OR d.asset = %(asset)s)
       AND (%(network)s::text IS NULL OR a.network = %(network)s)
       AND (%(area)s::text IS NULL OR a.area LIKE %(area)s || '%%')
       AND (%(exercises)s::text = 'include' OR (a.exercise IS NOT NULL) = (%(exercises)s::text = 'only'))
     ORDER BY s.id
     LIMIT %(limit)s)
SELECT p.id AS datastream, p.device, p.property, p.unit, p.asset, p.network, p.area, p.exercise, o.time, o.value, o.quality
  FROM page p
  LEFT JOIN LATERAL (
       SELECT time, value, quality
         FROM observations
        WHERE datastream = p.id AND time >= %(since)s
        ORDER BY time DESC
        LIMIT 1) o ON true
 ORDER BY p.id;

-- name: latest_before
-- The last observation before an instant of given datastreams: of those that have been silent since.
SELECT d.id, o.time, o.value, o.quality
  FROM unnest(%(datastreams)s::integer[]) d (id)
 CROSS JOIN LATERAL (
       SELECT time, value, quality
         FROM observations
        WHERE datastream = d.id AND time < %(since)s
        ORDER BY time DESC
        LIMIT 1) o;
