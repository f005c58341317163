"""Review: people read names; ids, rules and digests stand in the folded technical details."""

import re
from collections.abc import Callable, Iterator

import pytest

from services.review.worklist.listing import OUTCOMES
from services.treatment.analyze import find
from services.treatment.gather import read
from services.treatment.model import load_rules
from services.treatment.resources import resources
from shared.fhir import codes, heads
from shared.fhir.drafts import Draft, Pen
from shared.fhir.heads import head_of
from shared.instants import now
from shared.json import Json
from tests.browser.clinic import Clinic, a_film, fill, open_clinic
from tests.integration.review.exchanges import ROSUVASTATIN, SIMVASTATIN, exchange
from tests.integration.review.exchanges import order as ordered
from tests.integration.review.support import NO_CHOICE, Visitor, a_coded_film, accepted, fates
from tests.integration.review.urgent import LATE, acknowledge
from tests.merging import merge
from tests.unit.treatment_record import order

UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
DIGEST = re.compile(r"\b(?:sha256:)?[0-9a-f]{16,}\b")
TYPES = (
    "Patient|Practitioner|Task|Device|Observation|DiagnosticReport|ImagingStudy|Media|Condition|"
    "DocumentReference|CarePlan|RequestGroup|MedicationRequest|ServiceRequest|Goal|DetectedIssue|"
    "AllergyIntolerance|Provenance|Binary|Medication"
)
REFERENCE = re.compile(rf"\b(?:{TYPES})/[A-Za-z0-9.-]+")
INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d")
FOLDED = re.compile(r'<details class="technical">.*?</details>', re.DOTALL)


def rule_ids() -> set[str]:
    rules = load_rules()
    tables = (rules.genes, rules.interactions, rules.limits, rules.follow_ups, [rules.warfarin])
    others = {"duplicate-ingredient", "duplicate-class", "genomics-report"}
    return others | {rule.id for table in tables for rule in table}


def visible(page: str) -> str:
    """What of a page people read before they unfold the technical details."""
    return " ".join(re.sub(r"<[^>]+>", " ", FOLDED.sub("", page)).split())


def raw(page: str) -> set[str]:
    """What on a page is an id."""
    text = visible(page)
    found = {m[0] for kind in (UUID, DIGEST, REFERENCE, INSTANT) for m in kind.finditer(text)}
    return found | {rule for rule in rule_ids() if re.search(rf"(?<![\w-]){rule}(?![\w-])", text)}


def a_real_plan(clinic: Clinic) -> str:
    """A plan as treatment draws it from what stands in the record; the id of its Task."""
    for drug, code in (("clopidogrel", "32968"), ("omeprazole", "7646"), ("omeprazole", "7646")):
        body: Json = {k: v for k, v in order(drug, code).items() if k not in ("id", "meta")}
        clinic.ehr.create(body | {"subject": {"reference": clinic.patient}})
    patient = clinic.ehr.read(clinic.patient)
    assert patient
    inputs = read(patient, clinic.ehr)

    def drafts(pen: Pen) -> list[Draft]:
        return resources(inputs, find(inputs, load_rules()), pen)

    return clinic.result("treatment", clinic.patient, drafts)


@pytest.fixture
def full(clinic: Clinic) -> dict[str, str]:
    """A result of every kind; name -> id of its Task."""
    tasks = dict(fill(clinic))
    return tasks | {"real plan": a_real_plan(clinic)}


def links(page: str) -> Iterator[str]:
    yield from re.findall(r'href="(/models/[^"]+)"', page)


def test_no_page_of_what_waits_shows_an_id(
    doctor: Visitor, clinic: Clinic, full: dict[str, str]
) -> None:
    found, models = {}, set()
    for name, task in full.items():
        page = doctor.get(f"/results/{task}")
        models |= set(links(page))
        found[name] = raw(page)
        found[f"{name}, handed over"] = raw(doctor.get(f"/results/{task}/owner?colleague=Berg"))
    assert len(models) == 4
    for model in models:
        found[model] = raw(doctor.get(model))
    for outcome in OUTCOMES:
        found[outcome] = raw(doctor.get(f"/?outcome={outcome}"))
    assert {name: ids for name, ids in found.items() if ids} == {}


def test_no_page_of_what_is_decided_shows_an_id(
    doctor: Visitor, clinic: Clinic, full: dict[str, str]
) -> None:
    doctor.decide(full["genomics"], "reject", reason="Another sample.")
    doctor.decide(
        full["imaging"], "amend", reviewed="yes", text="Masses.", **fates(refute=["pneumonia"])
    )
    doctor.decide(full["notes"], "sign", reviewed="yes")
    doctor.decide(full["treatment"], "sign", reviewed="yes", **NO_CHOICE)
    pages = [doctor.get(f"/results/{task}") for task in full.values()]
    pages.append(doctor.get("/?outcome=completed"))
    assert [raw(page) for page in pages] == [set()] * len(pages)


@pytest.mark.parametrize("gone", [False, True], ids=["merged", "gone"])
def test_no_page_of_a_record_that_is_not_in_use_shows_an_id(
    doctor: Visitor, clinic: Clinic, gone: bool
) -> None:
    task = a_film(clinic)
    other = open_clinic(clinic.ehr, "Karla", "Andersen")
    merge(clinic.ehr, clinic.patient, other.patient)
    here = a_film(other)
    if gone:
        report = clinic.outputs(task)["report"]
        clinic.ehr.update(report | {"status": "cancelled"}, report["meta"]["versionId"])
    for path in (f"/results/{task}", f"/results/{here}", "/", f"/?patient={clinic.patient}"):
        assert raw(doctor.get(path)) == set(), path


def test_no_page_of_an_exchange_shows_an_id(doctor: Visitor, clinic: Clinic) -> None:
    old = ordered(clinic, SIMVASTATIN)
    ordered(clinic, {"coding": [{"system": "urn:local", "code": "77"}]})
    task = clinic.result("treatment", clinic.patient, exchange(ROSUVASTATIN, old))
    page = doctor.get(f"/results/{task}")
    assert raw(page) == set()
    assert old in page, "the technical details name it"
    orders = re.search(r'name="orders" value="([0-9a-f]+)"', page)
    assert orders
    form = {"reviewed": "yes", "orders": orders[1]} | accepted("rosuvastatin")
    assert doctor.decide(task, "sign", **form).status_code == 303
    assert raw(doctor.get(f"/results/{task}")) == set()


def test_no_page_of_a_refusal_or_an_emergency_shows_an_id(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    task = a_film(clinic)
    visitor = visit(
        review_local_user=f"berg:{clinic.practitioner}:geneticist",
        review_roles='{"geneticist": ["GE"]}',
    )
    visitor.log_in()
    refused = visitor.get(f"/results/{task}", 403)
    visitor.post(f"/results/{task}/emergency", reason="Unconscious in the emergency room")
    pages = [refused, visitor.get(f"/results/{task}"), visitor.get("/")]
    assert "Emergency access to" in visible(pages[1])
    assert [raw(page) for page in pages] == [set()] * 3


def test_somebody_whose_name_is_not_recorded_is_no_id(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    visitor, task = visit(review_acknowledge=LATE), a_coded_film(clinic)
    visitor.log_in()
    head = head_of(clinic.task(task))
    seen = heads.acknowledged(head, clinic.practitioner, "", now())
    seen["input"][-1]["valueAnnotation"]["authorReference"].pop("display", None)
    owner = {"owner": codes.reference(clinic.practitioner)}
    clinic.ehr.update(seen | owner, head.version)
    of_patient = f"/?patient={clinic.patient.split('/')[1]}"
    pages = [visitor.get(path) for path in (f"/results/{task}", of_patient)]
    assert acknowledge(visitor, task, "any").status_code == 303
    pages.append(visitor.get(of_patient))
    assert "Somebody whose name is not recorded acknowledged it before" in visible(pages[-1])
    for page in pages:
        assert "Acknowledged by somebody whose name is not recorded" in visible(page)
        assert raw(page) == set()


def test_colleagues_of_one_name_are_told_apart_by_the_technical_details(
    doctor: Visitor, clinic: Clinic
) -> None:
    named: Json = {"name": [{"family": "Same", "given": ["Twin"]}], "active": True}
    pair = [clinic.ehr.create({"resourceType": "Practitioner"} | named) for _ in range(2)]
    page = doctor.get(f"/results/{a_film(clinic)}/owner?colleague=Twin")
    assert raw(page) == set() and visible(page).count("Hand over to Twin Same") == 2
    folded = " ".join(FOLDED.findall(page))
    assert all(person.reference in folded for person in pair)


@pytest.mark.parametrize("path", ["/results/nothing", "/models/nothing", "/nothing", "/?outcome=x"])
def test_no_page_of_an_error_shows_an_id(doctor: Visitor, path: str) -> None:
    answer = doctor.client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code in (400, 404)
    assert raw(answer.text) == set()


def test_the_technical_details_name_rules_models_and_sources(
    doctor: Visitor, clinic: Clinic, full: dict[str, str]
) -> None:
    [folded] = FOLDED.findall(doctor.get(f"/results/{full['real plan']}"))
    assert f"Task/{full['real plan']}" in folded
    for rule in ("cyp2c19-clopidogrel", "clopidogrel-omeprazole", "duplicate-ingredient"):
        assert f"<code>{rule}</code>" in folded
    assert "sha256:" in folded
    assert clinic.patient in folded
    [film] = FOLDED.findall(doctor.get(f"/results/{full['imaging']}"))
    assert "ImagingStudy/" in film
