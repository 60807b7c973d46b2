-- Plain PostgreSQL: functions of the same name and meaning stand in for time_bucket; retention is run by `lifeline`.
-- The origin is TimescaleDB's: Monday 2000-01-03.
CREATE FUNCTION time_bucket(bucket_width interval, ts timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_bin(bucket_width, ts, TIMESTAMPTZ '2000-01-03 00:00:00+00');

CREATE FUNCTION time_bucket(bucket_width interval, ts timestamptz, timezone text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_bin(bucket_width, ts AT TIME ZONE timezone, TIMESTAMP '2000-01-03 00:00:00') AT TIME ZONE timezone;

-- The rollups are computed when asked, so a chart of one datastream must be answered from the index alone.
ALTER TABLE observations DROP CONSTRAINT observations_pkey;
ALTER TABLE observations ADD PRIMARY KEY (datastream, time) INCLUDE (value, quality);
ALTER TABLE observations SET (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_insert_threshold = 100000);
