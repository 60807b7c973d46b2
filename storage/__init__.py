"""The only package that speaks SQL: migrations, named queries, pools, compatibility levels.

Stages meet here: ingest writes observations and the journal, rules follow the journal and write alerts, notify sends
what the outbox holds, the API reads. Imports `domain` and `runtime` only.
"""
