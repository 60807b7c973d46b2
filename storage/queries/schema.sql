-- name: server_version
-- What the server calls itself.
SHOW server_version;

-- name: timescaledb_available
-- One row if the server could offer TimescaleDB; installed_version is NULL until CREATE EXTENSION.
SELECT default_version, installed_version FROM pg_available_extensions WHERE name = 'timescaledb';

-- name: create_timescaledb
-- Installs the extension into this database.
CREATE EXTENSION IF NOT EXISTS timescaledb;

-- name: timescaledb_version
-- The extension's version and licence; no row without it.
SELECT extversion, current_setting('timescaledb.license', true) FROM pg_extension WHERE extname = 'timescaledb';

-- name: migration_lock
-- Waits until nobody else migrates this database.
SELECT pg_advisory_lock(%(key)s);

-- name: migration_unlock
-- Lets the next one in.
SELECT pg_advisory_unlock(%(key)s);

-- name: create_migrations
-- The table of what has been applied.
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    level text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- name: has_migrations
-- Whether this database was ever migrated.
SELECT to_regclass('schema_migrations') IS NOT NULL;

-- name: applied
-- What has been applied, and on which level.
SELECT number, level FROM schema_migrations ORDER BY number;

-- name: record_migration
-- Remembers one migration.
INSERT INTO schema_migrations (number, name, level) VALUES (%(number)s, %(name)s, %(level)s);
