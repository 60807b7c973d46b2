-- The catalogue in force, written by the leader of the rules whenever it takes one over.
CREATE TABLE rules (
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('safety', 'resilience', 'equipment')),
    class text NOT NULL CHECK (class IN ('alarm', 'warning', 'condition')),
    network text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    definition jsonb NOT NULL,
    -- Of the catalogue that the rule stands in.
    digest text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Which catalogue is in force, and which newer one was refused since, with every problem.
CREATE TABLE catalogue_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    digest text,
    loaded_at timestamptz,
    refused_digest text,
    refused_at timestamptz,
    problems jsonb NOT NULL DEFAULT '[]'
);
INSERT INTO catalogue_state DEFAULT VALUES;

-- How each rule of the catalogue in force fares; written every few seconds.
CREATE TABLE rule_health (
    rule text PRIMARY KEY,
    evaluated_at timestamptz,
    failures bigint NOT NULL DEFAULT 0,
    failed_at timestamptz,
    last_error text,
    -- Subjects on which it is active, and subjects that it watches.
    active integer NOT NULL DEFAULT 0,
    subjects integer NOT NULL DEFAULT 0
);

-- The counters of ingest as they were, minute by minute, so that what was rejected or lost lately can be told even if
-- nobody was looking.
CREATE TABLE ingest_counts (
    partition text NOT NULL,
    at timestamptz NOT NULL,
    received bigint NOT NULL,
    rejected bigint NOT NULL,
    session_losses bigint NOT NULL,
    PRIMARY KEY (partition, at)
);
INSERT INTO ingest_counts
SELECT partition, clock_timestamp(), received, rejected, session_losses FROM ingest_partitions;

-- The promise of the device itself (SenML `ut`): the most seconds until its next reading. It stands above the registered
-- interval.
ALTER TABLE datastreams ADD COLUMN promised_s double precision CHECK (promised_s > 0);
ALTER TABLE datastreams ADD COLUMN promised_at timestamptz;

GRANT SELECT, INSERT, UPDATE, DELETE ON rules, catalogue_state, rule_health, ingest_counts TO lifeline_writer;
GRANT SELECT ON rules, catalogue_state, rule_health TO lifeline_reader;

-- What failed within a day is asked for every second.
CREATE INDEX ON notifications (written_at) WHERE state = 'failed';

-- Since when the worker has listened without an interruption that matters: what devices could not say meanwhile is not
-- their fault, so silence counts from here. Null: no interruption is known.
ALTER TABLE ingest_partitions ADD COLUMN listening_since timestamptz;
