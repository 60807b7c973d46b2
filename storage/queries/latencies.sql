-- name: published_to_stored
-- Milliseconds from the newest sample of a datastream in a batch, as its device dated it, to its storage: p50, p99, how many.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), percentile_cont(0.99) WITHIN GROUP (ORDER BY ms), count(*)
  FROM (SELECT extract(epoch FROM j.stored_at - max(o.time)) * 1000 AS ms
          FROM journal j
         CROSS JOIN LATERAL unnest(j.datastreams, j.times) AS o (datastream, time)
         WHERE j.stored_at >= %(since)s
         GROUP BY j.partition, j.seq, j.stored_at, o.datastream) AS ages;

-- name: published_to_alert
-- Milliseconds from the sample that raised an alert of one of these rules to the record of the raise: p50, p99, how many.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), percentile_cont(0.99) WITHIN GROUP (ORDER BY ms), count(*)
  FROM (SELECT extract(epoch FROM e.recorded_at - e.time) * 1000 AS ms
          FROM alert_events e
          JOIN alerts a ON a.id = e.alert
         WHERE e.event = 'raised' AND e.recorded_at >= %(since)s AND a.rule = ANY(%(rules)s)) AS ages;

-- name: raised_by_network
-- How often an alert was raised, by network.
SELECT a.network, count(*)
  FROM alert_events e
  JOIN alerts a ON a.id = e.alert
 WHERE e.event = 'raised' AND e.recorded_at >= %(since)s
 GROUP BY a.network
 ORDER BY a.network;
