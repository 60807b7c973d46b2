-- name: request
-- Queues a backtest, unless too many wait already.
INSERT INTO backtests (requested_by, parameters)
SELECT %(requested_by)s, %(parameters)s::jsonb
 WHERE (SELECT count(*) FROM backtests WHERE state = 'queued') < %(most)s
RETURNING id;

-- name: give_up
-- Those that have taken a runner with them too often are over.
UPDATE backtests
   SET state = 'failed', finished_at = clock_timestamp(), error = %(error)s
 WHERE state = 'running' AND heartbeat_at < clock_timestamp() - %(stale_s)s * interval '1 second'
   AND attempts >= %(attempts)s;

-- name: claim
-- Takes the oldest that waits, or whose runner has died, while no other runs.
UPDATE backtests
   SET state = 'running', runner = %(runner)s, attempts = attempts + 1, started_at = clock_timestamp(),
       heartbeat_at = clock_timestamp(), progress = 0
 WHERE id = (SELECT id
               FROM backtests
              WHERE (state = 'queued'
                     OR state = 'running' AND heartbeat_at < clock_timestamp() - %(stale_s)s * interval '1 second')
                AND NOT EXISTS (SELECT FROM backtests other
                                 WHERE other.state = 'running'
                                   AND other.heartbeat_at >= clock_timestamp() - %(stale_s)s * interval '1 second')
              ORDER BY id
              LIMIT 1
                FOR UPDATE SKIP LOCKED)
RETURNING id, parameters;

-- name: advance
-- A sign of life; no row if it is no longer this runner's.
UPDATE backtests SET progress = %(progress)s, heartbeat_at = clock_timestamp()
 WHERE id = %(id)s AND state = 'running' AND runner = %(runner)s
RETURNING id;

-- name: finish
-- The result, or why there is none.
UPDATE backtests
   SET state = CASE WHEN %(error)s::text IS NULL THEN 'done' ELSE 'failed' END, finished_at = clock_timestamp(),
       progress = CASE WHEN %(error)s::text IS NULL THEN 1 ELSE progress END, result = %(result)s::jsonb,
       error = %(error)s
 WHERE id = %(id)s AND state = 'running' AND runner = %(runner)s
RETURNING id;

-- name: hand_back
-- A runner that is stopped puts its work back.
UPDATE backtests SET state = 'queued', runner = NULL, progress = 0, attempts = attempts - 1
 WHERE id = %(id)s AND state = 'running' AND runner = %(runner)s
RETURNING id;

-- name: list
-- The newest first, without results.
SELECT id, requested_by, requested_at, parameters, state, started_at, finished_at, progress, NULL::jsonb AS result, error
  FROM backtests
 WHERE id < %(before)s
 ORDER BY id DESC
 LIMIT %(limit)s;

-- name: one
-- One with its result.
SELECT id, requested_by, requested_at, parameters, state, started_at, finished_at, progress, result, error
  FROM backtests
 WHERE id = %(id)s;

-- name: remove
-- Takes one out, whatever its state; a runner notices with its next sign of life.
DELETE FROM backtests WHERE id = %(id)s RETURNING id;
