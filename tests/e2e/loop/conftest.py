"""Fixtures of the tests of loop."""

from collections.abc import Iterator

import pytest

from tests.broker import Broker
from tests.e2e.clinic import Clinic
from tests.e2e.loop.support import Story, tell
from tests.peers import sekmet


@pytest.fixture(scope="module", params=["sqlite", "kafka"])
def story(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """The story is told once for each event log; the tests below look at how it ended."""
    folder = tmp_path_factory.mktemp(request.param)
    broker: Broker | None = (
        request.getfixturevalue("kafka_broker") if request.param == "kafka" else None
    )
    with sekmet(folder / "ehr") as ehr:
        clinic = Clinic(folder, ehr, broker)
        try:
            yield tell(Story(clinic), folder)
        finally:
            clinic.close()
