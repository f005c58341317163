"""A subject of another system, with the id of a patient of ours, at each service."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.fake_ehr.rules import references
from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.errors import InvalidInput, NotYet, Withdrawn
from shared.references import OTHER_SYSTEM
from shared.settings import Settings
from tests.ehrs import EHRS, running
from tests.fakes import HAPI, FakeEhr
from tests.integration.other_systems.support import (
    ANALYSERS,
    OTHER,
    SERVICES,
    about,
    event_at,
    line_of,
    put,
    repoint,
)

LENIENT = replace(HAPI, refuses_external_references=False)


@pytest.fixture(scope="module", params=EHRS)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(request.param, tmp_path_factory, LENIENT) as place:
        yield place


@pytest.fixture
def settings(base: str, tmp_path: Path) -> Settings:
    return Settings(fhir_url=base, state_dir=tmp_path)


@pytest.fixture
def ehr(settings: Settings) -> Iterator[Ehr]:
    with open_ehr(settings) as client:
        yield client


@pytest.fixture
def patient(ehr: Ehr) -> str:
    return ehr.create({"resourceType": "Patient", "gender": "male"}).reference


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize(
    "spelling",
    [
        f"{OTHER}/{{}}",
        f"{OTHER}/{{}}/_history/1",
        "HTTP://user@x.example/{}",
        "//x.example/fhir/{}",
    ],
)
def test_it_is_told_and_nothing_is_written_about_ours(
    name: str, spelling: str, ehr: Ehr, settings: Settings, patient: str
) -> None:
    reference = put(ehr, about(name, spelling.format(patient)))
    event = event_at(ehr, reference)
    service = SERVICES[name]
    assert service.accepts(event)
    assert (event.key == event.subject, event.subject == patient) == (True, False)

    line = line_of(service, ehr, settings)
    assert [line.take(event), line.take(event)] == ["not_analysed", "unchanged"]

    head = ehr.head(Answer(name, service.input_of(event)))
    assert head is not None
    assert (head.outcome, head.task["statusReason"]["text"]) == ("rejected", OTHER_SYSTEM)
    assert "for" not in head.task
    assert [r for r in references(head.task) if "://" in r["reference"]] == []
    written = (k for k in ("DiagnosticReport", "CarePlan", "Task", "AuditEvent", "Provenance"))
    query = {"patient": patient}
    assert [r for k in written for r in ehr.search(k, query, subject=patient)] == []


@pytest.mark.parametrize("name", ANALYSERS)
def test_an_old_event_about_our_patient_does_not_name_her(
    name: str, ehr: Ehr, settings: Settings, patient: str
) -> None:
    reference = put(ehr, about(name, patient))
    old = event_at(ehr, reference)
    repoint(ehr, reference, f"{OTHER}/{patient}")
    line = line_of(ANALYSERS[name], ehr, settings)
    assert line.take(old) == "not_analysed"
    head = ehr.head(Answer(name, reference))
    assert head is not None
    assert (head.task["statusReason"]["text"], head.task.get("for")) == (OTHER_SYSTEM, None)
    assert line.take(event_at(ehr, reference)) == "unchanged"


@pytest.mark.parametrize("name", ANALYSERS)
@pytest.mark.parametrize("kind", ["Group", "Device"])
def test_what_is_no_patient_elsewhere_is_told_as_such(
    name: str, kind: str, ehr: Ehr, settings: Settings, patient: str
) -> None:
    reference = put(ehr, about(name, f"{OTHER}/{kind}/{patient.split('/')[1]}"))
    assert line_of(ANALYSERS[name], ehr, settings).take(event_at(ehr, reference)) == "not_analysed"
    head = ehr.head(Answer(name, reference))
    assert head is not None
    assert head.task["statusReason"]["text"] == "The subject is not a Patient."


@pytest.mark.parametrize("name", ANALYSERS)
def test_nobody_is_asked_and_nothing_is_fetched(name: str, tmp_path: Path) -> None:
    with FakeEhr() as fake:
        settings = Settings(fhir_url=fake.base, state_dir=tmp_path)
        with open_ehr(settings) as ehr:
            patient = ehr.create({"resourceType": "Patient"}).reference
            reference = put(ehr, about(name, f"{OTHER}/{patient}"))
            event = event_at(ehr, reference)
            fake.requests.clear()
            line_of(ANALYSERS[name], ehr, settings).take(event)
            asked = {path.split("/")[0] for _, path, _ in fake.requests}
    assert asked.isdisjoint({"Consent", "Binary", "Patient", "Endpoint"})
    assert {path for _, path, _ in fake.requests} >= {reference}


@pytest.mark.parametrize("name", ANALYSERS)
def test_ours_by_an_absolute_reference_is_ours(
    name: str, ehr: Ehr, settings: Settings, patient: str
) -> None:
    reference = put(ehr, about(name, f"{ehr.base}/{patient}"))
    assert event_at(ehr, reference).subject == patient
    with pytest.raises((Withdrawn, NotYet, InvalidInput)):  # no consent stops it, no film is there
        line_of(ANALYSERS[name], ehr, settings).service.gather(
            event_at(ehr, reference), ehr, settings
        )
