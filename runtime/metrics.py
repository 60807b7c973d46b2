"""Every Prometheus metric, declared once with its help text; stages import what they count.

Names start with `lifeline_`; units stand in the name. Labels have few values: never a device, a topic or an address.
"""

from prometheus_client import Counter, Gauge, Histogram

#: From one millisecond, which an idle database answers in, to the longest statement timeout.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_MESSAGES = (1, 10, 50, 100, 500, 1000, 2500, 5000, 10_000, 50_000)

ingest_messages = Counter("lifeline_ingest_messages_total", "MQTT messages whose fate is decided and committed.")
ingest_entries = Counter(
    "lifeline_ingest_entries_total",
    "Entries (one value of one property in one message) by fate: stored, duplicate, conflict, rejected.",
    ["result"],
)
ingest_rejected = Counter("lifeline_ingest_rejected_total", "Entries kept as dead letters, by reason.", ["reason"])
ingest_held = Gauge("lifeline_ingest_held_messages", "Messages received and neither stored nor acknowledged yet.")
ingest_lag = Gauge(
    "lifeline_ingest_lag_seconds", "Age of the instant up to which everything that the broker had is stored."
)
ingest_batch_seconds = Histogram(
    "lifeline_ingest_batch_seconds", "Time from the first byte of a batch sent to its COMMIT.", buckets=_SECONDS
)
ingest_batch_messages = Histogram("lifeline_ingest_batch_messages", "Messages in one batch.", buckets=_MESSAGES)
ingest_connected = Gauge("lifeline_ingest_connected", "1 while subscribed at the broker, else 0.")
ingest_session_losses = Counter(
    "lifeline_ingest_session_losses_total", "Times the broker had forgotten the persistent session."
)
ingest_reconnects = Counter("lifeline_ingest_reconnects_total", "Times the connection to the broker was made anew.")

rules_observations = Counter("lifeline_rules_observations_total", "Observations that the rules have seen.")
rules_evaluation_seconds = Histogram(
    "lifeline_rules_evaluation_seconds", "Time to evaluate one journal row or tick, with its COMMIT.", buckets=_SECONDS
)
rules_missed_ticks = Counter("lifeline_rules_missed_ticks_total", "Ticks that came too late to be judged on time.")
rules_lag = Gauge("lifeline_rules_lag_seconds", "Age of the newest journal row that the rules have not seen, or 0.")
rules_late = Counter(
    "lifeline_rules_late_total",
    "Late observations judged by one rule: quiet (change nothing), raised (an excursion), undecided (not judged anew).",
    ["result"],
)
rules_unknown = Counter(
    "lifeline_rules_unknown_total", "Observations of datastreams that the registry does not hold any more."
)
rules_failures = Counter("lifeline_rules_failures_total", "Evaluations of a rule that ended in an error.", ["rule"])
rules_catalogue_refused = Gauge(
    "lifeline_rules_catalogue_refused", "1 while the newest catalogue is refused and the last good one is in force."
)
rules_leading = Gauge("lifeline_rules_leading", "1 while this process evaluates the rules, 0 while it stands by.")
rules_removed = Counter("lifeline_rules_removed_total", "Rows that housekeeping removed, by relation.", ["relation"])
rules_transitions = Counter("lifeline_rules_transitions_total", "Alert transitions written, by event.", ["event"])

outbox_age = Gauge("lifeline_outbox_age_seconds", "Age of the oldest event that nobody has been told of yet, or 0.")
outbox_pending = Gauge("lifeline_outbox_pending", "Notifications that wait to be sent.")
notifications = Counter("lifeline_notifications_total", "Delivery attempts by result.", ["result"])

api_requests = Counter("lifeline_api_requests_total", "Requests answered, by route and status.", ["route", "status"])
api_request_seconds = Histogram(
    "lifeline_api_request_seconds", "Time to answer a request, by route.", ["route"], buckets=_SECONDS
)
api_refused = Counter(
    "lifeline_api_refused_total",
    "Requests refused before any work: busy, too_large, unauthorised, throttled.",
    ["reason"],
)
api_streams = Gauge("lifeline_api_streams", "Server-sent-events streams that are open.")
api_stream_drops = Counter("lifeline_api_stream_drops_total", "Streams ended because their reader was too slow.")
