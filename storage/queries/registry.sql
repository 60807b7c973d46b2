-- name: upsert_network
-- Adds or renames a network.
INSERT INTO networks (id, name_en, name_zh) VALUES (%(id)s, %(name_en)s, %(name_zh)s)
ON CONFLICT (id) DO UPDATE SET name_en = excluded.name_en, name_zh = excluded.name_zh;

-- name: upsert_property
-- Adds or changes an observed property.
INSERT INTO properties (id, network, unit, type, minimum, maximum, name_en, name_zh)
VALUES (%(id)s, %(network)s, %(unit)s, %(type)s, %(minimum)s, %(maximum)s, %(name_en)s, %(name_zh)s)
ON CONFLICT (id) DO UPDATE SET network = excluded.network, unit = excluded.unit, type = excluded.type,
    minimum = excluded.minimum, maximum = excluded.maximum,
    name_en = excluded.name_en, name_zh = excluded.name_zh;

-- name: lock_registry
-- Lets one import in at a time; gives the version.
SELECT version FROM registry_version FOR UPDATE;

-- name: raise_registry_version
-- Tells running stages that the registry has changed.
UPDATE registry_version SET version = version + 1, changed_at = now() RETURNING version;

-- name: known_networks
-- Identifiers that a folder may refer to.
SELECT id FROM networks;

-- name: known_assets
-- Identifiers that a folder may refer to; what belongs to exercises is none of its business.
SELECT id FROM assets WHERE exercise IS NULL;

-- name: known_devices
-- Identifiers that a folder may refer to; what belongs to exercises is none of its business.
SELECT d.id FROM devices d JOIN assets a ON a.id = d.asset WHERE a.exercise IS NULL;

-- name: import_networks
-- Adds what is new, changes what differs; counts both.
WITH written AS (
    INSERT INTO networks AS t (id, name_en, name_zh)
    SELECT * FROM unnest(%(id)s::text[], %(name_en)s::text[], %(name_zh)s::text[])
    ON CONFLICT (id) DO UPDATE SET name_en = excluded.name_en, name_zh = excluded.name_zh
     WHERE (t.name_en, t.name_zh) IS DISTINCT FROM (excluded.name_en, excluded.name_zh)
    RETURNING t.xmax = 0 AS added)
SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added) FROM written;

-- name: import_properties
-- Adds what is new, changes what differs; counts both.
WITH written AS (
    INSERT INTO properties AS t (id, network, unit, type, minimum, maximum, name_en, name_zh)
    SELECT * FROM unnest(%(id)s::text[], %(network)s::text[], %(unit)s::text[], %(type)s::text[], %(minimum)s::float8[],
                         %(maximum)s::float8[], %(name_en)s::text[], %(name_zh)s::text[])
    ON CONFLICT (id) DO UPDATE SET network = excluded.network, unit = excluded.unit, type = excluded.type,
        minimum = excluded.minimum, maximum = excluded.maximum, name_en = excluded.name_en, name_zh = excluded.name_zh
     WHERE (t.network, t.unit, t.type, t.minimum, t.maximum, t.name_en, t.name_zh) IS DISTINCT FROM
           (excluded.network, excluded.unit, excluded.type, excluded.minimum, excluded.maximum, excluded.name_en,
            excluded.name_zh)
    RETURNING t.xmax = 0 AS added)
SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added) FROM written;

-- name: import_assets
-- Adds what is new, changes what differs; counts both.
WITH written AS (
    INSERT INTO assets AS t (id, network, kind, name_en, name_zh, area, geometry, longitude, latitude, tags)
    SELECT r.id, r.network, r.kind, r.name_en, r.name_zh, r.area, r.geometry::jsonb, r.longitude, r.latitude,
           r.tags::jsonb
      FROM unnest(%(id)s::text[], %(network)s::text[], %(kind)s::text[], %(name_en)s::text[], %(name_zh)s::text[],
                  %(area)s::text[], %(geometry)s::text[], %(longitude)s::float8[], %(latitude)s::float8[],
                  %(tags)s::text[])
           AS r (id, network, kind, name_en, name_zh, area, geometry, longitude, latitude, tags)
    ON CONFLICT (id) DO UPDATE SET network = excluded.network, kind = excluded.kind, name_en = excluded.name_en,
        name_zh = excluded.name_zh, area = excluded.area, geometry = excluded.geometry,
        longitude = excluded.longitude, latitude = excluded.latitude, tags = excluded.tags
     WHERE (t.network, t.kind, t.name_en, t.name_zh, t.area, t.geometry, t.longitude, t.latitude, t.tags)
           IS DISTINCT FROM
           (excluded.network, excluded.kind, excluded.name_en, excluded.name_zh, excluded.area, excluded.geometry,
            excluded.longitude, excluded.latitude, excluded.tags)
    RETURNING t.xmax = 0 AS added)
SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added) FROM written;

-- name: import_devices
-- Adds what is new, changes what differs; counts both.
WITH written AS (
    INSERT INTO devices AS t (id, asset, model, reporting_interval_s)
    SELECT * FROM unnest(%(id)s::text[], %(asset)s::text[], %(model)s::text[], %(reporting_interval_s)s::int[])
    ON CONFLICT (id) DO UPDATE SET asset = excluded.asset, model = excluded.model,
        reporting_interval_s = excluded.reporting_interval_s
     WHERE (t.asset, t.model, t.reporting_interval_s) IS DISTINCT FROM
           (excluded.asset, excluded.model, excluded.reporting_interval_s)
    RETURNING t.xmax = 0 AS added)
SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added) FROM written;

-- name: import_datastreams
-- Adds what is new. The unit of a property never changes, so there is nothing to change; numbers are not used up in vain.
WITH written AS (
    INSERT INTO datastreams (device, property, unit)
    SELECT r.device, r.property, r.unit
      FROM unnest(%(device)s::text[], %(property)s::text[], %(unit)s::text[]) WITH ORDINALITY
           AS r (device, property, unit, place)
     WHERE NOT EXISTS (SELECT FROM datastreams d WHERE d.device = r.device AND d.property = r.property)
     ORDER BY r.place
    RETURNING id)
SELECT count(*), 0 FROM written;

-- name: import_links
-- Adds what is new; a link has nothing that could change.
WITH written AS (
    INSERT INTO links (from_asset, relation, to_asset)
    SELECT * FROM unnest(%(from_asset)s::text[], %(relation)s::text[], %(to_asset)s::text[])
    ON CONFLICT DO NOTHING
    RETURNING from_asset)
SELECT count(*), 0 FROM written;

-- name: one_snapshot
-- From here to the end of the transaction every statement sees the same rows.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;

-- name: export_networks
-- Every network.
SELECT id, name_en, name_zh FROM networks ORDER BY id;

-- name: export_properties
-- Every observed property.
SELECT id, network, unit, type, minimum, maximum, name_en, name_zh FROM properties ORDER BY id;

-- name: export_assets
-- Every asset that is real.
SELECT id, network, kind, name_en, name_zh, area, geometry, longitude, latitude, tags
  FROM assets
 WHERE exercise IS NULL
 ORDER BY id;

-- name: export_devices
-- Every device that is real.
SELECT d.id, d.asset, d.model, d.reporting_interval_s
  FROM devices d
  JOIN assets a ON a.id = d.asset
 WHERE a.exercise IS NULL
 ORDER BY d.id;

-- name: export_datastreams
-- Every datastream that is real.
SELECT s.device, s.property, s.unit
  FROM datastreams s
  JOIN devices d ON d.id = s.device
  JOIN assets a ON a.id = d.asset
 WHERE a.exercise IS NULL
 ORDER BY s.device, s.property;

-- name: export_links
-- Every link between real assets.
SELECT l.from_asset, l.relation, l.to_asset
  FROM links l
  JOIN assets a ON a.id = l.from_asset
 WHERE a.exercise IS NULL
 ORDER BY l.from_asset, l.relation, l.to_asset;
