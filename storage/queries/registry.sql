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
