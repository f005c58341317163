"""A topic that was made anew tells that it is another one."""

import time
from pathlib import Path

import pytest

from shared.errors import Misconfigured
from shared.stream.kafka import KafkaLog
from shared.stream.sqlite import SqliteLog
from tests.contract.conftest import Place, open_place
from tests.contract.following import PATIENCE_SEC


def test_the_same_for_all_and_another_once_it_is_made_anew(
    durable_place: Place, durable_log: SqliteLog | KafkaLog, topic: str
) -> None:
    first = durable_log.identity(topic)
    assert open_place(durable_place.kind, durable_place.address).identity(topic) == first
    remove(durable_place, durable_log, topic)
    with pytest.raises(Misconfigured, match="careloop topics"):
        durable_log.identity(topic)
    durable_log.create({topic: 1})
    assert durable_log.identity(topic) not in (first, "None", "")


def remove(place: Place, log: SqliteLog | KafkaLog, topic: str) -> None:
    if isinstance(log, SqliteLog):
        for file in Path(place.address).parent.glob("events.sqlite*"):
            file.unlink()
        return
    with log.admin() as admin:
        admin.delete_topics([topic])
        deadline = time.monotonic() + PATIENCE_SEC
        while topic in admin.list_topics() and time.monotonic() < deadline:
            time.sleep(0.1)
