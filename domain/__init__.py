"""The vocabulary of City Lifeline: pure values and their rules.

Words are the field's own: asset, device, datastream, observation (OGC SensorThings, ISO 19156), alert and level
(ISA-18.2, 突发事件应对法). Imports nothing of ours; every other package may import it.
"""
