"""A member of a consumer group."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka import errors as kafka_errors
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from shared.errors import Fenced, Unavailable
from shared.settings import Settings
from shared.stream.base import Record
from shared.stream.kafka.client import COMMIT_MS, classed_errors, connection, places_of, record_of
from shared.stream.kafka.joining import keep_join, resume_join

HEARTBEAT_MS = 1_000
COUNT_MS = 1_000
HEALTH_CHECK_SEC, COUNT_SEC = 0.5, 5.0


class KafkaSource(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped library
    """See `shared.stream.base.Source`.

    While the broker is down it connects again in each `poll`.
    """

    def __init__(self, settings: Settings, topic: str, group: str) -> None:
        self.on_revoked: Callable[[frozenset[int]], None] = lambda _: None
        self._settings, self._topic, self._group = settings, topic, group
        self._consumer: Any = None
        self._paused: frozenset[int] = frozenset()
        self._committed: dict[int, int] = {}
        self._joined_at = self._heartbeat_at = float("-inf")
        self._look_at = self._count_at = 0.0
        self._ends: Mapping[Any, int] = {}
        with suppress(Unavailable):
            self._connect()

    def poll(self, timeout_sec: float) -> Sequence[Record]:
        self._connect()
        with classed_errors():
            self._apply_pause()
            resume_join(self._consumer._coordinator)
            # A small max_records leaves a partly read fetch that stalls for ever once its partition
            # was paused.
            fetched = self._consumer.poll(int(timeout_sec * 1000), max_records=10**6)
            self._look()
        return [record_of(r) for records in fetched.values() for r in records]

    def commit(self, offsets: Mapping[int, int]) -> None:
        ours = self.assignment()
        with classed_errors():
            # The broker takes a commit for a revoked partition, and a lower one too: either would
            # rewind the owner.
            newer = {
                p: offset for p, offset in offsets.items() if p in ours and offset > self._read(p)
            }
            if newer:
                wanted = {
                    TopicPartition(self._topic, p): OffsetAndMetadata(offset, "", -1)
                    for p, offset in newer.items()
                }
                self._consumer.commit(wanted, timeout_ms=COMMIT_MS)
                self._committed |= newer
        if offsets.keys() - ours:
            raise Fenced(sorted(offsets.keys() - ours))

    def assignment(self) -> frozenset[int]:
        places = self._consumer.assignment() if self._consumer else ()
        return frozenset(place.partition for place in places)

    def pause(self, partitions: frozenset[int]) -> None:
        self._paused = partitions

    def healthy(self) -> bool:
        silent_sec = time.monotonic() - max(self._joined_at, self._heartbeat_at)
        return silent_sec < self._settings.kafka_session_timeout_ms / 1000

    def lag(self) -> int:
        # No call to the broker: any thread may ask. The ends come with fetches; `_look` asks for
        # those of paused partitions.
        consumer, committed, counted = self._consumer, dict(self._committed), self._ends
        places = consumer.assignment() if consumer else ()
        ends = {
            place: max(consumer.highwater(place) or 0, counted.get(place, 0)) for place in places
        }
        return sum(max(0, end - committed.get(place.partition, 0)) for place, end in ends.items())

    def close(self) -> None:
        if self._consumer:
            self._consumer.close(autocommit=False, timeout_ms=COMMIT_MS)
            self._consumer = None

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Pass on the loss of partitions.

        Kafka's I/O thread calls this while `poll` runs; a blocking call here raises RuntimeError.
        """
        partitions = frozenset(place.partition for place in revoked)
        for partition in partitions:
            self._committed.pop(partition, None)
        if partitions:
            self.on_revoked(partitions)

    on_partitions_lost = on_partitions_revoked

    def on_partitions_assigned(self, _: Any) -> None:
        """Note the answer of the group: it is as good as the first heartbeat.

        `poll` reads from the committed offsets.
        """
        self._joined_at, self._count_at = time.monotonic(), 0.0

    def _connect(self) -> None:
        if self._consumer:
            return
        with classed_errors():
            consumer = KafkaConsumer(
                **connection(self._settings),
                group_id=self._group,
                group_instance_id=self._settings.kafka_group_instance_id,
                # The eager default drops buffers on revoke: 707 of 6,000 records lost.
                partition_assignment_strategy=[CooperativeStickyAssignor],
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                session_timeout_ms=self._settings.kafka_session_timeout_ms,
                # It also decides how soon a member learns of a rebalance.
                heartbeat_interval_ms=min(
                    HEARTBEAT_MS, self._settings.kafka_session_timeout_ms // 3
                ),
                max_partition_fetch_bytes=65_536,
                fetch_max_wait_ms=20,
            )
            try:
                places_of(consumer, self._topic)
                keep_join(consumer._coordinator)
                consumer.subscribe([self._topic], listener=self)
            except BaseException:
                consumer.close(autocommit=False, timeout_ms=0)
                raise
        self._consumer = consumer

    def _apply_pause(self) -> None:
        places = self._consumer.assignment()
        wanted = {place for place in places if place.partition in self._paused}
        paused = self._consumer.paused()
        if wanted - paused:
            self._consumer.pause(*wanted - paused)
        if (paused - wanted) & places:
            self._consumer.resume(*(paused - wanted) & places)

    def _look(self) -> None:
        """Look at the heartbeat, and count the lag now and then.

        While the broker is down `poll` returns nothing and seems well: only the heartbeat shows it.
        """
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + HEALTH_CHECK_SEC
        metrics = self._consumer.metrics()["consumer-coordinator-metrics"]
        self._heartbeat_at = now - metrics["last-heartbeat-seconds-ago"]
        if self.healthy() and now >= self._count_at:
            self._count_at = now + COUNT_SEC
            # Records were fetched already: the caller must get them, whatever happens here.
            with suppress(kafka_errors.KafkaError):
                self._count()

    def _count(self) -> None:
        places = self._consumer.assignment()
        for place in places:
            self._read(place.partition)
        self._ends = self._consumer.end_offsets(list(places), timeout_ms=COUNT_MS) if places else {}

    def _read(self, partition: int) -> int:
        if partition not in self._committed:
            place = TopicPartition(self._topic, partition)
            self._committed[partition] = self._consumer.committed(place, timeout_ms=COUNT_MS) or 0
        return self._committed[partition]
