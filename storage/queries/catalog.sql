-- name: registry_version
-- Rises with every change of the registry.
SELECT version FROM registry_version;

-- name: catalog
-- Every device with its datastreams (none: one row with NULLs), in the order of devices.
SELECT d.id, a.area, a.network, s.id, s.property, s.unit, p.type = 'boolean', p.minimum, p.maximum
  FROM devices d
  JOIN assets a ON a.id = d.asset
  LEFT JOIN datastreams s ON s.device = d.id
  LEFT JOIN properties p ON p.id = s.property
 ORDER BY d.id;
