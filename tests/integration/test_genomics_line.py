"""A VCF through the straight line into an EHR and back: what a clinician would find there."""

import base64
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.genomics.service import SERVICE
from shared.answers import Answer, Head
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.fhir import codes
from shared.fhir.summary import event_of
from shared.json import Json
from shared.runtime.line import Case, Line, at_ehr
from shared.settings import Settings
from tests.fakes import FakeEhr
from tests.hl7 import Validate, collection
from tests.unit.genomics_vcf import DEMO, META, vcf

GENETIC_REPORT = {"coding": [{"system": codes.LOINC, "code": "51969-4"}]}
FORMS = {
    "inline": ("text/vcf", lambda raw: raw),
    "gzip with a genomic type": ("application/gzip", gzip.compress),
    "with a character set": ("text/x-vcf; charset=utf-8", lambda raw: raw),
}

UNSURE = {"94761900 . C T": "0/1", "94762706 . A G": "0/1", "94781859 . G A": "0/0"}


@pytest.fixture
def ehr(tmp_path: Path) -> Iterator[Ehr]:
    with FakeEhr() as fake:
        client = open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path))
        yield client
        client.close()


@pytest.fixture
def line(ehr: Ehr, tmp_path: Path) -> Line:
    settings = Settings(fhir_url=ehr.base, state_dir=tmp_path)
    return Line(SERVICE, ehr, SERVICE.load(settings), settings, at_ehr(ehr))


def document(ehr: Ehr, *attachments: Json, **elements: Any) -> str:
    patient = ehr.create({"resourceType": "Patient", "gender": "female"}).reference
    content = [{"attachment": a} for a in attachments]
    resource = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": GENETIC_REPORT,
        "subject": {"reference": patient},
        "content": content,
    }
    return ehr.create(resource | elements).reference


def attached(raw: bytes, content_type: str = "text/vcf") -> Json:
    return {"contentType": content_type, "data": base64.b64encode(raw).decode()}


def run(line: Line, ehr: Ehr, reference: str) -> str:
    resource = ehr.read(reference)
    assert resource is not None
    event = event_of(resource, "update")
    assert SERVICE.accepts(event)
    taken = line.take(event, only_deletes=False)
    if not isinstance(taken, Case):
        return taken
    [findings] = SERVICE.analyze([taken.inputs], line.model)
    return line.put(taken, findings)


def head(ehr: Ehr, reference: str) -> Head:
    found = ehr.head(Answer("genomics", reference))
    assert found is not None
    return found


def written(ehr: Ehr, reference: str) -> dict[str, Json]:
    return {
        key: resource
        for key, target in head(ehr, reference).outputs.items()
        if (resource := ehr.read(target))
    }


@pytest.mark.parametrize("form", FORMS)
def test_the_demo_patient_gets_a_report(line: Line, ehr: Ehr, form: str) -> None:
    content_type, pack = FORMS[form]
    reference = document(ehr, attached(pack(DEMO.read_bytes()), content_type))
    assert run(line, ehr, reference) == "result"
    report = written(ehr, reference)["report"]
    assert (report["status"], codes.first_code(report["category"], codes.V2_0074)) == (
        "preliminary",
        "GE",
    )
    assert "CYP2C19 *2/*2: Poor Metabolizer." in report["conclusion"]
    assert "SLCO1B1 *1/*5: Decreased Function." in report["conclusion"]


def test_everything_written_is_valid(line: Line, ehr: Ehr, hl7_errors: Validate) -> None:
    odd = vcf(*(f"chr10 {change} . PASS . GT:DP {value}:30" for change, value in UNSURE.items()))
    for raw in (DEMO.read_bytes(), odd):
        reference = document(ehr, attached(raw))
        assert run(line, ehr, reference) == "result"
        standing = written(ehr, reference)
        assert hl7_errors(collection(standing.values())) == []


def test_a_binary_is_followed(line: Line, ehr: Ehr) -> None:
    binary = ehr.create(
        {
            "resourceType": "Binary",
            "contentType": "text/vcf",
            "data": base64.b64encode(DEMO.read_bytes()).decode(),
        }
    ).reference
    reference = document(ehr, {"contentType": "text/vcf", "url": binary})
    assert run(line, ehr, reference) == "result"


def test_the_same_vcf_packed_anew_changes_nothing(line: Line, ehr: Ehr) -> None:
    reference = document(ehr, attached(DEMO.read_bytes()))
    run(line, ehr, reference)
    before = head(ehr, reference).version
    resource = ehr.read(reference)
    assert resource is not None
    ehr.update(
        resource | {"content": [{"attachment": attached(gzip.compress(DEMO.read_bytes()))}]},
        resource["meta"]["versionId"],
    )
    assert run(line, ehr, reference) != "result"
    assert head(ehr, reference).version == before


@pytest.mark.parametrize(
    ("attachments", "words"),
    [
        ([attached(DEMO.read_bytes()[:-30])], "truncated"),
        ([attached(b"not a VCF")], "Not a VCF"),
        ([attached(vcf("chr2 5 . A G . PASS . GT 0/1"))], "no position of the genes"),
        (
            [attached(vcf("chr2 5 . A G . PASS . GT 0/1", meta=[META[0], "##reference=hg19"]))],
            "GRCh37",
        ),
        ([attached(DEMO.read_bytes()), attached(DEMO.read_bytes())], "2 VCFs"),
    ],
)
def test_what_is_not_analysed_says_why(
    line: Line, ehr: Ehr, attachments: list[Json], words: str
) -> None:
    reference = document(ehr, *attachments)
    run_outcome = run(line, ehr, reference)
    found = head(ehr, reference)
    assert found.outcome == "rejected", run_outcome
    assert words in found.task["statusReason"]["text"]


@pytest.mark.parametrize(
    "changes",
    [{"status": "superseded"}, {"status": "entered-in-error"}, {"docStatus": "entered-in-error"}],
)
def test_a_withdrawn_document_takes_its_result_back(line: Line, ehr: Ehr, changes: Json) -> None:
    reference = document(ehr, attached(DEMO.read_bytes()))
    run(line, ehr, reference)
    standing = written(ehr, reference)
    resource = ehr.read(reference)
    assert resource is not None
    ehr.update(resource | changes, resource["meta"]["versionId"])
    run(line, ehr, reference)
    assert head(ehr, reference).outcome == "cancelled"
    report = ehr.read(f"DiagnosticReport/{standing['report']['id']}")
    assert report is not None
    assert report["status"] in ("cancelled", "entered-in-error")


def test_a_document_that_another_replaces_takes_its_result_back_whatever_its_own_status(
    line: Line, ehr: Ehr
) -> None:
    old = document(ehr, attached(DEMO.read_bytes()))
    run(line, ehr, old)
    subject = (ehr.read(old) or {})["subject"]
    new = document(
        ehr,
        attached(DEMO.read_bytes()),
        subject=subject,
        relatesTo=[{"code": "replaces", "target": {"reference": old}}],
    )
    run(line, ehr, new)
    assert run(line, ehr, old) == "withdrawn"
    assert (head(ehr, old).outcome, head(ehr, new).outcome) == ("cancelled", "requested")


def test_an_index_file_beside_the_vcf_does_not_matter(line: Line, ehr: Ehr) -> None:
    reference = document(
        ehr, attached(DEMO.read_bytes()), attached(b"TBI", "application/octet-stream")
    )
    assert run(line, ehr, reference) == "result"
