"""Measurements: always beside a baseline of the same run, because machines are shared and noisy and only ratios travel.

Behind `lifeline bench`. May import every stage, paho and psycopg: the baselines are what one would write without us.
"""
