"""Alerts -> people: takes intents from the outbox, sends each to every address of its list, then records it.

At least once, with a stable id; one slow channel never delays another. Imported by `commands` only.
"""
