-- name: clock
-- By which clock this database hears.
SELECT clock FROM platform_clock;

-- name: lock_clock
-- The same; whoever decides it holds the row.
SELECT clock FROM platform_clock FOR UPDATE;

-- name: used
-- Whether anything was ever stored here.
SELECT EXISTS (SELECT FROM ingest_partitions WHERE messages > 0) OR EXISTS (SELECT FROM observations);

-- name: take_replay
-- From now on replays are the clock.
UPDATE platform_clock SET clock = 'replay';

-- name: registered_before_all
-- Nothing counts as registered since now, where now is not the time of what is told.
ALTER TABLE datastreams ALTER COLUMN registered_at SET DEFAULT TIMESTAMPTZ '0001-01-02 00:00:00+00';

-- name: known_before_all
-- What is registered already counts as registered before all time.
UPDATE datastreams SET registered_at = TIMESTAMPTZ '0001-01-02 00:00:00+00';

-- name: begin_registered
-- A replay begins: what was registered for it counts as registered then.
UPDATE datastreams SET registered_at = %(time)s WHERE registered_at = TIMESTAMPTZ '0001-01-02 00:00:00+00';

-- name: raise_registry_version
-- Tells running stages that the registry has changed.
UPDATE registry_version SET version = version + 1, changed_at = now();

-- name: reach
-- A replay has come this far, and all that it had published before is stored with this. Where one begins, silence counts
-- from there, unless it goes on where another has ended.
UPDATE ingest_partitions
   SET listening_since = CASE
           WHEN %(begins)s AND %(time)s::timestamptz > coalesce(caught_up_at + INTERVAL '10 seconds', '-infinity')
           THEN %(time)s::timestamptz
           ELSE listening_since END,
       caught_up_at = greatest(caught_up_at, %(time)s::timestamptz)
 WHERE partition = %(partition)s;

-- name: reached
-- How far a partition has heard.
SELECT (extract(epoch FROM caught_up_at) * 1000000)::bigint FROM ingest_partitions WHERE partition = %(partition)s;
