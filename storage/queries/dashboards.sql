-- Queries of the Grafana panels. What belongs to exercises is left out, except in those named exercise_*. They read the documented relations only and every answer is bounded.
-- {language} is en or zh; {network}, {properties} and the like are written in when the dashboards are built.
-- $__timeFilter(...), $__timeFrom() and so on are Grafana's macros, $device and $network its variables; '*' means all.

-- name: networks
-- The networks, for a variable.
SELECT id AS __value, name_{language} AS __text FROM networks ORDER BY id LIMIT 100;

-- name: devices_of_network
-- The devices of one network, for a variable.
SELECT d.id AS __value, a.name_{language} || ' · ' || d.id AS __text
  FROM devices d
  JOIN assets a ON a.id = d.asset
 WHERE a.network = {network} AND a.exercise IS NULL
 ORDER BY 2
 LIMIT 1000;

-- name: open_alerts_by_level
-- How many alerts are open on each level, and not held back.
SELECT count(*) FILTER (WHERE level = 'red') AS red,
       count(*) FILTER (WHERE level = 'orange') AS orange,
       count(*) FILTER (WHERE level = 'yellow') AS yellow,
       count(*) FILTER (WHERE level = 'blue') AS blue
  FROM alerts
 WHERE open AND NOT held_back AND exercise IS NULL AND ('*' IN ({network}) OR network IN ({network}));

-- name: open_alerts
-- The newest open alerts that nothing holds back.
SELECT al.raised_at AS "time", al.level, n.name_{language} AS network, al.title_{language} AS title,
       coalesce(a.name_{language}, al.subject) AS place, al.value, al.threshold, al.state,
       al.acknowledged, al.acknowledged_by
  FROM alerts al
  JOIN networks n ON n.id = al.network
  LEFT JOIN assets a ON a.id = al.asset
 WHERE al.open AND NOT al.held_back AND al.exercise IS NULL AND ('*' IN ({network}) OR al.network IN ({network}))
 ORDER BY al.raised_at DESC, al.id DESC
 LIMIT 100;

-- name: alert_history
-- What happened to alerts in the range, newest first.
SELECT e.time AS "time", e.event, e.level, n.name_{language} AS network, al.title_{language} AS title, e.value,
       e.actor, e.comment
  FROM alert_events e
  JOIN alerts al ON al.id = e.alert
  JOIN networks n ON n.id = al.network
 WHERE e.recorded_at >= $__timeFrom() AND $__timeFilter(e.time) AND al.class <> 'condition'
   AND al.exercise IS NULL
   AND ('*' IN ({network}) OR al.network IN ({network}))
 ORDER BY e.time DESC, e.id DESC
 LIMIT 100;

-- name: alerts_per_hour
-- Alerts raised in each hour of the range, by level.
SELECT time_bucket(INTERVAL '1 hour', raised_at) AS "time",
       count(*) FILTER (WHERE level = 'red') AS red,
       count(*) FILTER (WHERE level = 'orange') AS orange,
       count(*) FILTER (WHERE level = 'yellow') AS yellow,
       count(*) FILTER (WHERE level = 'blue') AS blue
  FROM alerts
 WHERE $__timeFilter(raised_at) AND class <> 'condition' AND NOT withdrawn AND exercise IS NULL
   AND ('*' IN ({network}) OR network IN ({network}))
 GROUP BY 1
 ORDER BY 1
 LIMIT 10000;

-- name: asset_map
-- Where the assets stand and the worst open level of each; severity is 0 none, 1 blue, 2 yellow, 3 orange, 4 red.
SELECT a.name_{language} AS name, n.name_{language} AS network,
       (ARRAY['none', 'blue', 'yellow', 'orange', 'red'])[coalesce(w.severity, 0) + 1] AS level,
       coalesce(w.alerts, 0) AS alerts, coalesce(w.severity, 0) AS severity, a.latitude, a.longitude
  FROM assets a
  JOIN networks n ON n.id = a.network
  LEFT JOIN (
       SELECT asset, count(*) AS alerts,
              max(CASE level WHEN 'red' THEN 4 WHEN 'orange' THEN 3 WHEN 'yellow' THEN 2 ELSE 1 END) AS severity
         FROM alerts
        WHERE open AND NOT held_back AND asset IS NOT NULL
        GROUP BY asset) w ON w.asset = a.id
 WHERE a.exercise IS NULL AND ('*' IN ({network}) OR a.network IN ({network}))
 ORDER BY coalesce(w.severity, 0) DESC, a.id
 LIMIT 5000;

-- name: exposed_assets
-- Assets linked to one that has an open red or orange alert: what may be next.
SELECT a.name_{language} AS source, al.level, l.relation, t.name_{language} AS target, n.name_{language} AS network
  FROM alerts al
  JOIN assets a ON a.id = al.asset
  JOIN links l ON l.from_asset = a.id
  JOIN assets t ON t.id = l.to_asset
  JOIN networks n ON n.id = t.network
 WHERE al.open AND NOT al.held_back AND al.level IN ('red', 'orange')
   AND al.exercise IS NULL
   AND ('*' IN ({network}) OR al.network IN ({network}) OR t.network IN ({network}))
 ORDER BY CASE al.level WHEN 'red' THEN 0 ELSE 1 END, al.raised_at DESC, t.id
 LIMIT 50;

-- name: coverage_by_network
-- How many devices of each network were heard within two of their reporting intervals.
SELECT network || ' (' || heard || '/' || devices || ')' AS network,
       round(100.0 * heard / devices, 1)::double precision AS share
  FROM (
       SELECT n.id, n.name_{language} AS network, count(*) AS devices, count(*) FILTER (WHERE EXISTS (
                  SELECT FROM datastreams s
                    JOIN observations o ON o.datastream = s.id
                   WHERE s.device = d.id AND o.time > now() - 2 * d.reporting_interval_s * INTERVAL '1 second')) AS heard
         FROM devices d
         JOIN assets a ON a.id = d.asset
         JOIN networks n ON n.id = a.network
        WHERE a.exercise IS NULL AND ('*' IN ({network}) OR n.id IN ({network}))
        GROUP BY n.id) c
 ORDER BY id
 LIMIT 100;

-- name: silent_devices
-- Devices not heard for two of their reporting intervals, those that never spoke first, then the longest silent.
SELECT d.name AS place, d.id AS device, d.reporting_interval_s AS interval_s, l.time AS last_heard,
       round(extract(epoch FROM now() - l.time) / 60)::double precision AS silent_min
  FROM (
       SELECT d.id, d.reporting_interval_s, a.name_{language} AS name
         FROM devices d
         JOIN assets a ON a.id = d.asset
        WHERE a.exercise IS NULL AND ('*' IN ({network}) OR a.network IN ({network}))
          AND NOT EXISTS (
              SELECT FROM datastreams s
                JOIN observations o ON o.datastream = s.id
               WHERE s.device = d.id AND o.time > now() - 2 * d.reporting_interval_s * INTERVAL '1 second')
        ORDER BY d.id
        LIMIT 200) d
  LEFT JOIN LATERAL (SELECT max(time) AS time FROM latest_observations WHERE device = d.id) l ON true
 ORDER BY l.time NULLS FIRST, d.id
 LIMIT 100;

-- name: observations_per_minute
-- Observations of each minute, in the last hour of the range.
SELECT time_bucket(INTERVAL '1 minute', o.time) AS "time", count(*) AS observations
  FROM datastreams s
  JOIN devices d ON d.id = s.device
  JOIN assets a ON a.id = d.asset
 CROSS JOIN LATERAL (
       SELECT time
         FROM observations
        WHERE datastream = s.id AND $__timeFilter(time)
          AND time >= $__timeTo()::timestamptz - INTERVAL '1 hour') o
 WHERE a.exercise IS NULL
 GROUP BY 1
 ORDER BY 1
 LIMIT 100;

-- name: dead_letters_by_reason
-- What could not be stored in the range, and why.
SELECT reason, count(*) AS letters, max(received_at) AS latest
  FROM dead_letters
 WHERE $__timeFilter(received_at) AND exercise_of(split_part(topic, '/', 2)) IS NULL
 GROUP BY reason
 ORDER BY letters DESC, reason
 LIMIT 20;

-- name: notifications_waiting
-- Notifications that are not out yet, that failed for good, and that nobody is addressed by.
SELECT count(*) FILTER (WHERE state = 'pending') AS pending,
       count(*) FILTER (WHERE state = 'failed') AS failed,
       count(*) FILTER (WHERE state = 'unaddressed') AS unaddressed,
       coalesce(extract(epoch FROM now() - min(written_at) FILTER (WHERE state = 'pending')), 0)::double precision
           AS oldest_pending_s
  FROM notifications
 WHERE state IN ('pending', 'failed', 'unaddressed') AND exercise IS NULL;

-- name: latest_values
-- The latest value of everything that the chosen devices observe.
SELECT a.name_{language} AS place, l.device, p.name_{language} AS property, l.value,
       CASE l.unit WHEN '1' THEN '' ELSE l.unit END AS unit, l.time AS "time",
       CASE l.quality WHEN 0 THEN 'good' WHEN 1 THEN 'out_of_range' WHEN 2 THEN 'device_doubt' WHEN 4 THEN 'historical'
           ELSE l.quality::text END AS quality
  FROM latest_observations l
  JOIN devices d ON d.id = l.device
  JOIN assets a ON a.id = d.asset
  JOIN properties p ON p.id = l.property
 WHERE a.network = {network} AND a.exercise IS NULL AND ('*' IN ($device) OR l.device IN ($device))
 ORDER BY a.id, l.device, l.property
 LIMIT 500;

-- name: highest_now
-- The devices with the highest fresh and undoubted value.
SELECT a.name_{language} || CASE WHEN {several} THEN ' · ' || p.name_{language} ELSE '' END AS place, l.value
  FROM latest_observations l
  JOIN devices d ON d.id = l.device
  JOIN assets a ON a.id = d.asset
  JOIN properties p ON p.id = l.property
 WHERE l.property IN ({properties}) AND l.quality = 0 AND a.exercise IS NULL
   AND l.time > now() - 2 * d.reporting_interval_s * INTERVAL '1 second'
 ORDER BY l.value DESC, l.device
 LIMIT 10;

-- name: lowest_now
-- The devices with the lowest fresh and undoubted value.
SELECT a.name_{language} || CASE WHEN {several} THEN ' · ' || p.name_{language} ELSE '' END AS place, l.value
  FROM latest_observations l
  JOIN devices d ON d.id = l.device
  JOIN assets a ON a.id = d.asset
  JOIN properties p ON p.id = l.property
 WHERE l.property IN ({properties}) AND l.quality = 0 AND a.exercise IS NULL
   AND l.time > now() - 2 * d.reporting_interval_s * INTERVAL '1 second'
 ORDER BY l.value, l.device
 LIMIT 10;

-- name: switched_on
-- Places where a switch property is true now.
SELECT a.name_{language} AS place, l.device, p.name_{language} AS property, l.time AS "time"
  FROM latest_observations l
  JOIN devices d ON d.id = l.device
  JOIN assets a ON a.id = d.asset
  JOIN properties p ON p.id = l.property
 WHERE l.property IN ({properties}) AND l.value >= 0.5 AND l.quality = 0 AND a.exercise IS NULL
 ORDER BY l.time DESC, l.device
 LIMIT 100;

-- name: share_on
-- How many switches of a property are on, among those heard within two reporting intervals.
SELECT count(*) FILTER (WHERE l.value >= 0.5) AS on, count(*) FILTER (WHERE l.value < 0.5) AS off,
       coalesce(100.0 * count(*) FILTER (WHERE l.value >= 0.5) / nullif(count(*), 0), 0)::double precision AS share
  FROM latest_observations l
  JOIN devices d ON d.id = l.device
  JOIN assets a ON a.id = d.asset
 WHERE l.property IN ({properties}) AND l.quality = 0 AND a.exercise IS NULL
   AND l.time > now() - 2 * d.reporting_interval_s * INTERVAL '1 second';

-- name: band_now
-- How many fresh values of a property lie below, within and above a band.
SELECT count(*) FILTER (WHERE l.value < {low}) AS below,
       count(*) FILTER (WHERE l.value BETWEEN {low} AND {high}) AS within,
       count(*) FILTER (WHERE l.value > {high}) AS above
  FROM latest_observations l
  JOIN devices d ON d.id = l.device
  JOIN assets a ON a.id = d.asset
 WHERE l.property IN ({properties}) AND l.quality = 0 AND a.exercise IS NULL
   AND l.time > now() - 2 * d.reporting_interval_s * INTERVAL '1 second';

-- name: chart
-- A property of the chosen devices over time, from the level of detail that the range calls for: observations up to two
-- hours, then the rollups of five minutes (two days), an hour (sixty days) and a day. At most twenty lines.
WITH streams AS MATERIALIZED (
    SELECT s.id, a.name_{language} || CASE WHEN {several} THEN ' · ' || p.name_{language} ELSE '' END
           || CASE WHEN count(*) OVER (PARTITION BY d.asset, s.property) > 1 THEN ' · ' || s.device ELSE '' END AS metric
      FROM datastreams s
      JOIN devices d ON d.id = s.device
      JOIN assets a ON a.id = d.asset
      JOIN properties p ON p.id = s.property
     WHERE s.property IN ({properties}) AND a.exercise IS NULL AND ('*' IN ($device) OR s.device IN ($device))
     ORDER BY a.id, s.device, s.property
     LIMIT 20),
extent AS MATERIALIZED (
    SELECT extract(epoch FROM $__timeTo()::timestamptz - $__timeFrom()::timestamptz) AS seconds)
SELECT c.time AS "time", s.metric, c.value
  FROM streams s
 CROSS JOIN LATERAL (
       SELECT time, value
         FROM observations
        WHERE datastream = s.id AND $__timeFilter(time) AND quality = 0
          AND (SELECT seconds FROM extent) <= 7200
       UNION ALL
       SELECT bucket, {aggregate}
         FROM observations_5m
        WHERE datastream = s.id AND $__timeFilter(bucket)
          AND (SELECT seconds FROM extent) > 7200 AND (SELECT seconds FROM extent) <= 172800
       UNION ALL
       SELECT bucket, {aggregate}
         FROM observations_1h
        WHERE datastream = s.id AND $__timeFilter(bucket)
          AND (SELECT seconds FROM extent) > 172800 AND (SELECT seconds FROM extent) <= 5184000
       UNION ALL
       SELECT bucket, {aggregate}
         FROM observations_1d
        WHERE datastream = s.id AND $__timeFilter(bucket)
          AND (SELECT seconds FROM extent) > 5184000) c
 WHERE c.value IS NOT NULL
 ORDER BY c.time
 LIMIT 50000;

-- name: alarm_health
-- The alarm KPIs of the range.
SELECT alarms, per_hour, worst_day, peak, floods, chattering, fleeting, stale
  FROM kpi_alarm_figures($__timeFrom(), $__timeTo(), ARRAY[{network}])
 LIMIT 1;

-- name: alarms_unheard
-- What waits for people now, and what of the range they were not told of or told wrongly.
SELECT unacknowledged, held_back, withdrawn
  FROM kpi_unheard($__timeFrom(), $__timeTo(), ARRAY[{network}])
 LIMIT 1;

-- name: alarm_rate
-- Alarms of each hour, beside what is acceptable and what can be managed.
SELECT bucket AS "time", alarms, kpi_limit('rate.acceptable') AS acceptable, kpi_limit('rate.maximum') AS manageable
  FROM kpi_hours($__timeFrom(), $__timeTo(), ARRAY[{network}])
 ORDER BY 1
 LIMIT 10000;

-- name: alarm_intervals
-- Alarms of each ten minutes, those in a flood apart, beside the most that is asked for.
SELECT bucket AS "time", alarms, CASE WHEN flood IS NOT NULL THEN alarms END AS in_flood,
       kpi_limit('peak.alarms') AS manageable
  FROM kpi_intervals($__timeFrom(), $__timeTo(), ARRAY[{network}])
 ORDER BY 1
 LIMIT 60000;

-- name: alarm_floods
-- The newest floods of the range.
SELECT started_at, ended_at, alarms, peak
  FROM kpi_floods($__timeFrom(), $__timeTo(), ARRAY[{network}])
 ORDER BY started_at DESC
 LIMIT 50;

-- name: alarm_top
-- The ten heaviest alarms, a rule on a subject, with their share of the load in percent.
SELECT name AS rule, subject, alarms, round((100 * share)::numeric, 1)::double precision AS share, peak
  FROM kpi_load('alarm', $__timeFrom(), $__timeTo(), ARRAY[{network}])
 ORDER BY alarms DESC, name, subject
 LIMIT 10;

-- name: alarm_levels
-- The share of each level of the load in percent, beside what is asked: at most, of blue at least.
SELECT name AS level, alarms, round((100 * share)::numeric, 1)::double precision AS share,
       CASE name WHEN 'blue' THEN '≥ ' ELSE '≤ ' END || kpi_limit('level_mix.' || name) AS asked
  FROM kpi_load('level', $__timeFrom(), $__timeTo(), ARRAY[{network}])
 ORDER BY array_position(ARRAY['red', 'orange', 'yellow', 'blue'], name)
 LIMIT 4;

-- name: alarm_positions
-- The load of each operator position.
SELECT CASE '{language}' WHEN 'zh' THEN subject ELSE name END AS position, alarms,
       round(per_hour::numeric, 2)::double precision AS per_hour, peak
  FROM kpi_load('position', $__timeFrom(), $__timeTo(), ARRAY[{network}])
 ORDER BY alarms DESC, name
 LIMIT 50;

-- name: alarm_stale
-- What stood for too long in the range, the oldest first.
SELECT s.raised_at, s.rule, coalesce(a.name_{language}, s.subject) AS place, s.stale_to, s.standing
  FROM kpi_stale($__timeFrom(), $__timeTo(), ARRAY[{network}]) s
  LEFT JOIN assets a ON a.id = s.asset
 ORDER BY s.raised_at, s.alert
 LIMIT 50;

-- name: alarm_chattering
-- What chattered in the range, the worst first.
SELECT rule, subject, bursts
  FROM kpi_chattering($__timeFrom(), $__timeTo(), ARRAY[{network}])
 ORDER BY bursts DESC, rule, subject
 LIMIT 50;

-- name: alarm_responses
-- How long alarms waited to be acknowledged and how long they stood, in seconds.
SELECT acknowledge_median_s, acknowledge_p90_s, acknowledge_max_s, clear_median_s, clear_p90_s, clear_max_s
  FROM kpi_alarm_figures($__timeFrom(), $__timeTo(), ARRAY[{network}])
 LIMIT 1;

-- name: incident_counts
-- Incidents of the range, and those that nobody took and that are not over.
SELECT incidents, incidents - acknowledged AS not_acknowledged, incidents - restored AS not_restored
  FROM kpi_incident_figures($__timeFrom(), $__timeTo(), ARRAY[{network}])
 LIMIT 1;

-- name: incident_times
-- How long it took to detect, acknowledge and restore, in seconds: the median and what nine of ten stay below.
SELECT detect_median_s, detect_p90_s, acknowledge_median_s, acknowledge_p90_s, restore_median_s, restore_p90_s
  FROM kpi_incident_figures($__timeFrom(), $__timeTo(), ARRAY[{network}])
 LIMIT 1;

-- name: incidents_by_network
-- The incidents of each network: how many, and what nine of ten stayed below, in minutes.
SELECT n.name_{language} AS network, count(*) AS incidents,
       round((percentile_cont(0.9) WITHIN GROUP (ORDER BY i.detected_s) / 60)::numeric, 1)::double precision
           AS detect_min,
       round((percentile_cont(0.9) WITHIN GROUP (ORDER BY i.acknowledged_s) / 60)::numeric, 1)::double precision
           AS acknowledge_min,
       round((percentile_cont(0.9) WITHIN GROUP (ORDER BY i.restored_s) / 60)::numeric, 1)::double precision
           AS restore_min
  FROM kpi_incidents($__timeFrom(), $__timeTo(), ARRAY[{network}]) i
  JOIN networks n ON n.id = i.network
 GROUP BY n.id, n.name_{language}
 ORDER BY count(*) DESC, n.id
 LIMIT 100;

-- name: incidents
-- The newest incidents of the range.
SELECT i.raised_at AS "time", i.level, n.name_{language} AS network, i.title_{language} AS title,
       coalesce(a.name_{language}, i.subject) AS place, round(i.detected_s::numeric / 60, 1)::double precision AS detect_min,
       round(i.acknowledged_s::numeric / 60, 1)::double precision AS acknowledge_min,
       round(i.restored_s::numeric / 60, 1)::double precision AS restore_min
  FROM kpi_incidents($__timeFrom(), $__timeTo(), ARRAY[{network}]) i
  JOIN networks n ON n.id = i.network
  LEFT JOIN assets a ON a.id = i.asset
 ORDER BY i.raised_at DESC, i.alert DESC
 LIMIT 100;

-- name: availability_by_district
-- The share of device-time with telemetry in each district, in percent.
SELECT district || ' (' || devices || ')' AS district, round((100 * share)::numeric, 2)::double precision AS share
  FROM kpi_availability($__timeFrom(), $__timeTo(), ARRAY[{network}])
 ORDER BY share, district
 LIMIT 20;

-- name: asset_alarms
-- The assets with the shortest mean time between alarms, in hours.
SELECT a.name_{language} AS place, n.name_{language} AS network, k.alarms,
       round(k.between_s::numeric / 3600, 1)::double precision AS between_h
  FROM kpi_assets($__timeFrom(), $__timeTo(), ARRAY[{network}]) k
  JOIN assets a ON a.id = k.asset
  JOIN networks n ON n.id = k.network
 ORDER BY k.alarms DESC, a.id
 LIMIT 20;

-- name: exercise_list
-- The exercises, the newest first.
SELECT id AS exercise, title_{language} AS title, scenario, started_by AS actor, started_at, ended_at
  FROM exercises
 ORDER BY id DESC
 LIMIT 50;

-- name: exercise_levels
-- How many alerts of the exercise that runs are open on each level, and not held back.
SELECT count(*) FILTER (WHERE level = 'red') AS red,
       count(*) FILTER (WHERE level = 'orange') AS orange,
       count(*) FILTER (WHERE level = 'yellow') AS yellow,
       count(*) FILTER (WHERE level = 'blue') AS blue
  FROM alerts
 WHERE open AND NOT held_back AND exercise IS NOT NULL;

-- name: exercise_alerts
-- The alerts of the newest exercise that people were told of, the newest first.
SELECT al.raised_at AS "time", al.level, n.name_{language} AS network, al.title_{language} AS title, al.state,
       al.acknowledged, al.acknowledged_by, al.cleared_at AS ended_at
  FROM alerts al
  LEFT JOIN networks n ON n.id = al.network
 WHERE al.exercise = (SELECT max(id) FROM exercises) AND al.announced AND al.class <> 'condition'
 ORDER BY al.raised_at DESC, al.id DESC
 LIMIT 200;

-- name: exercise_history
-- What happened in the newest exercise, the newest first, by the clock of the database.
SELECT e.recorded_at AS "time", e.event, e.level, al.title_{language} AS title, e.actor, e.addressee, e.comment
  FROM alert_events e
  JOIN alerts al ON al.id = e.alert
 WHERE e.exercise = (SELECT max(id) FROM exercises) AND al.announced AND al.class <> 'condition'
 ORDER BY e.id DESC
 LIMIT 200;

-- name: exercise_notifications
-- What people were or will be told in the newest exercise, by channel.
SELECT channel, count(*) FILTER (WHERE state = 'pending') AS pending, count(*) FILTER (WHERE state = 'sent') AS sent,
       count(*) FILTER (WHERE state = 'failed') AS failed, count(*) FILTER (WHERE state = 'unaddressed') AS unaddressed
  FROM notifications
 WHERE exercise = (SELECT max(id) FROM exercises)
 GROUP BY channel
 ORDER BY channel
 LIMIT 100;
