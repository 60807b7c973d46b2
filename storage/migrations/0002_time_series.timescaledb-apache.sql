-- TimescaleDB, Apache edition: a hypertable; rollups are plain views, retention is run by `lifeline`.
SELECT create_hypertable('observations', 'time', chunk_time_interval => INTERVAL '{chunk}', create_default_indexes => false);
