-- What people, Grafana and the API read. The names are a contract.
CREATE VIEW latest_observations AS
SELECT d.id AS datastream, d.device, d.property, d.unit, o.time, o.value, o.quality
  FROM datastreams d
 CROSS JOIN LATERAL (
       SELECT time, value, quality
         FROM observations
        WHERE datastream = d.id
        ORDER BY time DESC
        LIMIT 1) o;
