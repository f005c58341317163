"""Review: urgent results are acknowledged by name in time, else escalated."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from werkzeug.test import TestResponse

from services.review import present
from shared.answers import Basis
from shared.fhir import heads
from shared.fhir.heads import head_of
from shared.fhir.urgency.acknowledgement import acknowledgement_of
from shared.instants import instant, now, start
from tests.browser.clinic import Clinic, a_film, open_clinic
from tests.integration.review.support import Visitor, a_coded_film, audited, named
from tests.integration.review.urgent import LATE, acknowledge, acknowledged, somebody_else, version


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    """A clinician at pages that ask for an acknowledgement at once."""
    entered = visit(review_acknowledge=LATE)
    assert entered.log_in().status_code == 303
    return entered


def own(visitor: Visitor, task: str, owner: str) -> TestResponse:
    """Claim it, or give it back."""
    page = visitor.get(f"/?outcome=requested&text=pneumonia&patient={of_patient(visitor, task)}")
    form = re.search(rf'/results/{task}/owner.*?name="version" value="([^"]+)"', page, re.S)
    assert form
    return visitor.post(f"/results/{task}/owner", version=form[1], owner=owner)


def of_patient(visitor: Visitor, task: str) -> str:
    found = re.search(r"Patient/([A-Za-z0-9\-.]+)", visitor.get(f"/results/{task}"))
    assert found
    return found[1]


def gauge(visitor: Visitor, name: str = "careloop_review_overdue") -> dict[str, float]:
    """The samples of this metric, by the labels."""
    told = visitor.client.get("/metrics").text
    return {m[1]: float(m[2]) for m in re.finditer(rf"^{name}(\S*) (\S+)$", told, re.M)}


def backdate(clinic: Clinic, task: str, **ago: float) -> None:
    """Let it wait for so long."""
    head = clinic.task(task)
    head["restriction"] = {"period": {"start": instant(datetime.now(UTC) - timedelta(**ago))}}
    clinic.ehr.update(head, head["meta"]["versionId"])


def test_a_clinician_acknowledges_by_name(visitor: Visitor, clinic: Clinic) -> None:
    task, before = a_coded_film(clinic), now()
    page = visitor.get(f"/results/{task}")
    assert "Acknowledge: I have seen this" in page and not acknowledged(clinic, task)

    answer = acknowledge(visitor, task, page="result")
    assert answer.status_code == 303 and answer.location == f"/results/{task}"
    seen = acknowledgement_of(clinic.task(task))
    assert seen and (seen.person, seen.name) == (clinic.practitioner, "Dr. Ada Berg")
    assert start(before) <= start(seen.time) <= start(now())
    page = visitor.get(f"/results/{task}")
    assert "Acknowledged by Dr. Ada Berg" in page and "I have seen this" not in page
    assert "Your decision" in page, "it decides nothing"
    assert clinic.task(task)["status"] == "requested" and "owner" not in clinic.task(task)


def test_it_is_in_the_audit_trail(visitor: Visitor, clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    acknowledge(visitor, task)
    [event] = audited(clinic, "U")
    assert {f"Task/{task}", clinic.patient} <= named(event)


def test_opening_the_page_alone_acknowledges_nothing(visitor: Visitor, clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    for path in (f"/results/{task}", "/", f"/results/{task}"):
        visitor.get(path)
    assert not acknowledged(clinic, task)


def test_the_list_shows_who_must_and_who_did(
    visitor: Visitor, visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    task = a_coded_film(clinic)
    address = f"/?patient={clinic.patient.split('/')[1]}"
    backdate(clinic, task, hours=2, minutes=1)
    assert "Not acknowledged for 2 h 1 min" in visitor.get(address)
    in_time = visit()
    in_time.log_in()
    page = in_time.get(address)
    assert re.search(r"Acknowledge within 1 h 5[89] min", page)
    form = re.search(r'/acknowledgement[^>]*>.*?name="version" value="([^"]+)"', page)
    assert form
    answer = acknowledge(in_time, task, form[1])
    assert answer.location == "/"
    page = in_time.get(address)
    assert "Acknowledged by Dr. Ada Berg" in page and "Acknowledge within" not in page


def test_the_first_one_stands_and_twice_changes_nothing(
    visitor: Visitor, visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    task = a_coded_film(clinic)
    known = version(visitor, task)
    assert acknowledge(visitor, task, known).status_code == 303
    before = clinic.task(task)
    colleague = somebody_else(visit, open_clinic(clinic.ehr).practitioner)
    for somebody in (visitor, colleague):
        assert acknowledge(somebody, task, known).status_code == 303
        assert "acknowledged it before" in somebody.get("/")
    assert clinic.task(task) == before


def test_what_changed_since_it_was_shown_is_not_acknowledged(
    visitor: Visitor, clinic: Clinic
) -> None:
    task = a_coded_film(clinic)
    known = version(visitor, task)
    backdate(clinic, task, minutes=3)
    assert acknowledge(visitor, task, known).status_code == 409
    assert not acknowledged(clinic, task)


def test_what_is_drawn_again_must_be_acknowledged_again(visitor: Visitor, clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    acknowledge(visitor, task)
    head = head_of(clinic.task(task))
    again = heads.requested(
        head,
        subject=clinic.patient,
        basis=Basis("another"),
        focus=head.outputs["report"],
        device=head.task["requester"]["reference"],
        sources=dict.fromkeys(heads.sources_of(head.task), "1"),
        outputs=head.outputs,
        now=now(),
        priority="urgent",
    )
    clinic.ehr.update({k: v for k, v in again.items() if k != "meta"}, head.version)
    assert not acknowledged(clinic, task)
    page = visitor.get(f"/results/{task}")
    assert "Acknowledged by" not in page and "Acknowledge: I have seen this" in page
    assert "Acknowledged by" not in visitor.get(f"/?patient={clinic.patient.split('/')[1]}")


def test_of_many_at_once_one_stands(visit: Callable[..., Visitor], clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    visitors = [visit(review_acknowledge=LATE) for _ in range(4)]
    for visitor in visitors:
        visitor.log_in()
    known = version(visitors[0], task)
    for visitor in visitors:
        visitor.get("/")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda v: acknowledge(v, task, known).status_code, visitors))
    assert 303 in answers and set(answers) <= {303, 409}
    parts = clinic.task(task)["input"]
    assert sum(heads.kind_of(part) == "acknowledged" for part in parts) == 1
    assert len(audited(clinic, "U")) == 1


@pytest.mark.parametrize("action", ["sign", "reject"])
def test_a_decision_is_one_and_ends_it(visitor: Visitor, clinic: Clinic, action: str) -> None:
    task = a_coded_film(clinic)
    waits = 'careloop_review_acknowledge_seconds_count{priority="urgent"}'
    known = version(visitor, task)
    decided = visitor.decide(task, action, reviewed="yes", reason="Wrong film.")
    assert decided.status_code == 303
    assert gauge(visitor, re.escape(waits)) == {"": 1.0}
    assert acknowledge(visitor, task, known).status_code == 409
    assert "Not acknowledged" not in visitor.get(f"/results/{task}")


def test_a_claim_is_one_until_it_is_given_back(visitor: Visitor, clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    assert own(visitor, task, "me").status_code == 303
    assert acknowledged(clinic, task) == clinic.practitioner
    assert own(visitor, task, "").status_code == 303
    assert not acknowledged(clinic, task)
    assert "Not acknowledged for" in visitor.get(f"/results/{task}")


def test_a_claim_says_that_it_acknowledges(visitor: Visitor, clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    mine = f"/?outcome=requested&patient={clinic.patient.split('/')[1]}"
    page = visitor.get(mine)
    assert ">Claim and acknowledge</button>" in page
    assert ">Acknowledge: I have seen it</button>" in page
    urgent = present.urgency_text(clinic.task(task)["priority"])
    assert f'<span class="severity">{urgent}</span>' in page
    assert f"This result is {urgent.lower()}." in visitor.get(f"/results/{task}")
    own(visitor, task, "me")
    assert "Claimed, and acknowledged under your name." in visitor.get(mine)


def test_to_hand_it_over_says_nothing_of_the_colleague(visitor: Visitor, clinic: Clinic) -> None:
    task, roth = a_coded_film(clinic), open_clinic(clinic.ehr).practitioner
    assert own(visitor, task, roth).status_code == 303
    assert clinic.task(task)["owner"]["reference"] == roth and not acknowledged(clinic, task)


def test_a_claim_keeps_what_a_colleague_acknowledged(
    visitor: Visitor, visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    task, roth = a_coded_film(clinic), open_clinic(clinic.ehr).practitioner
    colleague = somebody_else(visit, roth)
    acknowledge(colleague, task)
    own(visitor, task, "me")
    own(visitor, task, "")
    assert acknowledged(clinic, task) == roth


def test_a_routine_claim_acknowledges_nothing(visitor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    assert own(visitor, task, "me").status_code == 303
    assert not acknowledged(clinic, task)
    page = visitor.get(f"/?patient={clinic.patient.split('/')[1]}")
    assert f"/results/{task}" in page and "/acknowledgement" not in page


def test_the_overdue_are_told_above_every_list(visitor: Visitor, clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    for path in ("/", "/?outcome=completed", "/?patient=Nobody", "/?service=notes"):
        page = visitor.get(path)
        assert re.search(r"\d+ urgent results? (was|were) not acknowledged in time", page), path
    link = re.search(r'href="([^"]+)">Show (it|them)<', page)
    assert link
    assert f"/results/{task}" in every_page(visitor, unescape(link[1]))
    acknowledge(visitor, task)
    assert f"/results/{task}" not in every_page(visitor, unescape(link[1]))
    assert visitor.client.get("/?seen=yesterday").status_code == 400


def every_page(visitor: Visitor, path: str) -> str:
    """All pages of this list, one after the other."""
    pages, following = "", path
    while following:
        page = visitor.get(following)
        found = re.search(r'href="([^"]+)" rel="next"', page)
        pages, following = pages + page, unescape(found[1]) if found else ""
    return pages


def test_the_metric_counts_them_by_class(visitor: Visitor, clinic: Clinic) -> None:
    visitor.get("/")
    label = '{priority="urgent"}'
    before = gauge(visitor)[label]
    task = a_coded_film(clinic)
    visitor.get("/")
    assert gauge(visitor)[label] == before + 1
    acknowledge(visitor, task)
    assert gauge(visitor)[label] == before
    assert gauge(visitor, "careloop_review_worklist_age_seconds")[""] < 60


def test_without_a_time_nobody_is_asked(visit: Callable[..., Visitor], clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    plain = visit(review_acknowledge="{}")
    plain.log_in()
    for path in (f"/?patient={clinic.patient.split('/')[1]}", f"/results/{task}"):
        assert "Acknowledge" not in plain.get(path)
    assert gauge(plain) == {}


def test_it_survives_the_loss_of_the_index(
    visitor: Visitor,
    clinic: Clinic,
    visit: Callable[..., Visitor],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    task = a_coded_film(clinic)
    acknowledge(visitor, task)
    anew = visit(state_dir=tmp_path_factory.mktemp("anew"), review_acknowledge=LATE)
    anew.log_in()
    page = anew.get(f"/?patient={clinic.patient.split('/')[1]}")
    assert "Acknowledged by Dr. Ada Berg" in page
