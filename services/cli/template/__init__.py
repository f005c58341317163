"""A whole service to copy.

It reads one Observation and writes a report (`careloop new`).
"""
