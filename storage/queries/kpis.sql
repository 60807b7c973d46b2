-- name: limits
-- What the KPIs count and what is asked of them.
SELECT name, value, preset, unit, role, source, evidence, changed_at FROM kpi_limits ORDER BY name;

-- name: set_limit
-- Changes one of them; no row when there is none of that name.
UPDATE kpi_limits SET value = %(value)s, changed_at = clock_timestamp() WHERE name = %(name)s RETURNING name;

-- name: alarm_figures
-- Every figure of the alarms of a period.
SELECT f.*, u.*
  FROM kpi_alarm_figures(%(since)s, %(until)s, %(networks)s, %(area)s, %(position)s) f,
       kpi_unheard(%(since)s, %(until)s, %(networks)s, %(area)s, %(position)s) u;

-- name: load
-- How much of the load comes from each network, area, rule, position or alarm, the heaviest first.
SELECT name, subject, alarms, share, per_hour, peak
  FROM kpi_load(%(part)s, %(since)s, %(until)s, %(networks)s, %(area)s, %(position)s)
 LIMIT %(limit)s;

-- name: intervals
-- Alarms in each ten minutes of the clock, and the number of the flood that it belongs to.
SELECT bucket, alarms, flood FROM kpi_intervals(%(since)s, %(until)s, %(networks)s, %(area)s, %(position)s);

-- name: hours
-- Alarms in each hour.
SELECT bucket, alarms, red, orange, yellow, blue
  FROM kpi_hours(%(since)s, %(until)s, %(networks)s, %(area)s, %(position)s);

-- name: distribution
-- How many intervals of ten minutes had how many alarms.
SELECT least_alarms, most_alarms, intervals
  FROM kpi_distribution(%(since)s, %(until)s, %(networks)s, %(area)s, %(position)s);

-- name: floods
-- The floods of a period, the first ones.
SELECT started_at, ended_at, alarms, peak
  FROM kpi_floods(%(since)s, %(until)s, %(networks)s, %(area)s, %(position)s)
 LIMIT %(limit)s;

-- name: chattering
-- What chattered.
SELECT rule, subject, bursts
  FROM kpi_chattering(%(since)s, %(until)s, %(networks)s, %(area)s, %(position)s)
 LIMIT %(limit)s;

-- name: stale
-- What stood for too long, the oldest first.
SELECT alert, rule, subject, network, asset, raised_at, stale_from, stale_to, standing
  FROM kpi_stale(%(since)s, %(until)s, %(networks)s, %(area)s, %(position)s)
 LIMIT %(limit)s;

-- name: assets
-- The assets with the shortest time between alarms.
SELECT asset, network, area, alarms, between_s
  FROM kpi_assets(%(since)s, %(until)s, %(networks)s, %(area)s, %(position)s)
 LIMIT %(limit)s;

-- name: incident_figures
-- Every figure of the incidents of a period.
SELECT * FROM kpi_incident_figures(%(since)s, %(until)s, %(networks)s, %(area)s);

-- name: incidents
-- The newest incidents of a period.
SELECT alert, rule, subject, class AS alert_class, network, area, asset, level, raised_at, detected_s, acknowledged_s,
       restored_s, title_en, title_zh
  FROM kpi_incidents(%(since)s, %(until)s, %(networks)s, %(area)s)
 ORDER BY raised_at DESC, alert DESC
 LIMIT %(limit)s;

-- name: exercised
-- How many alerts of exercises were raised in a period: none of the figures counts them.
SELECT count(*)
  FROM alerts a
 WHERE a.exercise IS NOT NULL AND a.class <> 'condition' AND a.announced
   AND a.raised_at >= %(since)s AND a.raised_at < %(until)s
   AND (%(networks)s::text[] IS NULL OR a.network = ANY (%(networks)s));

-- name: availability
-- The share of device-time with telemetry, by district.
SELECT district, devices, hours, share FROM kpi_availability(%(since)s, %(until)s, %(networks)s, %(area)s);
