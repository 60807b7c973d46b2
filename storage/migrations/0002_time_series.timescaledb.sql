-- TimescaleDB, community edition: hypertable, compression, continuous aggregates.
-- {chunk}, {compress_after}, {retain}, {retain_5m}, {refresh} and {zone} are settings, filled in by `lifeline db migrate`.
SELECT create_hypertable('observations', 'time', chunk_time_interval => INTERVAL '{chunk}', create_default_indexes => false);
ALTER TABLE observations SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'datastream',
    timescaledb.compress_orderby = 'time DESC'
);
SELECT add_compression_policy('observations', compress_after => INTERVAL '{compress_after}');
SELECT add_retention_policy('observations', drop_after => INTERVAL '{retain}');
