-- The registry: what stands in the field.
CREATE TABLE networks (
    id text PRIMARY KEY,
    name_en text NOT NULL,
    name_zh text NOT NULL
);

CREATE TABLE properties (
    id text PRIMARY KEY,
    network text REFERENCES networks,
    unit text NOT NULL,
    type text NOT NULL CHECK (type IN ('number', 'boolean')),
    minimum double precision NOT NULL,
    maximum double precision NOT NULL,
    name_en text NOT NULL,
    name_zh text NOT NULL,
    CHECK (minimum < maximum)
);

CREATE TABLE assets (
    id text PRIMARY KEY,
    network text NOT NULL REFERENCES networks,
    kind text NOT NULL,
    name_en text NOT NULL,
    name_zh text NOT NULL,
    area text NOT NULL,
    geometry jsonb NOT NULL,
    longitude double precision NOT NULL,
    latitude double precision NOT NULL,
    tags jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX ON assets (network, area);

CREATE TABLE links (
    from_asset text NOT NULL REFERENCES assets,
    relation text NOT NULL,
    to_asset text NOT NULL REFERENCES assets,
    PRIMARY KEY (from_asset, relation, to_asset)
);
CREATE INDEX ON links (to_asset);

CREATE TABLE devices (
    id text PRIMARY KEY,
    asset text NOT NULL REFERENCES assets,
    model text NOT NULL,
    reporting_interval_s integer NOT NULL CHECK (reporting_interval_s > 0)
);
CREATE INDEX ON devices (asset);

CREATE TABLE datastreams (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device text NOT NULL REFERENCES devices,
    property text NOT NULL REFERENCES properties,
    unit text NOT NULL,
    -- Silence of a datastream that was never heard counts from here.
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (device, property)
);

-- One number that rises with every change of the registry, so that running stages notice it.
CREATE TABLE registry_version (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO registry_version DEFAULT VALUES;

-- Observations. The key makes every write idempotent: a message that arrives twice is stored once.
CREATE TABLE observations (
    datastream integer NOT NULL,
    time timestamptz NOT NULL,
    value double precision NOT NULL,
    quality smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (datastream, time)
);

-- What could not be stored, with its reason and its raw bytes.
CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    partition text NOT NULL,
    topic text NOT NULL,
    device text,
    reason text NOT NULL,
    detail text NOT NULL,
    payload bytea NOT NULL
);
CREATE INDEX ON dead_letters (received_at);

-- The journal: one row a batch, numbered without gaps by the one writer of its partition. Followers read it in commit
-- order, because the writer takes the next number only after the last one has been committed.
CREATE TABLE journal (
    partition text NOT NULL,
    seq bigint NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    datastreams integer[] NOT NULL,
    times timestamptz[] NOT NULL,
    values double precision[] NOT NULL,
    qualities smallint[] NOT NULL,
    PRIMARY KEY (partition, seq)
);
ALTER TABLE journal ALTER COLUMN datastreams SET STORAGE EXTERNAL;
ALTER TABLE journal ALTER COLUMN times SET STORAGE EXTERNAL;
ALTER TABLE journal ALTER COLUMN values SET STORAGE EXTERNAL;
ALTER TABLE journal ALTER COLUMN qualities SET STORAGE EXTERNAL;
CREATE INDEX ON journal (stored_at);

-- One row a partition: its counters move in the same transaction as its observations, so that they survive any crash
-- and always balance: received = stored + duplicates + conflicts + rejected.
CREATE TABLE ingest_partitions (
    partition text PRIMARY KEY,
    seq bigint NOT NULL DEFAULT 0,
    messages bigint NOT NULL DEFAULT 0,
    received bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    conflicts bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    session_losses bigint NOT NULL DEFAULT 0,
    connected boolean NOT NULL DEFAULT false,
    -- Everything that the broker had for this partition up to this instant has been stored.
    caught_up_at timestamptz,
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- How far each follower of the journal has come.
CREATE TABLE journal_positions (
    follower text NOT NULL,
    partition text NOT NULL,
    seq bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (follower, partition)
);

-- State of the rules engine that is not normal: a running delay, an active level. Normal subjects have no row.
CREATE TABLE rule_states (
    rule text NOT NULL,
    subject text NOT NULL,
    state jsonb NOT NULL,
    PRIMARY KEY (rule, subject)
);

-- Who evaluates the rules. Every commit of the rules raises the version from the one its leader knows, so that a leader
-- that was replaced can write nothing more.
CREATE TABLE rules_leader (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL DEFAULT 0,
    leader text,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO rules_leader DEFAULT VALUES;

CREATE TABLE alerts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule text NOT NULL,
    -- datastream:{id}, device:{id} or asset:{id}
    subject text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('safety', 'resilience', 'equipment')),
    class text NOT NULL DEFAULT 'alarm' CHECK (class IN ('alarm', 'warning')),
    network text NOT NULL,
    area text NOT NULL,
    asset text,
    device text,
    property text,
    level text NOT NULL CHECK (level IN ('red', 'orange', 'yellow', 'blue')),
    state text NOT NULL CHECK (state IN ('active', 'returned')),
    acknowledged boolean NOT NULL DEFAULT false,
    -- Returned and acknowledged: the alert is over. Until then it is the one open alert of its rule and subject.
    open boolean GENERATED ALWAYS AS (state = 'active' OR NOT acknowledged) STORED,
    -- Event time: when the condition began, when its level last changed, when it ended.
    raised_at timestamptz NOT NULL,
    level_at timestamptz NOT NULL,
    cleared_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    value double precision,
    threshold double precision,
    title_en text NOT NULL,
    title_zh text NOT NULL,
    text_en text NOT NULL,
    text_zh text NOT NULL,
    -- When this alert was first and last written (clock of the database).
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX one_open_alert ON alerts (rule, subject) WHERE open;
CREATE INDEX ON alerts (raised_at);
CREATE INDEX ON alerts (network, raised_at);

-- The life of an alert, appended only.
CREATE TABLE alert_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert bigint NOT NULL REFERENCES alerts,
    time timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    event text NOT NULL CHECK (event IN ('raised', 'level_changed', 'cleared', 'acknowledged', 'commented')),
    level text NOT NULL,
    value double precision,
    threshold double precision,
    actor text,
    comment text
);
CREATE INDEX ON alert_events (alert, id);
CREATE INDEX ON alert_events (recorded_at);

-- Events that people must be told of; written by rules with the event, emptied by notify when it has addressed them.
CREATE TABLE outbox (
    event bigint PRIMARY KEY REFERENCES alert_events,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row for each event and address. `id` is the stable identity that receivers see.
CREATE TABLE notifications (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    event bigint NOT NULL REFERENCES alert_events,
    alert bigint NOT NULL REFERENCES alerts,
    -- The name of the address in the configuration; never the address itself, which may hold a secret.
    channel text NOT NULL,
    language text NOT NULL CHECK (language IN ('en', 'zh')),
    state text NOT NULL CHECK (state IN ('pending', 'sent', 'failed', 'unaddressed')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_until timestamptz,
    sent_at timestamptz,
    last_error text,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (event, channel)
);
CREATE INDEX ON notifications (state, next_attempt_at);
CREATE INDEX ON notifications (alert);
CREATE INDEX ON notifications (channel, event) WHERE state = 'pending';

-- Access to the API: only a hash of each token is kept.
CREATE TABLE tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    digest bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz
);
