"""The real Apache Kafka broker of the tests: the one that the benchmarks start, too (`python -m
benchmarks.kafka_broker` runs one).
"""

from benchmarks.kafka_broker import Broker, Secured

__all__ = ["Broker", "Secured"]
