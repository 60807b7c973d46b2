-- The life of an alert beyond its condition: what holds it back, what people do about it, and how the past is corrected.

-- Shelved by a person: for a while, or (one_shot) until the alert clears; never longer than the longest allowed time.
CREATE TABLE shelvings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert bigint NOT NULL REFERENCES alerts,
    rule text NOT NULL,
    subject text NOT NULL,
    mode text NOT NULL CHECK (mode IN ('one_shot', 'timed')),
    reason text NOT NULL CHECK (reason <> ''),
    by text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    until timestamptz NOT NULL,
    -- In force until it has ended: what ran out is ended, and announced if need be, by the rules.
    ended_at timestamptz,
    -- Null: it ended by itself.
    ended_by text,
    CHECK (until > since)
);
CREATE UNIQUE INDEX one_shelving_in_force ON shelvings (rule, subject) WHERE ended_at IS NULL;
CREATE INDEX ON shelvings (alert);

-- Out of service: until a person says otherwise, nothing is announced of a rule on a subject, of a device or an asset.
CREATE TABLE out_of_service (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule text,
    subject text,
    device text,
    asset text,
    reason text NOT NULL CHECK (reason <> ''),
    by text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    ended_by text,
    CHECK ((rule IS NULL) = (subject IS NULL)),
    CHECK (num_nonnulls(rule, device, asset) = 1)
);
CREATE INDEX ON out_of_service (since) WHERE ended_at IS NULL;

-- Planned work: while a window is in force nothing is announced of what lies in its scope. It ends by itself.
CREATE TABLE maintenance_windows (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    network text,
    -- With every area whose code begins with it.
    area text,
    asset text,
    device text,
    rule text,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    cancelled_at timestamptz,
    cancelled_by text,
    CHECK (ends_at > starts_at),
    CHECK (num_nonnulls(network, area, asset, device, rule) > 0)
);
CREATE INDEX ON maintenance_windows (ends_at) WHERE cancelled_at IS NULL;

-- The window that covers an alert at an instant; of several the one that lasts longest.
CREATE FUNCTION maintenance_window_of(rule text, network text, area text, asset text, device text, at timestamptz)
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT w.id
      FROM maintenance_windows w
     WHERE w.cancelled_at IS NULL AND w.starts_at <= $6 AND w.ends_at > $6
       AND (w.rule IS NULL OR w.rule = $1)
       AND (w.network IS NULL OR w.network = $2)
       AND (w.area IS NULL OR starts_with($3, w.area))
       AND (w.asset IS NULL OR w.asset = $4)
       AND (w.device IS NULL OR w.device = $5)
     ORDER BY w.ends_at DESC, w.id
     LIMIT 1
$$;

-- Whether an alert is out of service now.
CREATE FUNCTION is_out_of_service(rule text, subject text, asset text, device text)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM out_of_service o
         WHERE o.ended_at IS NULL
           AND ((o.rule = $1 AND o.subject = $2) OR o.asset = $3 OR o.device = $4))
$$;

-- Until when a rule on a subject is shelved; null when it is not.
CREATE FUNCTION shelved_until_of(rule text, subject text)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT s.until FROM shelvings s WHERE s.rule = $1 AND s.subject = $2 AND s.ended_at IS NULL
$$;

ALTER TABLE alerts DROP CONSTRAINT alerts_class_check;
ALTER TABLE alerts ADD CONSTRAINT alerts_class_check CHECK (class IN ('alarm', 'warning', 'condition'));
ALTER TABLE alerts DROP COLUMN open;
ALTER TABLE alerts
    -- Whether people were ever told of it. What nobody was told of, nobody needs to acknowledge.
    ADD COLUMN announced boolean NOT NULL DEFAULT true,
    -- Stays open after its return until a person resets it.
    ADD COLUMN latched boolean NOT NULL DEFAULT false,
    -- Late readings showed that it never was: no event of its condition is left.
    ADD COLUMN withdrawn boolean NOT NULL DEFAULT false,
    -- Held back because another active alert explains it; `inhibited_by` is that alert, and stays after the return.
    ADD COLUMN inhibited boolean NOT NULL DEFAULT false,
    ADD COLUMN inhibited_by bigint REFERENCES alerts,
    -- Suppressed by design: the rule whose condition makes this alert mean nothing.
    ADD COLUMN suppressed_by text,
    ADD COLUMN maintenance_window bigint REFERENCES maintenance_windows,
    ADD COLUMN shelved_until timestamptz,
    ADD COLUMN out_of_service boolean NOT NULL DEFAULT false,
    -- The readings it rests on: [{datastream, device, asset, property, unit, value, threshold, relation, since}].
    ADD COLUMN facts jsonb NOT NULL DEFAULT '[]';
ALTER TABLE alerts
    -- Still somebody's business: the one open alert of its rule and subject.
    ADD COLUMN open boolean GENERATED ALWAYS AS (
        state = 'active' OR latched OR (announced AND NOT acknowledged)) STORED,
    -- Nothing of it is announced now.
    ADD COLUMN held_back boolean GENERATED ALWAYS AS (
        class = 'condition' OR inhibited OR suppressed_by IS NOT NULL OR maintenance_window IS NOT NULL
        OR shelved_until IS NOT NULL OR out_of_service) STORED,
    -- The state of ISA-18.2; the same table stands in domain/lifecycle.py.
    ADD COLUMN alarm_state text GENERATED ALWAYS AS (
        CASE WHEN class = 'condition' OR NOT (state = 'active' OR latched OR (announced AND NOT acknowledged))
             THEN 'normal'
             WHEN out_of_service THEN 'out_of_service'
             WHEN shelved_until IS NOT NULL THEN 'shelved'
             WHEN inhibited OR suppressed_by IS NOT NULL OR maintenance_window IS NOT NULL THEN 'suppressed'
             WHEN acknowledged THEN 'acknowledged'
             WHEN state = 'active' THEN 'unacknowledged'
             ELSE 'returned_unacknowledged' END) STORED;
CREATE UNIQUE INDEX one_open_alert ON alerts (rule, subject) WHERE open;
CREATE INDEX ON alerts (rule, subject, raised_at);
CREATE INDEX ON alerts (inhibited_by) WHERE inhibited_by IS NOT NULL;

ALTER TABLE alert_events DROP CONSTRAINT alert_events_event_check;
ALTER TABLE alert_events ADD CONSTRAINT alert_events_event_check CHECK (event IN (
    'raised', 'level_changed', 'cleared', 'withdrawn', 'inhibited', 'released', 'suppressed', 'unsuppressed',
    'acknowledged', 'commented', 'shelved', 'unshelved', 'out_of_service', 'in_service', 'reset'));
ALTER TABLE alert_events
    -- Of a withdrawn: the event that never was.
    ADD COLUMN withdraws bigint REFERENCES alert_events,
    -- Written because late observations changed the past.
    ADD COLUMN late boolean NOT NULL DEFAULT false,
    -- Of an inhibited: the alert that explains this one.
    ADD COLUMN cause bigint REFERENCES alerts,
    -- Whether people were to be told: an outbox row was written with it.
    ADD COLUMN told boolean NOT NULL DEFAULT false,
    -- Of a raised or level_changed: the texts and readings of that moment.
    ADD COLUMN account jsonb,
    ADD CHECK ((event = 'withdrawn') = (withdraws IS NOT NULL));
UPDATE alert_events SET told = true WHERE event IN ('raised', 'level_changed', 'cleared');
CREATE UNIQUE INDEX withdrawn_once ON alert_events (withdraws) WHERE withdraws IS NOT NULL;

-- The history of the conditions in event time, as far as it is known now.
CREATE VIEW effective_alert_events AS
SELECT e.id, e.alert, e.time, e.recorded_at, e.event, e.level, e.value, e.threshold, e.comment, e.late, e.told, e.account
  FROM alert_events e
 WHERE e.event IN ('raised', 'level_changed', 'cleared')
   AND NOT EXISTS (SELECT FROM alert_events w WHERE w.withdraws = e.id);

-- What was done stays on record: an entry can be ended, and nothing else about it can change.
GRANT SELECT, INSERT ON shelvings, out_of_service, maintenance_windows TO lifeline_writer;
GRANT UPDATE (ended_at, ended_by) ON shelvings, out_of_service TO lifeline_writer;
GRANT UPDATE (cancelled_at, cancelled_by) ON maintenance_windows TO lifeline_writer;
GRANT SELECT ON effective_alert_events TO lifeline_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO lifeline_writer;
GRANT SELECT ON shelvings, out_of_service, maintenance_windows, effective_alert_events TO lifeline_reader;
