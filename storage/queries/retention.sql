-- name: level
-- What this database offers, as its schema was made for it.
SELECT level FROM schema_migrations ORDER BY number LIMIT 1;

-- name: journal
-- Old journal rows that every follower has passed; never a row of a partition that nobody follows yet.
DELETE FROM journal
 USING (SELECT j.partition, j.seq
          FROM journal j
          JOIN (SELECT partition, min(seq) AS seq FROM journal_positions GROUP BY partition) passed USING (partition)
         WHERE j.seq <= passed.seq AND j.stored_at < clock_timestamp() - %(keep_s)s * INTERVAL '1 second'
         ORDER BY j.stored_at
         LIMIT %(limit)s) old
 WHERE journal.partition = old.partition AND journal.seq = old.seq;

-- name: dead_letters
-- Old dead letters.
DELETE FROM dead_letters
 WHERE id IN (SELECT id
                FROM dead_letters
               WHERE received_at < clock_timestamp() - %(keep_s)s * INTERVAL '1 second'
               ORDER BY received_at
               LIMIT %(limit)s);

-- name: observations
-- Old observations of any datastream, found through the key.
DELETE FROM observations
 USING (SELECT d.id AS datastream, o.time
          FROM datastreams d
         CROSS JOIN LATERAL (
               SELECT time
                 FROM observations
                WHERE datastream = d.id AND time < clock_timestamp() - %(keep_s)s * INTERVAL '1 second'
                ORDER BY time
                LIMIT %(limit)s) o
         LIMIT %(limit)s) old
 WHERE observations.datastream = old.datastream AND observations.time = old.time;
