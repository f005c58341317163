"""Appending to topics."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from kafka import KafkaProducer

from shared.errors import Unavailable
from shared.settings import Settings
from shared.stream.base import Message
from shared.stream.kafka.client import COMMIT_MS, CONNECT_MS, classed_errors, connection

LARGEST_BYTES = 2_000_000
"""A dead letter is a record, of 1 MB at most, and a few headers."""


class KafkaSink:
    """See `shared.stream.base.Sink`.

    It connects when it is first needed, so that a broker that is down delays nobody's start.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._producer: Any = None

    def send(self, topic: str, messages: Sequence[Message], timeout_sec: float = 5.0) -> None:
        deadline = time.monotonic() + timeout_sec
        with classed_errors():
            producer = self._connected(timeout_sec)
            futures = [
                producer.send(topic, key=m.key, value=m.value, headers=list(m.headers))
                for m in messages
            ]
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
                    **connection(self._settings),
                    acks="all",
                    enable_idempotence=True,
                    allow_auto_create_topics=False,
                    max_block_ms=CONNECT_MS,
                    max_request_size=LARGEST_BYTES,
                    request_timeout_ms=10_000,
                    # What nobody waits for any more is not sent minutes later.
                    delivery_timeout_ms=15_000,
                )
            return self._producer
        finally:
            self._lock.release()
