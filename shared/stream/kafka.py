"""The event log on Apache Kafka. The only importer of kafka-python (3.x), whose measured habits stand beside the settings they explain."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import OffsetSpec
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from shared.errors import Fenced, Misconfigured, Unavailable
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC, Message, Record, dead_letter_topic, no_topic

CONNECT_MS = 3_000
COMMIT_MS = 5_000
RETENTION_MS = 30 * 24 * 3_600_000
LARGEST_BYTES = 2_000_000
"""A dead letter is a record, of 1 MB at most, and a few headers."""
HEARTBEAT_MS = 1_000
COUNT_MS = 1_000
HEALTH_CHECK_SEC, COUNT_SEC = 0.5, 5.0
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


class KafkaLog:
    """See `shared.stream.base.Log`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def source(self, topic: str, group: str) -> "KafkaSource":
        return KafkaSource(self._settings, topic, group)

    def sink(self) -> "KafkaSink":
        return KafkaSink(self._settings)

    def create_topics(self, partitions: int, services: Sequence[str]) -> Sequence[str]:
        return self.create({EVENTS_TOPIC: partitions, **{dead_letter_topic(s): 1 for s in services}})

    def create(self, wanted: Mapping[str, int]) -> Sequence[str]:
        """Make topics (name -> partitions); those that exist stay as they are. Return the new ones."""
        with self._admin() as admin:
            known = set(admin.list_topics())
            new = {topic: self._options(topic, partitions) for topic, partitions in wanted.items() if topic not in known}
            with suppress(kafka_errors.TopicAlreadyExistsError):  # somebody else made it meanwhile
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
        with self._admin() as admin:
            known = set(admin.list_topics())
        return [topic for topic in (EVENTS_TOPIC, *map(dead_letter_topic, services)) if topic not in known]

    def identity(self, topic: str) -> str:
        with self._admin() as admin:
            if topic not in admin.list_topics():
                raise no_topic(topic)
            (description,) = admin.describe_topics([topic])
        return str(description.get("topic_id"))  # random, by the broker, since 2.8

    def scan(self, topic: str) -> Iterator[Record]:
        with _errors():
            consumer = KafkaConsumer(**_connection(self._settings), enable_auto_commit=False, allow_auto_create_topics=False)
        try:
            with _errors():
                places = _places(consumer, topic)
                ends = {place: end for place, end in consumer.end_offsets(places).items() if end}
                consumer.assign(list(ends))
                for place in ends:
                    consumer.seek_to_beginning(place)
            while any(self._position(consumer, place) < end for place, end in ends.items()):
                with _errors():
                    fetched = consumer.poll(200, max_records=10**6)
                for place, records in fetched.items():
                    yield from (_record(r) for r in records if r.offset < ends[place])
        finally:
            consumer.close(autocommit=False, timeout_ms=COMMIT_MS)

    def _position(self, consumer: Any, place: Any) -> int:
        with _errors():
            return int(consumer.position(place, timeout_ms=COMMIT_MS) or 0)

    def group_lag(self, topic: str, group: str) -> int:
        with self._admin() as admin:
            places = _described(admin, topic)
            committed = admin.list_group_offsets({group: places})[group]
            first = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
            last = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        read = {p: committed[p].offset if p in committed else 0 for p in places}
        return sum(max(0, last[p].offset - max(read[p], first[p].offset)) for p in places)

    def group_reset(self, topic: str, group: str) -> None:
        with self._admin() as admin:
            if _has_members(admin, group):
                raise Misconfigured(f"group {group} has members; stop the service first, and wait out the session timeout if it was killed")
            results = admin.reset_group_offsets(group, dict.fromkeys(_described(admin, topic), OffsetSpec.EARLIEST))
            for result in results.values():
                if result["error"] is not kafka_errors.NoError:
                    raise result["error"]

    @contextmanager
    def _admin(self) -> Iterator[Any]:
        with _errors():
            admin = KafkaAdminClient(**_connection(self._settings))
            try:
                yield admin
            finally:
                admin.close()


class KafkaSink:
    """See `shared.stream.base.Sink`. It connects when it is first needed, so that a broker that is down delays nobody's start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._producer: Any = None

    def send(self, topic: str, messages: Sequence[Message], timeout_sec: float = 5.0) -> None:
        deadline = time.monotonic() + timeout_sec
        with _errors():
            producer = self._connected(timeout_sec)
            futures = [producer.send(topic, key=m.key, value=m.value, headers=list(m.headers)) for m in messages]
            for future in futures:
                future.get(timeout=max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        with self._lock:
            if self._producer is not None:
                self._producer.close(timeout=COMMIT_MS / 1000)

    def _connected(self, timeout_sec: float) -> Any:
        if not self._lock.acquire(timeout=timeout_sec):
            raise Unavailable("broker", "still connecting")
        try:
            if self._producer is None:
                self._producer = KafkaProducer(
                    **_connection(self._settings),
                    acks="all",
                    enable_idempotence=True,
                    allow_auto_create_topics=False,
                    max_block_ms=CONNECT_MS,
                    max_request_size=LARGEST_BYTES,
                    request_timeout_ms=10_000,
                    delivery_timeout_ms=15_000,  # what nobody waits for any more is not sent minutes later
                )
            return self._producer
        finally:
            self._lock.release()


class KafkaSource(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped library
    """See `shared.stream.base.Source`. While the broker is down it connects again in each `poll`."""

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
        with _errors():
            self._apply_pause()
            _resume_join(self._consumer._coordinator)
            # A small max_records leaves a partly read fetch that stalls for ever once its partition was paused.
            fetched = self._consumer.poll(int(timeout_sec * 1000), max_records=10**6)
            self._look()
        return [_record(r) for records in fetched.values() for r in records]

    def commit(self, offsets: Mapping[int, int]) -> None:
        ours = self.assignment()
        with _errors():
            # The broker takes a commit for a revoked partition, and a lower one too: either would rewind the owner.
            due = {p: offset for p, offset in offsets.items() if p in ours and offset > self._read(p)}
            if due:
                self._consumer.commit({TopicPartition(self._topic, p): OffsetAndMetadata(o, "", -1) for p, o in due.items()}, timeout_ms=COMMIT_MS)
                self._committed |= due
        if offsets.keys() - ours:
            raise Fenced(sorted(offsets.keys() - ours))

    def assignment(self) -> frozenset[int]:
        return frozenset(place.partition for place in self._consumer.assignment()) if self._consumer else frozenset()

    def pause(self, partitions: frozenset[int]) -> None:
        self._paused = partitions

    def healthy(self) -> bool:
        return time.monotonic() - max(self._joined_at, self._heartbeat_at) < self._settings.kafka_session_timeout_ms / 1000

    def lag(self) -> int:
        # No call to the broker: any thread may ask. Fetches tell the ends; those of paused partitions are asked for by `_look`.
        consumer, committed, counted = self._consumer, dict(self._committed), self._ends
        places = consumer.assignment() if consumer else ()
        ends = {place: max(consumer.highwater(place) or 0, counted.get(place, 0)) for place in places}
        return sum(max(0, end - committed.get(place.partition, 0)) for place, end in ends.items())

    def close(self) -> None:
        if self._consumer:
            self._consumer.close(autocommit=False, timeout_ms=COMMIT_MS)
            self._consumer = None

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Kafka's I/O thread calls this while `poll` runs; a blocking call here raises RuntimeError."""
        partitions = frozenset(place.partition for place in revoked)
        for partition in partitions:
            self._committed.pop(partition, None)
        if partitions:
            self.on_revoked(partitions)

    on_partitions_lost = on_partitions_revoked

    def on_partitions_assigned(self, _: Any) -> None:
        """The group answered, which is as good as the first heartbeat; `poll` reads from the committed offsets."""
        self._joined_at, self._count_at = time.monotonic(), 0.0

    def _connect(self) -> None:
        if self._consumer:
            return
        with _errors():
            consumer = KafkaConsumer(
                **_connection(self._settings),
                group_id=self._group,
                group_instance_id=self._settings.kafka_group_instance_id,
                partition_assignment_strategy=[CooperativeStickyAssignor],  # the eager default drops buffers on revoke: 707 of 6,000 records lost
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
                session_timeout_ms=self._settings.kafka_session_timeout_ms,
                heartbeat_interval_ms=min(HEARTBEAT_MS, self._settings.kafka_session_timeout_ms // 3),  # also how soon a member learns of a rebalance
                max_partition_fetch_bytes=65_536,
                fetch_max_wait_ms=20,
            )
            try:
                _places(consumer, self._topic)
                _keep_join(consumer._coordinator)
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
        """While the broker is down `poll` returns nothing and looks well: the heartbeat alone tells."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + HEALTH_CHECK_SEC
        metrics = self._consumer.metrics()["consumer-coordinator-metrics"]
        self._heartbeat_at = now - metrics["last-heartbeat-seconds-ago"]
        if self.healthy() and now >= self._count_at:
            self._count_at = now + COUNT_SEC
            with suppress(kafka_errors.KafkaError):  # records were fetched already: nothing may get between them and the caller
                self._count()

    def _count(self) -> None:
        places = self._consumer.assignment()
        for place in places:
            self._read(place.partition)
        self._ends = self._consumer.end_offsets(list(places), timeout_ms=COUNT_MS) if places else {}

    def _read(self, partition: int) -> int:
        if partition not in self._committed:
            self._committed[partition] = self._consumer.committed(TopicPartition(self._topic, partition), timeout_ms=COUNT_MS) or 0
        return self._committed[partition]


# A poll may end while its member joins the group. kafka-python 3.0 then loses the join in two ways, which the next two functions mend.
# `_coordinator` is kafka-python's own business, which no release promises to keep: pyproject.toml stays below 3.1 for them.


def _keep_join(coordinator: Any) -> None:
    """Let the next poll take the answer to a join that came after the last one.

    kafka-python throws it away and joins again. As the leader's join begins another generation, a group may never settle.
    """
    join = coordinator._do_join_and_sync_async
    answered: list[tuple[Any, bytes]] = []  # (generation, encoded assignment), until the next join is sent

    async def join_or_take_answer() -> bytes:
        if answered and coordinator.rebalance_in_progress() and coordinator._generation == answered[0][0]:
            return answered.pop()[1]
        answered.clear()
        assignment: bytes = await join()
        answered.append((coordinator._generation, assignment))
        return assignment

    coordinator._do_join_and_sync_async = join_or_take_answer


def _resume_join(coordinator: Any) -> None:
    """Go on with a join that was forgotten: the leader's, when a change of metadata was its reason.

    Without it the member fetches on, sends no heartbeats, and no commit is accepted any more.
    """
    if coordinator.rejoining and not coordinator.need_rejoin():
        coordinator.request_rejoin()


def _connection(settings: Settings) -> Mapping[str, Any]:
    password = settings.kafka_sasl_password
    return {
        "bootstrap_servers": (settings.kafka_bootstrap_servers or "").split(","),
        "bootstrap_timeout_ms": CONNECT_MS,
        "client_id": "careloop",
        "reconnect_backoff_max_ms": 1_000,  # the default leaves 30 s of silence after the broker is back
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
        raise Misconfigured(f"CARELOOP_KAFKA_CA_FILE, _CERT_FILE or _KEY_FILE ({', '.join(map(str, filter(None, files)))}): {error}") from None
    return context


def _record(record: Any) -> Record:
    return Record(record.topic, record.partition, record.offset, record.key or b"", record.value, tuple(record.headers), record.timestamp / 1000)


def _places(consumer: Any, topic: str) -> Sequence[Any]:
    partitions = consumer.partitions_for_topic(topic)
    if not partitions:
        raise no_topic(topic)
    return [TopicPartition(topic, p) for p in sorted(partitions)]


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


@contextmanager
def _errors() -> Iterator[None]:
    """Class kafka-python's errors by what the runtime does next. Their texts name topics, groups and brokers, never a record's value."""
    try:
        yield
    except kafka_errors.FencedInstanceIdError:
        raise Misconfigured("another process runs under this CARELOOP_KAFKA_GROUP_INSTANCE_ID; each process needs its own, such as the pod's name") from None
    except REFUSED as error:
        raise Misconfigured(f"the broker refuses: {type(error).__name__}: {error}") from None
    except (kafka_errors.KafkaError, OSError) as error:  # a rebalance, a stale generation, a timeout: the next `poll` says what is still ours
        raise Unavailable("broker", f"{type(error).__name__}: {error}") from None
