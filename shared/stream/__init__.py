"""The event log: one contract (`base`), on Apache Kafka, on SQLite (the embedded default) and in
memory (tests).
"""
