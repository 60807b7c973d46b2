-- The owner runs migrations. The writer is what ingest, rules, notify and the API use. The reader is what Grafana uses:
-- it may select from the documented relations and nothing else. Both are groups without a password; a deployment makes
-- login roles and grants them one of the two (deploy/database).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lifeline_writer') THEN
        CREATE ROLE lifeline_writer NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lifeline_reader') THEN
        CREATE ROLE lifeline_reader NOLOGIN;
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO lifeline_writer, lifeline_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO lifeline_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO lifeline_writer;
REVOKE UPDATE, DELETE ON alert_events FROM lifeline_writer;
REVOKE INSERT, UPDATE, DELETE ON schema_migrations FROM lifeline_writer;
GRANT SELECT ON networks, properties, assets, links, devices, datastreams, observations, observations_5m,
    observations_1h, observations_1d, latest_observations, alerts, alert_events, dead_letters, notifications
    TO lifeline_reader;
