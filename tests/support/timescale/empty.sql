-- Drops everything in schema public that is not TimescaleDB's own. The extension itself stays: one backend cannot load
-- it twice.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN SELECT view_schema, view_name FROM timescaledb_information.continuous_aggregates LOOP
        EXECUTE format('DROP MATERIALIZED VIEW IF EXISTS %I.%I CASCADE', found.view_schema, found.view_name);
    END LOOP;
    FOR found IN
        SELECT c.relname, CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind
          FROM pg_class c
         WHERE relnamespace = 'public'::regnamespace
           AND relkind IN ('r', 'v', 'S')
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
         ORDER BY kind DESC
    LOOP
        IF to_regclass(format('public.%I', found.relname)) IS NOT NULL THEN
            EXECUTE format('DROP %s public.%I CASCADE', found.kind, found.relname);
        END IF;
    END LOOP;
    FOR found IN
        SELECT p.oid::regprocedure::text AS signature
          FROM pg_proc p
         WHERE pronamespace = 'public'::regnamespace
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', found.signature);
    END LOOP;
END $$;
