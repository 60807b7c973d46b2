"""What every process needs: settings, logs, metrics, process lifecycle, the embedded broker and database.

No domain, no SQL. Every stage may import it; it imports nothing of ours.
"""
