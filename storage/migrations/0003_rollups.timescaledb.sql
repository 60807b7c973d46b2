-- Rollups on TimescaleDB, community edition: continuous aggregates, each built on the one before.
CREATE MATERIALIZED VIEW observations_5m
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT datastream,
       time_bucket(INTERVAL '5 minutes', time) AS bucket,
       count(*) FILTER (WHERE quality = 0) AS count,
       count(*) FILTER (WHERE quality <> 0) AS doubtful,
       sum(value) FILTER (WHERE quality = 0) AS sum,
       min(value) FILTER (WHERE quality = 0) AS minimum,
       max(value) FILTER (WHERE quality = 0) AS maximum,
       avg(value) FILTER (WHERE quality = 0) AS average
  FROM observations
 GROUP BY datastream, time_bucket(INTERVAL '5 minutes', time)
WITH NO DATA;

CREATE MATERIALIZED VIEW observations_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT datastream,
       time_bucket(INTERVAL '1 hour', bucket) AS bucket,
       sum(count)::bigint AS count,
       sum(doubtful)::bigint AS doubtful,
       sum(sum) AS sum,
       min(minimum) AS minimum,
       max(maximum) AS maximum,
       sum(sum) / nullif(sum(count), 0)::double precision AS average
  FROM observations_5m
 GROUP BY datastream, time_bucket(INTERVAL '1 hour', bucket)
WITH NO DATA;

-- A day is a day of the place, not of Greenwich.
CREATE MATERIALIZED VIEW observations_1d
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT datastream,
       time_bucket(INTERVAL '1 day', bucket, '{zone}') AS bucket,
       sum(count)::bigint AS count,
       sum(doubtful)::bigint AS doubtful,
       sum(sum) AS sum,
       min(minimum) AS minimum,
       max(maximum) AS maximum,
       sum(sum) / nullif(sum(count), 0)::double precision AS average
  FROM observations_1h
 GROUP BY datastream, time_bucket(INTERVAL '1 day', bucket, '{zone}')
WITH NO DATA;

-- The refresh windows reach further back than the promised lateness: a late observation always reaches the rollups.
SELECT add_continuous_aggregate_policy('observations_5m', start_offset => INTERVAL '{refresh}' , end_offset => INTERVAL '5 minutes', schedule_interval => INTERVAL '5 minutes');
SELECT add_continuous_aggregate_policy('observations_1h', start_offset => INTERVAL '{refresh}' + INTERVAL '1 day', end_offset => INTERVAL '1 hour', schedule_interval => INTERVAL '30 minutes');
SELECT add_continuous_aggregate_policy('observations_1d', start_offset => INTERVAL '{refresh}' + INTERVAL '4 days', end_offset => INTERVAL '1 day', schedule_interval => INTERVAL '6 hours');
-- A refresh may take 288 buckets in one transaction. TimescaleDB 2.23 takes one at a time unless told otherwise, which is
-- two hundred times slower; versions that know no batches ignore the key.
SELECT alter_job(job_id, config => config || '{"buckets_per_batch": 288}')
  FROM timescaledb_information.jobs WHERE proc_name = 'policy_refresh_continuous_aggregate';
SELECT add_retention_policy('observations_5m', drop_after => INTERVAL '{retain_5m}');

-- A chart of one datastream: whole buckets that overlap [since, until). The same functions stand on every level; here
-- they read the continuous aggregates. Inlined by the planner.
CREATE FUNCTION observations_5m_between(stream integer, since timestamptz, until timestamptz)
RETURNS TABLE (bucket timestamptz, count bigint, doubtful bigint, sum double precision, minimum double precision,
               maximum double precision, average double precision)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT bucket, count, doubtful, sum, minimum, maximum, average
      FROM observations_5m
     WHERE datastream = stream
       AND bucket >= time_bucket(INTERVAL '5 minutes', since)
       AND bucket < until
$$;

CREATE FUNCTION observations_1h_between(stream integer, since timestamptz, until timestamptz)
RETURNS TABLE (bucket timestamptz, count bigint, doubtful bigint, sum double precision, minimum double precision,
               maximum double precision, average double precision)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT bucket, count, doubtful, sum, minimum, maximum, average
      FROM observations_1h
     WHERE datastream = stream
       AND bucket >= time_bucket(INTERVAL '1 hour', since)
       AND bucket < until
$$;

CREATE FUNCTION observations_1d_between(stream integer, since timestamptz, until timestamptz)
RETURNS TABLE (bucket timestamptz, count bigint, doubtful bigint, sum double precision, minimum double precision,
               maximum double precision, average double precision)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT bucket, count, doubtful, sum, minimum, maximum, average
      FROM observations_1d
     WHERE datastream = stream
       AND bucket >= time_bucket(INTERVAL '1 day', since, '{zone}')
       AND bucket < until
$$;
