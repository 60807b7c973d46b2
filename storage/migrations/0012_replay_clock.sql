-- By which clock ingest hears in this database: the system's, or that of replays. Decided while it is empty, for ever.
CREATE TABLE platform_clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    clock text NOT NULL DEFAULT 'system' CHECK (clock IN ('system', 'replay'))
);
INSERT INTO platform_clock DEFAULT VALUES;
GRANT SELECT ON platform_clock TO lifeline_writer;
