-- name: lock_registry
-- Whoever changes the registry holds this row; none if somebody does.
SELECT version FROM registry_version FOR UPDATE SKIP LOCKED;

-- name: keep
-- What devices promise now. A longer silence is granted at once, a shorter one an hour after the last change; what is
-- nearly the same is the same.
UPDATE datastreams d
   SET promised_s = u.seconds, promised_at = clock_timestamp()
  FROM unnest(%(datastreams)s::integer[], %(seconds)s::double precision[]) AS u (datastream, seconds)
 WHERE d.id = u.datastream
   AND (d.promised_s IS NULL
        OR u.seconds > d.promised_s * 1.1
        OR (u.seconds < d.promised_s / 1.1 AND d.promised_at < clock_timestamp() - INTERVAL '1 hour'));

-- name: kept
-- What is kept of these datastreams now.
SELECT id, promised_s FROM datastreams WHERE id = ANY (%(datastreams)s::integer[]);

-- name: raise_registry_version
-- Tells running stages that the registry has changed.
UPDATE registry_version SET version = version + 1, changed_at = now();
