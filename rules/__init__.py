"""Storage -> alerts: rules as data, pure evaluation in event time, the alert lifecycle.

In: journal rows in commit order and a clock. Out: alert transitions and notification intents, committed together with
the position reached. Imported by `commands` only.
"""
