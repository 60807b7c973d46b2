-- name: watched
-- Every datastream with what rules and alerts speak of; with `exercises`, those of an exercise that runs as well.
SELECT d.id, d.property, d.unit, d.device, v.reporting_interval_s,
       (extract(epoch FROM d.registered_at) * 1000000)::bigint,
       v.asset, a.kind, a.name_en, a.name_zh, a.network, a.area, d.promised_s
  FROM datastreams d
  JOIN devices v ON v.id = d.device
  JOIN assets a ON a.id = v.asset
 WHERE a.exercise IS NULL OR a.exercise = ANY (%(exercises)s::integer[]);

-- name: assets
-- Every asset with its place: what rules look at around a subject.
SELECT id, kind, network, area, name_en, name_zh, longitude, latitude, tags
  FROM assets
 WHERE exercise IS NULL OR exercise = ANY (%(exercises)s::integer[])
 ORDER BY id;

-- name: links
-- How assets depend on each other.
SELECT l.from_asset, l.relation, l.to_asset
  FROM links l
  JOIN assets a ON a.id = l.from_asset
 WHERE a.exercise IS NULL OR a.exercise = ANY (%(exercises)s::integer[])
 ORDER BY l.from_asset, l.relation, l.to_asset;

-- name: paces
-- The exercises that run, and how their time does.
SELECT id, (extract(epoch FROM begins_at) * 1000000)::bigint, (extract(epoch FROM paced_from) * 1000000)::bigint, speed,
       ((extract(epoch FROM begins_at) + (plan ->> 'duration_s')::float8) * 1000000)::bigint
  FROM exercises
 WHERE ended_at IS NULL AND paced_from IS NOT NULL
 ORDER BY id;

-- name: properties
-- The vocabulary: every observed property, shipped or of the site.
SELECT id, network, unit, type, minimum, maximum, name_en, name_zh FROM properties ORDER BY id;

-- name: networks
-- Every network, shipped or of the site.
SELECT id FROM networks ORDER BY id;

-- name: version
-- Rises with every change of the registry.
SELECT version FROM registry_version;

-- name: newest_before
-- The newest observation of each datastream before its instant, as columns. With `good`, doubtful ones do not count.
SELECT coalesce(array_agg(u.datastream), '{}'), coalesce(array_agg(o.time), '{}'), coalesce(array_agg(o.value), '{}')
  FROM unnest(%(datastreams)s, %(before)s) AS u (datastream, before)
 CROSS JOIN LATERAL (
       SELECT time, value
         FROM observations
        WHERE datastream = u.datastream AND time < u.before AND (quality = 0 OR NOT %(good)s)
        ORDER BY time DESC
        LIMIT 1) o;
