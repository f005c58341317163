"""The event log on Apache Kafka.

The only importer of kafka-python (3.x), whose measured habits stand beside the settings they
explain.
"""

from shared.stream.kafka.log import KafkaLog

__all__ = ["KafkaLog"]
