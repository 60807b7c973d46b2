-- Backtests that people asked for. One runner beside the rules engine works them off, one after the other.
CREATE TABLE backtests (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    parameters jsonb NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    runner text,
    -- How often a runner has begun with it: one that takes every runner with it must not be tried for ever.
    attempts integer NOT NULL DEFAULT 0,
    started_at timestamptz,
    heartbeat_at timestamptz,
    finished_at timestamptz,
    -- From 0 to 1.
    progress double precision NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
    result jsonb,
    error text
);
CREATE INDEX ON backtests (id) WHERE state IN ('queued', 'running');
GRANT SELECT, INSERT, UPDATE, DELETE ON backtests TO lifeline_writer;
