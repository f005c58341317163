"""The demo's patient: her VCF through the real genomics service, then her plan.

What one service writes the other understands.
"""

import base64
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from services.genomics.service import SERVICE as GENOMICS
from services.treatment.service import SERVICE as TREATMENT
from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.json import Json
from shared.references import own_place
from shared.runtime.line import Case, Line, at_ehr
from shared.service import Service
from shared.settings import Settings, load_settings
from tests.fakes import HAPI, FakeEhr
from tests.hl7 import Validate, collection

EXAMPLE = Path(__file__).parents[2] / "examples" / "patient"


@pytest.fixture(scope="module")
def ehr() -> Iterator[Ehr]:
    with FakeEhr(HAPI) as fake:
        client = open_ehr(load_settings(fhir_url=fake.base))
        yield client
        client.close()


def answered(
    service: Service, ehr: Ehr, settings: Settings, event: ResourceEvent
) -> dict[str, Json]:
    """What the service writes on the event, by key."""
    line = Line(service, ehr, service.load(settings), settings, at_ehr(ehr))
    case = line.take(event)
    assert isinstance(case, Case), case
    (findings,) = service.analyze([case.inputs], line.model)
    assert line.put(case, findings) == "result"
    head = ehr.head(Answer(service.name, service.input_of(event)))
    assert head is not None
    return {
        key: resource
        for key, reference in head.outputs.items()
        if (resource := ehr.read(reference))
    }


@pytest.fixture(scope="module")
def plan(ehr: Ehr) -> dict[str, Json]:
    settings = load_settings(fhir_url=ehr.base)
    loaded = orjson.loads((EXAMPLE / "patient.json").read_bytes())["entry"]
    posted = [
        {**entry, "request": {"method": "POST", "url": entry["resource"]["resourceType"]}}
        for entry in loaded
    ]
    entries = ehr.transact({"resourceType": "Bundle", "type": "transaction", "entry": posted})
    subject = next(
        r for e in entries if (r := own_place(e["response"]["location"])).startswith("Patient/")
    )
    attachment = {
        "contentType": "text/vcf",
        "data": base64.b64encode((EXAMPLE / "genome.vcf").read_bytes()).decode(),
    }
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": codes.concept(codes.LOINC, "51969-4"),
        "subject": codes.reference(subject),
        "content": [{"attachment": attachment}],
    }
    vcf = ehr.create(document)
    answered(
        GENOMICS,
        ehr,
        settings,
        ResourceEvent(
            vcf.reference, vcf.version, "create", subject=subject, content_types=("text/vcf",)
        ),
    )
    return answered(
        TREATMENT,
        ehr,
        settings,
        ResourceEvent("DiagnosticReport/any", "1", "create", subject=subject, answer_of="genomics"),
    )


def test_her_genes_lead_to_a_cited_dose_and_her_age_withholds_the_other(
    plan: dict[str, Json],
) -> None:
    request = plan["dose-cyp2c19-clopidogrel-ticagrelor"]
    (amount,) = request["dosageInstruction"][0]["doseAndRate"]
    assert (amount["doseQuantity"]["value"], amount["doseQuantity"]["code"]) == (90, "mg")
    assert (
        "https://cpicpgx.org/guidelines/guideline-for-clopidogrel-and-cyp2c19/"
        in request["note"][0]["text"]
    )
    assert any(
        "Not proposed: prasugrel" in n["text"] and "75" in n["text"] for n in plan["report"]["note"]
    )


def test_her_orders_raise_the_interaction(plan: dict[str, Json]) -> None:
    issue = plan["interaction-clopidogrel-omeprazole-clopidogrel-omeprazole"]
    assert len(issue["implicated"]) == 2
    assert issue["reference"].startswith("https://dailymed.nlm.nih.gov/")


def test_what_is_written_is_valid(plan: dict[str, Json], hl7_errors: Validate) -> None:
    assert hl7_errors(collection(plan.values())) == []
