-- name: leads
-- One row if this is the leader; it stays the leader until the transaction ends.
SELECT 1 FROM rules_leader WHERE leader = %(leader)s FOR SHARE;

-- name: put_rules
-- The rules of the catalogue that is in force from now on.
INSERT INTO rules (id, kind, class, network, enabled, definition, digest)
SELECT id, kind, class, network, enabled, definition, %(digest)s
  FROM jsonb_to_recordset(%(rules)s)
       AS r (id text, kind text, class text, network text, enabled boolean, definition jsonb)
ON CONFLICT (id) DO UPDATE
   SET kind = excluded.kind, class = excluded.class, network = excluded.network, enabled = excluded.enabled,
       definition = excluded.definition, digest = excluded.digest, loaded_at = clock_timestamp();

-- name: remove_rules
-- The rules of former catalogues.
DELETE FROM rules WHERE digest <> %(digest)s;

-- name: remove_health
-- How rules fared that are no more.
DELETE FROM rule_health WHERE NOT EXISTS (SELECT FROM rules WHERE id = rule_health.rule);

-- name: put_state
-- Which catalogue is in force; none is refused now.
UPDATE catalogue_state
   SET digest = %(digest)s, loaded_at = clock_timestamp(), refused_digest = NULL, refused_at = NULL, problems = '[]';

-- name: refuse
-- A newer catalogue cannot be used.
UPDATE catalogue_state
   SET refused_at = CASE WHEN refused_digest = %(digest)s THEN refused_at ELSE clock_timestamp() END,
       refused_digest = %(digest)s, problems = %(problems)s;

-- name: state
-- Which catalogue is in force, and what is wrong with a newer one.
SELECT s.digest, (extract(epoch FROM s.loaded_at) * 1000000)::bigint AS loaded_at, s.refused_digest,
       (extract(epoch FROM s.refused_at) * 1000000)::bigint AS refused_at, s.problems,
       (SELECT count(*) FROM rules) AS rules
  FROM catalogue_state s;

-- name: put_health
-- How each rule fares; failures are added up.
INSERT INTO rule_health AS h (rule, evaluated_at, failures, failed_at, last_error, active, subjects)
SELECT rule, to_timestamp(%(evaluated_at)s::double precision), failures,
       CASE WHEN failures > 0 THEN clock_timestamp() END, error, active, subjects
  FROM jsonb_to_recordset(%(health)s)
       AS r (rule text, failures bigint, error text, active integer, subjects integer)
ON CONFLICT (rule) DO UPDATE
   SET evaluated_at = excluded.evaluated_at, failures = h.failures + excluded.failures,
       failed_at = coalesce(excluded.failed_at, h.failed_at),
       last_error = coalesce(excluded.last_error, h.last_error),
       active = excluded.active, subjects = excluded.subjects;
