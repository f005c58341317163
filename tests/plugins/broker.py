"""The real Apache Kafka broker of the tests: one for the whole session, started when the first test
asks for it.

kafka-python 3.0 leaves the sockets of refused and broken connections, and its own socket pair, to
the garbage collector, which warns. Tests marked `kafka` let that through; `leftovers` collects at
their end so that no other test meets it.
"""

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("kafka"):
            item.add_marker(
                pytest.mark.filterwarnings(
                    r"ignore:Exception ignored in. <(socket\.socket|ssl\.SSLSocket) "
                    r"fd:pytest.PytestUnraisableExceptionWarning"
                )
            )
