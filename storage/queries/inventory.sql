-- name: networks
-- Every network and how much that is real stands in it.
SELECT n.id, n.name_en, n.name_zh,
       (SELECT count(*) FROM assets a WHERE a.network = n.id AND a.exercise IS NULL) AS assets,
       (SELECT count(*)
          FROM devices d
          JOIN assets a ON a.id = d.asset
         WHERE a.network = n.id AND a.exercise IS NULL) AS devices,
       (SELECT count(*)
          FROM alerts t
         WHERE t.network = n.id AND t.open AND t.state = 'active' AND t.class <> 'condition'
           AND t.exercise IS NULL) AS active_alerts
  FROM networks n
 ORDER BY n.id;

-- name: properties
-- The catalogue of observed properties; those of no network belong to all.
SELECT id, network, unit, type, minimum, maximum, name_en, name_zh
  FROM properties
 WHERE %(network)s::text IS NULL OR network IS NULL OR network = %(network)s
 ORDER BY id;

-- name: assets
-- A page of assets by id. An area takes in the areas inside it; a box is judged by the representative point.
SELECT id, network, kind, name_en, name_zh, area, geometry, longitude, latitude, tags
  FROM assets
 WHERE (%(after)s::text IS NULL OR id > %(after)s)
   AND (%(network)s::text IS NULL OR network = %(network)s)
   AND (%(kind)s::text IS NULL OR kind = %(kind)s)
   AND (%(area)s::text IS NULL OR area LIKE %(area)s || '%%')
   AND (%(west)s::float8 IS NULL
        OR (longitude BETWEEN %(west)s AND %(east)s AND latitude BETWEEN %(south)s AND %(north)s))
   AND (%(exercises)s::text = 'include' OR (exercise IS NOT NULL) = (%(exercises)s::text = 'only'))
 ORDER BY id
 LIMIT %(limit)s;

-- name: asset
-- One asset.
SELECT id, network, kind, name_en, name_zh, area, geometry, longitude, latitude, tags
  FROM assets
 WHERE id = %(id)s;

-- name: links
-- The links from and to one asset.
SELECT from_asset, relation, to_asset
  FROM links
 WHERE from_asset = %(id)s OR to_asset = %(id)s
 ORDER BY from_asset, relation, to_asset
 LIMIT 1000;

-- name: devices
-- A page of devices by id; their network and area are their asset's.
SELECT d.id, d.asset, d.model, d.reporting_interval_s, a.network, a.area, a.exercise
  FROM devices d
  JOIN assets a ON a.id = d.asset
 WHERE (%(after)s::text IS NULL OR d.id > %(after)s)
   AND (%(id)s::text IS NULL OR d.id = %(id)s)
   AND (%(asset)s::text IS NULL OR d.asset = %(asset)s)
   AND (%(network)s::text IS NULL OR a.network = %(network)s)
   AND (%(area)s::text IS NULL OR a.area LIKE %(area)s || '%%')
   AND (%(exercises)s::text = 'include' OR (a.exercise IS NOT NULL) = (%(exercises)s::text = 'only'))
 ORDER BY d.id
 LIMIT %(limit)s;

-- name: datastreams
-- A page of datastreams by id, with what a reader needs to show them.
SELECT s.id, s.device, s.property, s.unit, p.type, p.name_en, p.name_zh, d.asset, a.network, a.area, a.exercise
  FROM datastreams s
  JOIN properties p ON p.id = s.property
  JOIN devices d ON d.id = s.device
  JOIN assets a ON a.id = d.asset
 WHERE (%(after)s::integer IS NULL OR s.id > %(after)s)
   AND (%(id)s::integer IS NULL OR s.id = %(id)s)
   AND (%(device)s::text IS NULL OR s.device = %(device)s)
   AND (%(property)s::text IS NULL OR s.property = %(property)s)
   AND (%(asset)s::text IS NULL OR d.asset = %(asset)s)
   AND (%(network)s::text IS NULL OR a.network = %(network)s)
   AND (%(area)s::text IS NULL OR a.area LIKE %(area)s || '%%')
   AND (%(exercises)s::text = 'include' OR (a.exercise IS NOT NULL) = (%(exercises)s::text = 'only'))
 ORDER BY s.id
 LIMIT %(limit)s;
