"""What is written is as old as what was analysed, at a real EHR; a replay writes nothing."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.genomics.service import SERVICE
from shared.answers import Answer
from shared.ehr.auth.scopes import permissions_of, scopes_of
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.fhir.summary import event_of
from shared.json import Json
from shared.runtime.line import Case, Line, at_ehr
from shared.settings import Settings
from tests.fakes import HAPI, FakeEhr
from tests.integration.test_genomics_line import GENETIC_REPORT
from tests.peers import sekmet
from tests.unit.genomics_vcf import DEMO

COLLECTED = {"collection": {"collectedDateTime": "2025-05-03"}}


@pytest.fixture(scope="module", params=["sekmet", "habits of HAPI"])
def ehr(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ehr]:
    state = tmp_path_factory.mktemp("ehr")
    with sekmet(state) if request.param == "sekmet" else FakeEhr(HAPI) as peer:
        client = open_ehr(Settings(fhir_url=peer.base, state_dir=state))
        yield client
        client.close()


@pytest.fixture
def line(ehr: Ehr, tmp_path: Path) -> Line:
    settings = Settings(fhir_url=ehr.base, state_dir=tmp_path)
    return Line(SERVICE, ehr, SERVICE.load(settings), settings, at_ehr(ehr))


@pytest.fixture
def patient(ehr: Ehr) -> str:
    return ehr.create({"resourceType": "Patient", "gender": "female"}).reference


def document(ehr: Ehr, patient: str, **elements: Any) -> Json:
    attachment = {"contentType": "text/vcf", "data": base64.b64encode(DEMO.read_bytes()).decode()}
    written = ehr.create(
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "type": GENETIC_REPORT,
            "subject": {"reference": patient},
            "content": [{"attachment": attachment}],
            **elements,
        }
    )
    return stored(ehr, written.reference)


def sample(ehr: Ehr, patient: str, **elements: Any) -> Json:
    made = {"resourceType": "Specimen", "subject": {"reference": patient}, **elements}
    return {"context": {"related": [{"reference": ehr.create(made).reference}]}}


def stored(ehr: Ehr, reference: str) -> Json:
    found = ehr.read(reference)
    assert found is not None
    return found


def run(line: Line, resource: Json) -> str:
    taken = line.take(event_of(resource, "update"), only_deletes=False)
    if not isinstance(taken, Case):
        return taken
    [findings] = SERVICE.analyze([taken.inputs], line.model)
    return line.put(taken, findings)


def outputs(line: Line, resource: Json) -> list[Json]:
    head = line.ehr.head(Answer("genomics", f"DocumentReference/{resource['id']}"))
    assert head is not None
    return [stored(line.ehr, reference) for reference in head.outputs.values()]


def times(line: Line, resource: Json) -> set[str | None]:
    return {r.get("effectiveDateTime") for r in outputs(line, resource)}


def test_a_genome_is_as_old_as_its_sample(line: Line, ehr: Ehr, patient: str) -> None:
    collected = sample(ehr, patient, **COLLECTED)
    vcf = document(ehr, patient, date="2026-01-05T08:00:00Z", **collected)
    assert run(line, vcf) == "result"
    assert times(line, vcf) == {"2025-05-03"}
    assert all(r["issued"] > "2026-01-05" for r in outputs(line, vcf))


def test_without_a_sample_of_hers_the_document_tells(line: Line, ehr: Ehr, patient: str) -> None:
    other = ehr.create({"resourceType": "Patient"}).reference
    for related in (
        {},
        sample(ehr, other, **COLLECTED),
        sample(ehr, patient, **COLLECTED, status="entered-in-error"),
        {"context": {"related": [{"reference": patient}, {"display": "a tube"}]}},
    ):
        vcf = document(ehr, patient, date="2026-01-05T08:00:00Z", **related)
        assert run(line, vcf) == "result"
        assert {str(t)[:10] for t in times(line, vcf)} == {"2026-01-05"}, related


def test_an_ehr_without_samples_is_not_refused_and_the_right_to_read_them_is_asked_for() -> None:
    assert "Specimen" not in permissions_of(SERVICE)
    assert "system/Specimen.rs" in scopes_of(SERVICE).split()


def test_what_nobody_dated_has_no_clinical_time(line: Line, ehr: Ehr, patient: str) -> None:
    vcf = document(ehr, patient)
    assert run(line, vcf) == "result"
    assert times(line, vcf) == {None}


def test_a_replay_writes_nothing_nor_does_a_corrected_date(
    line: Line, ehr: Ehr, patient: str
) -> None:
    vcf = document(ehr, patient, date="2026-01-05T08:00:00Z")
    assert run(line, vcf) == "result"
    before = outputs(line, vcf)
    assert run(line, vcf) == "unchanged"
    ehr.update(vcf | {"date": "2026-01-06T08:00:00Z"}, vcf["meta"]["versionId"])
    assert run(line, stored(ehr, f"DocumentReference/{vcf['id']}")) == "unchanged"
    assert outputs(line, vcf) == before
