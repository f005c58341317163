"""Topics, and reading them without a group."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import OffsetSpec

from shared.errors import Misconfigured
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC, Record, dead_letter_topic, no_topic
from shared.stream.kafka.client import COMMIT_MS, classed_errors, connection, places_of, record_of
from shared.stream.kafka.sink import LARGEST_BYTES, KafkaSink
from shared.stream.kafka.source import KafkaSource

RETENTION_MS = 30 * 24 * 3_600_000


class KafkaLog:
    """See `shared.stream.base.Log`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def source(self, topic: str, group: str) -> KafkaSource:
        return KafkaSource(self._settings, topic, group)

    def sink(self) -> KafkaSink:
        return KafkaSink(self._settings)

    def create_topics(self, partitions: int, services: Sequence[str]) -> Sequence[str]:
        return self.create(
            {EVENTS_TOPIC: partitions, **{dead_letter_topic(s): 1 for s in services}}
        )

    def create(self, wanted: Mapping[str, int]) -> Sequence[str]:
        """Make topics (name -> partitions), and return the new ones.

        Topics that exist stay as they are.
        """
        with self.admin() as admin:
            known = set(admin.list_topics())
            new = {
                topic: self._options(topic, partitions)
                for topic, partitions in wanted.items()
                if topic not in known
            }
            # Somebody else may make it meanwhile.
            with suppress(kafka_errors.TopicAlreadyExistsError):
                if new:
                    admin.create_topics(new, wait_for_metadata=True)
        return list(new)

    def _options(self, topic: str, partitions: int) -> Mapping[str, Any]:
        replicas = self._settings.kafka_replication
        configs = {
            "retention.ms": str(-1 if topic.startswith(dead_letter_topic("")) else RETENTION_MS),
            "min.insync.replicas": str(max(1, replicas - 1)),
            "max.message.bytes": str(LARGEST_BYTES),
        }
        return {"num_partitions": partitions, "replication_factor": replicas, "configs": configs}

    def missing_topics(self, services: Sequence[str]) -> Sequence[str]:
        with self.admin() as admin:
            known = set(admin.list_topics())
        return [
            topic
            for topic in (EVENTS_TOPIC, *map(dead_letter_topic, services))
            if topic not in known
        ]

    def identity(self, topic: str) -> str:
        with self.admin() as admin:
            if topic not in admin.list_topics():
                raise no_topic(topic)
            (description,) = admin.describe_topics([topic])
        # The broker makes it, at random, since 2.8.
        return str(description.get("topic_id"))

    def scan(self, topic: str) -> Iterator[Record]:
        with classed_errors():
            consumer = KafkaConsumer(
                **connection(self._settings),
                enable_auto_commit=False,
                allow_auto_create_topics=False,
            )
        try:
            with classed_errors():
                places = places_of(consumer, topic)
                ends = {place: end for place, end in consumer.end_offsets(places).items() if end}
                consumer.assign(list(ends))
                for place in ends:
                    consumer.seek_to_beginning(place)
            while any(self._position(consumer, place) < end for place, end in ends.items()):
                with classed_errors():
                    fetched = consumer.poll(200, max_records=10**6)
                for place, records in fetched.items():
                    yield from (record_of(r) for r in records if r.offset < ends[place])
        finally:
            consumer.close(autocommit=False, timeout_ms=COMMIT_MS)

    def _position(self, consumer: Any, place: Any) -> int:
        with classed_errors():
            return int(consumer.position(place, timeout_ms=COMMIT_MS) or 0)

    def group_lag(self, topic: str, group: str) -> int:
        with self.admin() as admin:
            places = _described(admin, topic)
            committed = admin.list_group_offsets({group: places})[group]
            first = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
            last = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        read = {p: committed[p].offset if p in committed else 0 for p in places}
        return sum(max(0, last[p].offset - max(read[p], first[p].offset)) for p in places)

    def group_reset(self, topic: str, group: str) -> None:
        with self.admin() as admin:
            if _has_members(admin, group):
                raise Misconfigured(
                    f"group {group} has members; stop the service first, and wait out the session "
                    "timeout if it was killed"
                )
            results = admin.reset_group_offsets(
                group, dict.fromkeys(_described(admin, topic), OffsetSpec.EARLIEST)
            )
            for result in results.values():
                if result["error"] is not kafka_errors.NoError:
                    raise result["error"]

    @contextmanager
    def admin(self) -> Iterator[Any]:
        with classed_errors():
            admin = KafkaAdminClient(**connection(self._settings))
            try:
                yield admin
            finally:
                admin.close()


def _described(admin: Any, topic: str) -> Sequence[Any]:
    if topic not in admin.list_topics():
        raise no_topic(topic)
    (description,) = admin.describe_topics([topic])
    return [TopicPartition(topic, p["partition_index"]) for p in description["partitions"]]


def _has_members(admin: Any, group: str) -> bool:
    try:
        return bool(admin.describe_groups([group])[group]["members"])
    except (kafka_errors.GroupIdNotFoundError, KeyError):
        return False
