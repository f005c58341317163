"""Review: who read what is in the audit trail, before it is shown."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from services.review.app import create_review_app
from shared.ehr.opening import open_ehr
from shared.fhir import codes
from shared.fhir.heads import head_of
from shared.settings import load_settings
from tests.browser.clinic import Clinic, a_film, chest_film, fill, open_clinic, study
from tests.fakes import HAPI, FakeEhr
from tests.integration.review.support import UID, Visitor, audited, named, put_film

ADDRESS = {"REMOTE_ADDR": "10.1.2.3"}


def test_every_look_and_every_decision_names_the_person(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    doctor.decide(task, "sign", reviewed="yes")
    events = audited(clinic, "R", "U")
    assert sorted(e["action"] for e in events) == ["R", "U"]
    for event in events:
        person, *machines = event["agent"]
        assert person["who"]["reference"].endswith(clinic.practitioner)
        assert person["name"] == "Dr. Ada Berg" and person["altId"] == "berg"
        assert person["requestor"] is True and person["network"]["address"] == "127.0.0.1"
        assert [machine["requestor"] for machine in machines] == [False, False]
        assert "Device/" in machines[0]["who"]["reference"]
        assert event["source"]["observer"] == machines[0]["who"]


@pytest.mark.parametrize("service", ["imaging", "genomics", "notes", "treatment"])
def test_a_page_is_recorded_with_all_that_it_shows(
    doctor: Visitor, clinic: Clinic, service: str
) -> None:
    task = fill(clinic)[service]
    doctor.get(f"/results/{task}")
    [event] = audited(clinic, "R")
    head = head_of(clinic.task(task))
    assert named(event) >= {head.reference, clinic.patient, *head.outputs.values()}


def test_a_picture_and_a_film_are_recorded(
    visit: Callable[..., Visitor], clinic: Clinic, tmp_path: Path
) -> None:
    put_film(tmp_path)
    source = study(clinic.ehr, clinic.patient, UID)
    task = clinic.result("imaging", source, chest_film(source))
    doctor = visit()
    doctor.log_in()
    assert doctor.client.get(f"/results/{task}/media/heat-map").status_code == 200
    [seen] = audited(clinic, "R")
    media = head_of(clinic.task(task)).outputs["heat-map"]
    assert named(seen) == {f"Task/{task}", media, clinic.patient}
    assert doctor.client.get(f"/results/{task}/film").status_code == 200
    found = [event for event in audited(clinic, "R") if source in named(event)]
    assert [named(event) for event in found] == [{f"Task/{task}", source, clinic.patient}]


def test_a_list_is_one_event_with_every_patient_on_it(doctor: Visitor, clinic: Clinic) -> None:
    others = [open_clinic(clinic.ehr, "Otto", f"Fremdling{number}") for number in range(3)]
    tasks = [a_film(each) for each in (clinic, *others)]
    doctor.client.get("/", environ_overrides=ADDRESS)
    [event] = audited(clinic, "E")
    assert named(event) >= {each.patient for each in (clinic, *others)}
    assert named(event) >= {f"Task/{task}" for task in tasks}
    assert codes.has_code(event["subtype"], codes.RESTFUL_INTERACTION, "search")
    assert event["agent"][0]["network"] == {"address": "10.1.2.3", "type": "2"}


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("patient=Mustermann", True),
        ("patient=Erika&outcome=completed", False),
        ("patient=Nobody-of-that-name", False),
    ],
)
def test_a_search_is_recorded_and_its_words_are_not(
    doctor: Visitor, clinic: Clinic, query: str, finds: bool
) -> None:
    a_film(clinic)
    doctor.get(f"/?{query}")
    [event] = audited(clinic, "E")
    assert "searched by patient" in str(event["entity"])
    assert (clinic.patient in named(event)) is finds
    word = query.split("=")[1].split("&", maxsplit=1)[0]
    assert word not in str(event)


def test_a_list_that_refreshes_itself_is_recorded_when_it_shows_something_new(
    doctor: Visitor, clinic: Clinic
) -> None:
    a_film(clinic)
    page = f"/?patient={clinic.patient}"
    doctor.get(page)
    for _ in range(3):
        doctor.client.get(page, headers={"Sec-Fetch-Mode": "cors"})
    assert len(audited(clinic, "E")) == 1
    new = a_film(clinic)
    for _ in range(3):
        doctor.client.get(page, headers={"Sec-Fetch-Mode": "cors"})
    events = audited(clinic, "E")
    assert len(events) == 2 and sum(f"Task/{new}" in named(event) for event in events) == 1
    doctor.get("/")
    assert len(audited(clinic, "E")) == 3, "a person looked again"


def test_a_list_of_nobody_is_no_look(doctor: Visitor, clinic: Clinic) -> None:
    doctor.get("/?outcome=failed")
    assert audited(clinic) == []


def test_a_model_card_is_of_no_patient(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    device = clinic.task(task)["requester"]["reference"].split("/")[-1]
    doctor.get(f"/models/{device}")
    assert audited(clinic) == []


def test_what_was_deleted_since_is_not_named_and_hides_nothing(
    doctor: Visitor, clinic: Clinic
) -> None:
    """HAPI FHIR refuses a reference to what is not there."""
    task = a_film(clinic)
    media = head_of(clinic.task(task)).outputs["heat-map"]
    report = clinic.outputs(task)["report"]
    report.pop("media")
    clinic.ehr.update(report, report["meta"]["versionId"])
    delete(clinic, media)
    doctor.get(f"/results/{task}")
    [event] = audited(clinic, "R")
    assert media not in named(event) and clinic.patient in named(event)


@pytest.mark.parametrize("path", ["/?patient={patient}", "/results/{task}"])
def test_a_patient_who_is_gone_is_named_all_the_same(
    doctor: Visitor, clinic: Clinic, path: str
) -> None:
    """HAPI FHIR: by identifier, where it refuses the reference."""
    task = a_film(clinic)
    head = clinic.task(task)
    gone = clinic.ehr.create({"resourceType": "Patient", "name": [{"family": "Weg"}]}).reference
    head["for"] = codes.reference(gone)
    clinic.ehr.update(head, head["meta"]["versionId"])
    delete(clinic, gone)
    doctor.get(path.format(task=task, patient=gone))
    [event] = audited(clinic)
    assert gone in named(event)


def delete(clinic: Clinic, reference: str) -> None:
    assert httpx.delete(f"{clinic.ehr.base}/{reference}", timeout=60).status_code < 300


@pytest.fixture
def fake() -> Iterator[FakeEhr]:
    with FakeEhr(HAPI) as running:
        yield running


@pytest.mark.parametrize("status", [403, 422, 500, 503])
@pytest.mark.parametrize(
    "page", ["/", "/?patient=Mustermann", "/results/{task}", "/results/{task}/media/heat-map"]
)
def test_what_can_t_be_recorded_is_not_shown(
    fake: FakeEhr, tmp_path: Path, page: str, status: int
) -> None:
    ehr = open_ehr(load_settings(fhir_url=fake.base))
    clinic = open_clinic(ehr)
    task = a_film(clinic)
    settings = load_settings(fhir_url=fake.base, state_dir=tmp_path, **clinic.login)
    visitor = Visitor(create_review_app(settings, ehr).test_client())
    visitor.log_in()
    fake.faults.fail(20, status, method="POST", path="AuditEvent")
    answer = visitor.client.get(page.format(task=task))
    assert answer.status_code in (502, 503)
    assert "Mustermann" not in answer.text and answer.content_type.startswith("text/html")
