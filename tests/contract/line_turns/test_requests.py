"""Line turns: how often the EHR is asked."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.ehr.client import Ehr
from shared.runtime.line import Line
from tests.contract.line.support import change, decide, event, head, run, write
from tests.contract.line_turns.support import deny
from tests.fakes import HAPI, SEKMET, FakeEhr

SERVERS = {
    "hapi": (HAPI, 3),
    "sekmet": (SEKMET, 4),
    "if-none-match": (replace(SEKMET, honours_if_none_match=True), 3),
}


@pytest.fixture(params=SERVERS)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    with FakeEhr(SERVERS[request.param][0]) as made:
        yield made


@pytest.fixture
def base(fake: FakeEhr) -> str:
    return fake.base


@pytest.fixture
def most(request: pytest.FixtureRequest, fake: FakeEhr) -> int:
    return next(most for habits, most in SERVERS.values() if habits == fake.habits)


def asked(fake: FakeEhr, line: Line, ehr: Ehr, reference: str) -> tuple[str, int]:
    arrived = event(ehr, reference)
    before = len(fake.requests)
    return run(line, arrived), len(fake.requests) - before


def test_a_first_result_a_later_one_and_a_replay(
    fake: FakeEhr, ehr: Ehr, line: Line, anna: str, most: int
) -> None:
    """The Device and its card are made with the first event of all; from then on they are known."""
    run(line, event(ehr, write(ehr, anna, "the first one")))
    reference = write(ehr, anna, "one")
    assert asked(fake, line, ehr, reference) == ("result", most)
    assert asked(fake, line, ehr, reference) == ("unchanged", 1)
    change(ehr, reference, "one two")
    assert asked(fake, line, ehr, reference) == ("result", 3)
    for number in range(2, 7):
        decide(ehr, head(ehr, reference), "signed")
        change(ehr, reference, "word " * (number + 2))
        said, requests = asked(fake, line, ehr, reference)
        assert said == "result" and head(ehr, reference).revision == number
        assert requests <= most + 1 <= 5
        assert asked(fake, line, ehr, reference)[1] <= 2


def test_a_refusal_a_withdrawal_and_a_denial(
    fake: FakeEhr, ehr: Ehr, line: Line, anna: str, most: int
) -> None:
    """Before they are written the input is looked at once more, after the heads."""
    run(line, event(ehr, write(ehr, anna, "the first one")))
    reference = write(ehr, anna, "broken")
    assert asked(fake, line, ehr, reference) == ("not_analysed", most + 1)
    change(ehr, reference, "whole")
    run(line, event(ehr, reference))
    change(ehr, reference, "whole", status="superseded")
    said, requests = asked(fake, line, ehr, reference)
    assert (said, requests) == ("withdrawn", 4)
    deny(ehr, anna)
    said, requests = asked(fake, line, ehr, write(ehr, anna, "one"))
    assert (said, requests) == ("not_analysed", 5 if most == 3 else 7)


def test_a_server_without_batches_is_asked_one_by_one(
    fake: FakeEhr, ehr: Ehr, line: Line, anna: str
) -> None:
    plain = replace(line, ehr=ehr.able(replace(ehr.abilities, batches=False)))
    run(plain, event(ehr, write(ehr, anna, "the first one")))
    said, requests = asked(fake, plain, ehr, write(ehr, anna, "one"))
    assert said == "result" and 10 <= requests <= 12
