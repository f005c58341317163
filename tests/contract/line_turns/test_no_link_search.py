"""Line turns: merged patients on servers that don't know `Patient?link=`.

One ignores the parameter and answers with anybody, the other refuses it.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.ehr.client import Ehr
from shared.runtime.line import Line
from tests.contract.line.support import event, head, run, write
from tests.contract.line_turns.support import deny, person
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.merging import link, merge, say


@pytest.fixture(params=["ignores", "refuses"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    habits = SEKMET if request.param == "ignores" else HAPI
    with FakeEhr(replace(habits, ignores_links=True)) as made:
        yield made


def test_what_both_records_say_is_followed(ehr: Ehr, line: Line, anna: str) -> None:
    strangers = [person(ehr) for _ in range(20)]
    merge(ehr, strangers[0], anna)
    reference = write(ehr, strangers[0], "of the retired record")
    assert run(line, event(ehr, reference)) == "result"
    assert head(ehr, reference).task["for"]["reference"] == anna
    deny(ehr, strangers[0])
    assert run(line, event(ehr, write(ehr, anna, "of the survivor"))) == "not_analysed"


def test_what_the_retired_record_alone_says_is_followed_from_there(
    ehr: Ehr, line: Line, anna: str
) -> None:
    berta = person(ehr)
    say(ehr, berta, link("replaced-by", anna), active=False)
    strangers = [person(ehr) for _ in range(20)]
    reference = write(ehr, berta, "of the retired record")
    assert run(line, event(ehr, reference)) == "result"
    assert head(ehr, reference).task["for"]["reference"] == anna
    say(ehr, berta, active=True)
    deny(ehr, strangers[0])
    assert run(line, event(ehr, reference)) == "result"
    assert head(ehr, reference).task["for"]["reference"] == berta


def test_the_survivors_denial_counts_where_the_retired_record_alone_says_it(
    ehr: Ehr, line: Line, anna: str
) -> None:
    berta = person(ehr)
    say(ehr, berta, link("replaced-by", anna), active=False)
    deny(ehr, anna)
    assert run(line, event(ehr, write(ehr, berta, "of the retired record"))) == "not_analysed"


def test_strangers_are_nobody(ehr: Ehr, line: Line, anna: str) -> None:
    deny(ehr, person(ehr))
    assert run(line, event(ehr, write(ehr, anna, "hers"))) == "result"
