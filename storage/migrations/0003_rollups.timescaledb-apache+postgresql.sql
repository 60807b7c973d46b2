-- Rollups where the server has no continuous aggregates: plain views, computed when asked.
CREATE VIEW observations_5m AS
SELECT datastream,
       time_bucket(INTERVAL '5 minutes', time) AS bucket,
       count(*) FILTER (WHERE quality = 0) AS count,
       count(*) FILTER (WHERE quality <> 0) AS doubtful,
       sum(value) FILTER (WHERE quality = 0) AS sum,
       min(value) FILTER (WHERE quality = 0) AS minimum,
       max(value) FILTER (WHERE quality = 0) AS maximum,
       avg(value) FILTER (WHERE quality = 0) AS average
  FROM observations
 GROUP BY datastream, time_bucket(INTERVAL '5 minutes', time);

CREATE VIEW observations_1h AS
SELECT datastream,
       time_bucket(INTERVAL '1 hour', time) AS bucket,
       count(*) FILTER (WHERE quality = 0) AS count,
       count(*) FILTER (WHERE quality <> 0) AS doubtful,
       sum(value) FILTER (WHERE quality = 0) AS sum,
       min(value) FILTER (WHERE quality = 0) AS minimum,
       max(value) FILTER (WHERE quality = 0) AS maximum,
       avg(value) FILTER (WHERE quality = 0) AS average
  FROM observations
 GROUP BY datastream, time_bucket(INTERVAL '1 hour', time);

CREATE VIEW observations_1d AS
SELECT datastream,
       time_bucket(INTERVAL '1 day', time, '{zone}') AS bucket,
       count(*) FILTER (WHERE quality = 0) AS count,
       count(*) FILTER (WHERE quality <> 0) AS doubtful,
       sum(value) FILTER (WHERE quality = 0) AS sum,
       min(value) FILTER (WHERE quality = 0) AS minimum,
       max(value) FILTER (WHERE quality = 0) AS maximum,
       avg(value) FILTER (WHERE quality = 0) AS average
  FROM observations
 GROUP BY datastream, time_bucket(INTERVAL '1 day', time, '{zone}');

-- A chart of one datastream: whole buckets that overlap [since, until). A condition on the view's `bucket` cannot use the
-- index on time, these can: they read the rows of the chart and no others. Inlined by the planner.
CREATE FUNCTION observations_5m_between(stream integer, since timestamptz, until timestamptz)
RETURNS TABLE (bucket timestamptz, count bigint, doubtful bigint, sum double precision, minimum double precision,
               maximum double precision, average double precision)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT time_bucket(INTERVAL '5 minutes', time),
           count(*) FILTER (WHERE quality = 0), count(*) FILTER (WHERE quality <> 0),
           sum(value) FILTER (WHERE quality = 0), min(value) FILTER (WHERE quality = 0),
           max(value) FILTER (WHERE quality = 0), avg(value) FILTER (WHERE quality = 0)
      FROM observations
     WHERE datastream = stream
       AND time >= time_bucket(INTERVAL '5 minutes', since)
       AND time < time_bucket(INTERVAL '5 minutes', until - INTERVAL '1 microsecond') + INTERVAL '5 minutes'
     GROUP BY 1
$$;

CREATE FUNCTION observations_1h_between(stream integer, since timestamptz, until timestamptz)
RETURNS TABLE (bucket timestamptz, count bigint, doubtful bigint, sum double precision, minimum double precision,
               maximum double precision, average double precision)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT time_bucket(INTERVAL '1 hour', time),
           count(*) FILTER (WHERE quality = 0), count(*) FILTER (WHERE quality <> 0),
           sum(value) FILTER (WHERE quality = 0), min(value) FILTER (WHERE quality = 0),
           max(value) FILTER (WHERE quality = 0), avg(value) FILTER (WHERE quality = 0)
      FROM observations
     WHERE datastream = stream
       AND time >= time_bucket(INTERVAL '1 hour', since)
       AND time < time_bucket(INTERVAL '1 hour', until - INTERVAL '1 microsecond') + INTERVAL '1 hour'
     GROUP BY 1
$$;

CREATE FUNCTION observations_1d_between(stream integer, since timestamptz, until timestamptz)
RETURNS TABLE (bucket timestamptz, count bigint, doubtful bigint, sum double precision, minimum double precision,
               maximum double precision, average double precision)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT time_bucket(INTERVAL '1 day', part, '{zone}'),
           sum(c)::bigint, sum(d)::bigint, sum(s), min(low), max(high), sum(s) / nullif(sum(c), 0)::double precision
      -- Zones are costly to compute; their days begin on quarters of an hour, so each quarter is looked up once.
      FROM (SELECT time_bucket(INTERVAL '15 minutes', time) AS part,
                   count(*) FILTER (WHERE quality = 0) AS c, count(*) FILTER (WHERE quality <> 0) AS d,
                   sum(value) FILTER (WHERE quality = 0) AS s, min(value) FILTER (WHERE quality = 0) AS low,
                   max(value) FILTER (WHERE quality = 0) AS high
              FROM observations
             WHERE datastream = stream
               AND time >= time_bucket(INTERVAL '1 day', since, '{zone}')
               -- The next midnight of the place: a day may have 23 or 25 hours.
               AND time < (time_bucket(INTERVAL '1 day', until - INTERVAL '1 microsecond', '{zone}')
                           AT TIME ZONE '{zone}' + INTERVAL '1 day') AT TIME ZONE '{zone}'
             GROUP BY 1) quarters
     GROUP BY 1
$$;
