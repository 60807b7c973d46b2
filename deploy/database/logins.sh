#!/bin/sh
# Makes the logins of City Lifeline, each a member of one of the two groups that the schema grants rights to:
#   lifeline_app      lifeline_writer: ingest, rules, notify and the API
#   lifeline_grafana  lifeline_reader: reads the documented relations, for at most 15 seconds a statement
# The image runs it when the database is made. Run it again (docker compose exec database sh
# /docker-entrypoint-initdb.d/900_logins.sh) to take over changed passwords.
set -eu
secrets=${SECRETS:-/run/secrets}
writer_password=$(cat "$secrets/database_writer_password")
reader_password=$(cat "$secrets/database_reader_password")
export writer_password reader_password
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv writer_password writer_password
\getenv reader_password reader_password
SELECT format('CREATE ROLE %I NOLOGIN', role)
  FROM unnest(ARRAY['lifeline_writer', 'lifeline_reader']) role
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)
\gexec
SELECT format('CREATE ROLE %I', role)
  FROM unnest(ARRAY['lifeline_app', 'lifeline_grafana']) role
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role)
\gexec
ALTER ROLE lifeline_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 60 PASSWORD :'writer_password';
ALTER ROLE lifeline_grafana LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 20 PASSWORD :'reader_password';
ALTER ROLE lifeline_grafana SET statement_timeout = '15s';
ALTER ROLE lifeline_grafana SET default_transaction_read_only = on;
GRANT lifeline_writer TO lifeline_app;
GRANT lifeline_reader TO lifeline_grafana;
REVOKE CONNECT, TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO lifeline_app, lifeline_grafana;
SQL
