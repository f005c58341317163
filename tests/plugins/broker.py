"""The fixture of the real Apache Kafka broker: one for the whole session, started when the first test asks for it."""

from collections.abc import Iterator

import pytest

from tests.broker import Broker


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running broker. A test that kills it starts it again before it ends."""
    broker = Broker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.kill()
