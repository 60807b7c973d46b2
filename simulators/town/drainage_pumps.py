"""Pumps of a station."""

RATED_CURRENT_A = 69.0
