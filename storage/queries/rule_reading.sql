-- name: rules
-- The catalogue in force.
SELECT id, kind, class AS rule_class, network, enabled, definition, loaded_at
  FROM rules
 WHERE (%(rule)s::text IS NULL OR id = %(rule)s)
   AND (%(network)s::text IS NULL OR network = %(network)s)
   AND (%(kind)s::text IS NULL OR kind = %(kind)s)
   AND (%(class)s::text IS NULL OR class = %(class)s)
 ORDER BY id COLLATE "C";

-- name: health
-- How rules fare.
SELECT h.rule, h.evaluated_at, h.failures, h.failed_at, h.last_error, h.active, h.subjects
  FROM rule_health h
 WHERE %(rule)s::text IS NULL OR h.rule = %(rule)s
 ORDER BY h.rule COLLATE "C";

-- name: explained
-- Which alert explains one, how many open ones it explains itself, and whether late readings changed its history.
SELECT c.id, c.rule, c.title_en, c.title_zh, c.alarm_state,
       (SELECT count(*) FROM alerts o WHERE o.inhibited_by = a.id AND o.inhibited AND o.open),
       EXISTS (SELECT FROM alert_events e WHERE e.alert = a.id AND e.late)
  FROM alerts a
  LEFT JOIN alerts c ON c.id = a.inhibited_by
 WHERE a.id = %(alert)s;
