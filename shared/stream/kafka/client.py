"""The common ground of log, sink and source on Kafka.

The connection, the classes of errors, the shape of a record.
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kafka import TopicPartition
from kafka import errors as kafka_errors

from shared.errors import Misconfigured, Unavailable
from shared.settings import Settings
from shared.stream.base import Record, no_topic

CONNECT_MS = 3_000
COMMIT_MS = 5_000
REFUSED = (
    kafka_errors.AuthorizationError,
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.KafkaConfigurationError,
    kafka_errors.InvalidReplicationFactorError,
    kafka_errors.InvalidTopicError,
    kafka_errors.InvalidSessionTimeoutError,
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.PolicyViolationError,
    kafka_errors.UnsupportedVersionError,
)


def connection(settings: Settings) -> Mapping[str, Any]:
    """Return the arguments for every client of kafka-python."""
    password = settings.kafka_sasl_password
    return {
        "bootstrap_servers": (settings.kafka_bootstrap_servers or "").split(","),
        "bootstrap_timeout_ms": CONNECT_MS,
        "client_id": "careloop",
        # The default leaves 30 s of silence after the broker is back.
        "reconnect_backoff_max_ms": 1_000,
        "security_protocol": settings.kafka_security_protocol,
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_plain_username": settings.kafka_sasl_username,
        "sasl_plain_password": password.get_secret_value() if password else None,
        "ssl_context": _tls(settings) if settings.kafka_security_protocol.endswith("SSL") else None,
    }


def _tls(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca_file)
        if settings.kafka_cert_file:
            context.load_cert_chain(settings.kafka_cert_file, settings.kafka_key_file)
    except OSError as error:
        files = (settings.kafka_ca_file, settings.kafka_cert_file, settings.kafka_key_file)
        raise Misconfigured(
            "CARELOOP_KAFKA_CA_FILE, _CERT_FILE or _KEY_FILE "
            f"({', '.join(map(str, filter(None, files)))}): {error}"
        ) from None
    return context


def record_of(record: Any) -> Record:
    """Turn a fetched record into a `shared.stream.base.Record`."""
    return Record(
        record.topic,
        record.partition,
        record.offset,
        record.key or b"",
        record.value,
        tuple(record.headers),
        record.timestamp / 1000,
    )


def places_of(consumer: Any, topic: str) -> Sequence[Any]:
    """List the topic's partitions in order; Misconfigured for a missing topic."""
    partitions = consumer.partitions_for_topic(topic)
    if not partitions:
        raise no_topic(topic)
    return [TopicPartition(topic, p) for p in sorted(partitions)]


@contextmanager
def classed_errors() -> Iterator[None]:
    """Class kafka-python's errors by the runtime's next action.

    Their texts name topics, groups and brokers, never a record's value.
    """
    try:
        yield
    except kafka_errors.FencedInstanceIdError:
        raise Misconfigured(
            "another process runs under this CARELOOP_KAFKA_GROUP_INSTANCE_ID; each process needs "
            "its own, such as the pod's name"
        ) from None
    except REFUSED as error:
        raise Misconfigured(f"the broker refuses: {type(error).__name__}: {error}") from None
    # A rebalance, a stale generation, a timeout: the next `poll` says what is still ours.
    except (kafka_errors.KafkaError, OSError) as error:
        raise Unavailable("broker", f"{type(error).__name__}: {error}") from None
