-- TimescaleDB, Apache edition: a hypertable; rollups are plain views, retention is run by `lifeline`.
SELECT create_hypertable('observations', 'time', chunk_time_interval => INTERVAL '{chunk}', create_default_indexes => false);

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
