"""What the audit trail of the EHR says of a person's reads."""

from dataclasses import replace

import pytest

from shared.fhir.check import check
from shared.json import Json
from shared.privacy import audit
from shared.privacy.audit import Requestor
from tests.hl7 import Validate, collection

ADA = Requestor("Practitioner/1", "Dr. Ada Berg", "ada", "10.1.2.3")
NOW = "2026-01-01T00:00:00.000Z"


def test_a_service_at_work_is_its_own_requestor() -> None:
    event = audit.access(
        "R", device="Device/1", ehr="https://ehr.example/fhir", patient=None, data=[], now=NOW
    )
    assert [agent["requestor"] for agent in event["agent"]] == [True, False]


def test_for_a_person_the_service_is_none() -> None:
    for action in "RCU":
        event = audit.access(
            action,
            device="Device/1",
            ehr="https://ehr.example/fhir",
            patient="Patient/1",
            data=["Task/1"],
            now=NOW,
            person=ADA,
        )
        assert [agent["requestor"] for agent in event["agent"]] == [True, False, False]
        assert event["source"]["observer"] == {"reference": "Device/1"}


def test_a_patient_on_several_rows_is_named_once() -> None:
    event = audit.listing(
        device="Device/1",
        ehr="https://ehr.example/fhir",
        patients=["Patient/1", "Patient/2", "Patient/1"],
        data=["Task/1", "Task/2", "Task/3"],
        query="worklist",
        now=NOW,
        person=ADA,
    )
    patients = [e["what"] for e in event["entity"] if e["type"]["code"] == "1"]
    assert patients == [{"reference": "Patient/1"}, {"reference": "Patient/2"}]


def test_identifiers_take_the_place_of_every_reference() -> None:
    event = audit.access(
        "R",
        device="Device/1",
        ehr="https://ehr.example/fhir",
        patient="Patient/1",
        data=["Task/1"],
        now=NOW,
        person=ADA,
    )
    assert "reference" in str(event)
    plain = audit.by_identifier(event)
    assert "reference" not in str(plain)
    for named in ("Practitioner/1", "Device/1", "Task/1", "Patient/1"):
        assert f"'value': '{named}'" in str(plain)


def test_an_address_that_is_not_known_is_left_out() -> None:
    nowhere = Requestor("Practitioner/1", "Berg", "", "")
    event = audit.access(
        "R",
        device="Device/1",
        ehr="https://ehr.example/fhir",
        patient=None,
        data=[],
        now=NOW,
        person=nowhere,
    )
    assert "network" not in event["agent"][0] and "altId" not in event["agent"][0]


def events() -> dict[str, Json]:
    """One of each kind."""
    common = {"device": "Device/1", "ehr": "https://ehr.example/fhir", "now": NOW}
    hurried = replace(ADA, in_emergency=True)
    read = audit.access("R", patient="Patient/1", data=["Task/1"], person=hurried, **common)
    return {
        "read": read,
        "update": audit.access("U", patient="Patient/1", data=["Task/1"], person=ADA, **common),
        "by identifier": audit.by_identifier(read),
        "list": audit.listing(
            patients=["Patient/1"], data=["Task/1"], query="worklist", person=ADA, **common
        ),
        "search that found nobody": audit.listing(
            patients=[], data=[], query="worklist, searched", person=ADA, **common
        ),
        "emergency": audit.emergency(
            patient="Patient/1", reason="Unconscious", until=NOW, person=hurried, **common
        ),
    }


@pytest.mark.parametrize("kind", events())
def test_every_event_is_valid(kind: str) -> None:
    check(events()[kind])


def test_every_event_is_valid_for_hl7(hl7_errors: Validate) -> None:
    numbered = [event | {"id": str(n)} for n, event in enumerate(events().values())]
    assert hl7_errors(collection(numbered)) == []
