-- name: chosen
-- The datastreams of a network, of an area with the areas inside it, and of devices whose id is like a pattern; with the
-- place on whose topic their device publishes. What belongs to exercises never was.
SELECT s.id, s.device, s.property, p.type, a.area, a.network
  FROM datastreams s
  JOIN properties p ON p.id = s.property
  JOIN devices d ON d.id = s.device
  JOIN assets a ON a.id = d.asset
 WHERE a.exercise IS NULL
   AND (%(network)s::text IS NULL OR a.network = %(network)s)
   AND (%(area)s::text IS NULL OR a.area LIKE %(area)s || '%%')
   AND (%(device)s::text IS NULL OR s.device LIKE %(device)s)
 ORDER BY s.id;

-- name: extent
-- How many observations some datastreams have in [since, until), and when the first and the last of them were made.
SELECT coalesce(sum(o.number), 0)::bigint, (extract(epoch FROM min(o.first)) * 1000000)::bigint,
       (extract(epoch FROM max(o.last)) * 1000000)::bigint
  FROM unnest(%(datastreams)s) AS u (datastream)
 CROSS JOIN LATERAL (
       SELECT count(*) AS number, min(time) AS first, max(time) AS last
         FROM observations
        WHERE datastream = u.datastream AND time >= %(since)s AND time < %(until)s) o;

-- name: page
-- The first observations of some datastreams in [since, until), in the order of time.
SELECT coalesce(array_agg(datastream), '{}'), coalesce(array_agg(time), '{}'), coalesce(array_agg(value), '{}')
  FROM (SELECT u.datastream, o.time, o.value
          FROM unnest(%(datastreams)s) AS u (datastream)
         CROSS JOIN LATERAL (
               SELECT time, value
                 FROM observations
                WHERE datastream = u.datastream AND time >= %(since)s AND time < %(until)s
                ORDER BY time
                LIMIT %(limit)s) o
         ORDER BY o.time, u.datastream
         LIMIT %(limit)s) ordered;

-- name: heard
-- Since when, and up to when, ingest has heard of everything; nothing where it never listened.
SELECT (extract(epoch FROM greatest((SELECT max(listening_since) FROM ingest_partitions),
                                    (SELECT min(registered_at) FROM datastreams
                                      WHERE id = ANY (%(datastreams)s)))) * 1000000)::bigint,
       (extract(epoch FROM (SELECT max(caught_up_at) FROM ingest_partitions)) * 1000000)::bigint;

-- name: same_streams
-- The datastreams of the same devices and properties in another database.
SELECT s.id
  FROM unnest(%(devices)s::text[], %(properties)s::text[]) AS u (device, property)
  JOIN datastreams s ON s.device = u.device AND s.property = u.property
 ORDER BY s.id;
