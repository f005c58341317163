"""How urgent a result is: the list, its page and a claim read the same."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from services.review import present
from shared.fhir import codes
from tests.browser.clinic import Clinic, a_film
from tests.fakes import HAPI, FakeEhr
from tests.integration.review.support import Visitor
from tests.integration.review.urgent import acknowledged
from tests.integration.review.worklist.support import change, listed, path, press

CRITICAL = [codes.concept(codes.INTERPRETATION, "HH")]
LIMITS = '{"stat": 15, "asap": 60, "urgent": 240}'
SAID = [
    (None, "asap"),
    ("at-once", "asap"),
    ("routine", "routine"),
    ("urgent", "urgent"),
    ("asap", "asap"),
    ("stat", "stat"),
]
"""What the head states, and what it is taken for where a value is critically high."""


@pytest.fixture(scope="module")
def fhir_url() -> Iterator[str]:
    """An EHR that keeps codes that R4 does not know."""
    with FakeEhr(replace(HAPI, checks_codes=False)) as fake:
        yield fake.base


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    entered = visit(review_acknowledge=LIMITS)
    entered.log_in()
    return entered


def a_critical_film(clinic: Clinic, stated: str | None) -> str:
    """A film of which one Observation alone is critical; the head states this priority."""
    task = a_film(clinic)
    value = clinic.outputs(task)["pneumonia"]
    clinic.ehr.update(value | {"interpretation": CRITICAL}, value["meta"]["versionId"])
    change(clinic, task, priority=stated)
    return task


@pytest.mark.parametrize(("stated", "taken"), SAID)
def test_the_list_and_the_page_read_the_same_urgency(
    visitor: Visitor, clinic: Clinic, stated: str | None, taken: str
) -> None:
    task = a_critical_film(clinic, stated)
    assert listed(visitor.get(path(clinic, urgency=taken))) == [task]
    named = re.findall(r"This result is ([a-z ()]+)\.", visitor.get(f"/results/{task}"))
    assert named == ([] if taken == "routine" else [present.urgency_text(taken).lower()])


def test_a_claim_acknowledges_what_the_list_calls_urgent(visitor: Visitor, clinic: Clinic) -> None:
    task = a_critical_film(clinic, None)
    sent = press(visitor, visitor.get(path(clinic)), task, "Claim and acknowledge")
    assert sent.status_code == 303
    assert acknowledged(clinic, task) == clinic.practitioner
    waits = 'careloop_review_acknowledge_seconds_count{priority="asap"} 1.0'
    assert waits in visitor.get("/metrics")
