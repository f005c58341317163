"""The choice of the event log."""

from shared.settings import Settings
from shared.stream.base import Log


def open_log(settings: Settings) -> Log:
    """Open the event log of the settings.

    It is Apache Kafka where `CARELOOP_KAFKA_BOOTSTRAP_SERVERS` is set, else SQLite in the state
    folder.
    """
    if settings.kafka_bootstrap_servers:
        from shared.stream.kafka import KafkaLog

        return KafkaLog(settings)
    from shared.stream.sqlite import SqliteLog

    return SqliteLog(settings.state_dir / "events.sqlite")
