"""The drafts of a plan: their content, their validity in R4, their words."""

import re
from collections.abc import Sequence
from typing import Any

import pytest

from services.treatment.service import SERVICE, accepts
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.fhir.check import check
from shared.fhir.drafts import Draft
from shared.json import Json
from tests.hl7 import Validate, collection
from tests.unit.treatment_answer import drawn
from tests.unit.treatment_record import (
    GENOMICS,
    LOOP,
    PATIENT,
    implication,
    mention,
    order,
    patient,
    report,
    rich,
)

WEB = re.compile(r"https?://\S+")


def test_the_plan_is_the_report_and_names_every_other_draft() -> None:
    drafts = drawn(*LOOP)
    plan = drafts["report"].resource
    assert (plan["resourceType"], plan["status"], plan["intent"]) == (
        "CarePlan",
        "draft",
        "proposal",
    )
    named = {
        plan_ref["reference"]
        for plan_ref in (
            *plan["goal"],
            *plan["supportingInfo"],
            *(a["reference"] for a in plan["activity"]),
        )
    }
    grouped = {d.uuid for d in drafts.values() if d.resource["resourceType"] == "MedicationRequest"}
    assert {d.uuid for d in drafts.values()} - {drafts["report"].uuid} - grouped <= named
    assert codes.reference("DiagnosticReport/gen") in plan["supportingInfo"]


def test_a_dose_proposal_has_code_dose_timing_route_and_citation() -> None:
    request = drawn(*LOOP)["dose-cyp2c19-clopidogrel-ticagrelor"].resource
    assert codes.first_code(request["medicationCodeableConcept"], codes.RXNORM) == "1116632"
    (dosage,) = request["dosageInstruction"]
    assert dosage["doseAndRate"] == [
        {"doseQuantity": {"value": 90, "unit": "mg", "system": codes.UCUM, "code": "mg"}}
    ]
    assert dosage["timing"]["repeat"] == {"frequency": 2, "period": 1, "periodUnit": "d"}
    assert codes.first_code(dosage["route"], codes.SNOMED) == "26643006"
    assert request["priorPrescription"] == codes.reference("MedicationRequest/mr-clopidogrel")
    assert "PMID 35034351" in request["note"][0]["text"]


def test_an_interaction_alert_has_both_orders_and_its_source() -> None:
    issue = drawn(*LOOP)["interaction-clopidogrel-omeprazole-clopidogrel-omeprazole"].resource
    assert codes.first_code(issue["code"], codes.V3_ACT_CODE) == "DRG"
    assert [i["reference"] for i in issue["implicated"]] == [
        "MedicationRequest/mr-clopidogrel",
        "MedicationRequest/mr-omeprazole",
    ]
    assert issue["reference"].startswith("https://")
    assert issue["severity"] == "high"


def test_alternatives_are_a_group_of_which_at_most_one_is_taken() -> None:
    (action,) = drawn(*LOOP)["group-cyp2c19-clopidogrel"].resource["action"]
    assert (action["selectionBehavior"], action["requiredBehavior"]) == ("at-most-one", "could")
    assert len(action["action"]) == 2
    assert all(d["url"].startswith("https://") for d in action["documentation"])


def test_what_rests_on_unsigned_results_says_so_until_they_are_signed() -> None:
    unsigned = drawn(*LOOP)
    for key in (
        "report",
        "dose-cyp2c19-clopidogrel-ticagrelor",
        "gene-cyp2c19-clopidogrel-clopidogrel",
    ):
        assert "Based on AI results that were unsigned when this was drafted: genomics." in str(
            unsigned[key].resource
        )
    signed = drawn(*({**r, "status": "final"} if r is GENOMICS else r for r in LOOP))
    assert all("unsigned" not in str(d.resource) for d in signed.values())


def test_a_plan_on_reports_where_no_rule_speaks_says_that_this_is_no_clearance() -> None:
    drafts = drawn(patient(), report("imaging", "img", conclusion="Nothing suspicious."))
    assert list(drafts) == ["report"]
    assert any("not an all-clear" in n["text"] for n in drafts["report"].resource["note"])
    assert "activity" not in drafts["report"].resource


def test_every_proposal_and_alert_is_explained_once_and_names_its_rule() -> None:
    record = (
        *LOOP,
        report("notes", "n", mention("ibuprofen", "5640")),
        mention("ibuprofen", "5640"),
        order("lisinopril", "29046"),
    )
    drafts = drawn(*record)
    notes = [n["text"] for n in drafts["report"].resource["note"]]
    for rule, title in (
        ("cyp2c19-clopidogrel", "Clopidogrel: reduced effect (CYP2C19): "),
        ("clopidogrel-omeprazole", "High-severity alert, clopidogrel with omeprazole: "),
        ("raas-nsaid", "Moderate-severity alert, lisinopril with ibuprofen: "),
    ):
        assert sum(text.startswith(title) for text in notes) == 1, title
        named = {"system": codes.RULE, "value": rule}
        assert any(named in d.resource.get("identifier", []) for d in drafts.values())


@pytest.mark.parametrize("record", [LOOP, rich()], ids=["loop", "rich"])
def test_words_for_people_hold_no_id_of_a_rule_or_of_a_resource(record: Sequence[Json]) -> None:
    rules = {i["value"] for d in drawn(*record).values() for i in _rules(d)}
    assert rules
    for draft in drawn(*record).values():
        said = " ".join(_words(draft.resource))
        assert not re.search(r"\b[A-Z][A-Za-z]+/[a-z0-9-]+", WEB.sub("", said)), said
        assert not [r for r in rules if re.search(rf"(?<![\w-]){r}(?![\w-])", WEB.sub("", said))]


def _rules(draft: Draft) -> list[Json]:
    return [i for i in draft.resource.get("identifier", []) if i["system"] == codes.RULE]


def _words(element: Any, name: str = "") -> list[str]:
    """What people read of a resource: texts, details, descriptions, titles."""
    if isinstance(element, dict):
        return [w for k, v in element.items() for w in _words(v, k)]
    if isinstance(element, list):
        return [w for v in element for w in _words(v, name)]
    return [element] if name in ("text", "detail", "description", "title", "display") else []


def test_a_quoted_recommendation_is_explained_in_the_plan() -> None:
    quoted = implication(
        "omeprazole", "7646", "CYP2C19", "Ultrarapid Metabolizer", answer="LA10315-2"
    )
    notes = drawn(
        patient(), report("genomics", "gen", quoted), quoted, order("omeprazole", "7646")
    )["report"].resource["note"]
    assert any("What CPIC says on omeprazole." in n["text"] for n in notes)


def test_advice_without_a_dose_is_an_activity_in_words() -> None:
    details = [a["detail"] for a in drawn(*rich())["report"].resource["activity"] if "detail" in a]
    (avoid,) = details
    assert "azathioprine" in avoid["description"]
    assert "PMID 30447069" in avoid["description"]


def test_every_alert_and_proposal_carries_a_citation() -> None:
    for draft in drawn(*rich()).values():
        text = str(draft.resource)
        assert (
            "https://" in text.replace("https://careloop.example", "")
            or draft.resource["resourceType"] == "Goal"
        ), draft.key


@pytest.mark.parametrize(
    "record", [LOOP, rich(), (patient(), report("imaging", "img"))], ids=["loop", "rich", "silent"]
)
def test_drafts_pass_our_own_checks(record: Sequence[Json]) -> None:
    drafts = drawn(*record)
    for draft in drafts.values():
        check(draft.resource)
        assert draft.resource["resourceType"] in SERVICE.writes
        assert draft.key == draft.key.lower().replace("_", "-")


def test_drafts_pass_hl7s_validator(hl7_errors: Validate) -> None:
    drafts = drawn(*rich()).values()
    kinds = {d.resource["resourceType"] for d in drafts}
    assert kinds == SERVICE.writes
    urls = {d.uuid: f"{d.resource['resourceType']}/{d.key}" for d in drafts}
    assert (
        hl7_errors(
            collection(
                [
                    *rich(),
                    *(_stored(d, urls) for d in drafts),
                    {"resourceType": "Device", "id": "d"},
                ]
            )
        )
        == []
    )


def _stored(draft: Draft, urls: dict[str, str]) -> Json:
    """The draft as an EHR would hold it: with an id of at most 64 characters."""

    def pointed(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                k: (
                    _short(urls.get(v, v))
                    if k == "reference" and isinstance(v, str)
                    else pointed(v)
                )
                for k, v in value.items()
            }
        return [pointed(v) for v in value] if isinstance(value, list) else value

    return {**pointed(draft.resource), "id": draft.key[:64]}


def _short(reference: str) -> str:
    kind, _, key = reference.partition("/")
    return f"{kind}/{key[:64]}" if kind in SERVICE.writes else reference


# --- what is accepted


def event(focus: str, **fields: Any) -> ResourceEvent:
    return ResourceEvent(f"{focus}/1", "1", **{"action": "update", "subject": PATIENT, **fields})


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        (event("DiagnosticReport", answer_of="imaging", status="preliminary"), True),
        (event("DiagnosticReport", answer_of="genomics", status="cancelled"), True),
        (event("DiagnosticReport", status="final"), False),
        (event("DiagnosticReport", answer_of="treatment"), False),
        (event("Condition", status="active", verification="confirmed"), True),
        (event("Condition", status="resolved"), True),
        (event("Condition", verification="entered-in-error"), True),
        (event("Condition", answer_of="notes", status="active", verification="unconfirmed"), False),
        (event("Condition", answer_of="notes", verification="unconfirmed"), False),
        (
            event("Condition", answer_of="notes", status="resolved", verification="unconfirmed"),
            True,
        ),
        (event("Condition", answer_of="notes", status="active", verification="confirmed"), True),
        (event("Condition", answer_of="notes", verification="refuted"), True),
        (event("MedicationRequest", intent="order", status="active"), True),
        (event("MedicationRequest", intent="order", status="stopped"), True),
        (event("MedicationRequest", intent="proposal", status="draft"), False),
        (event("MedicationRequest", intent="order", answer_of="treatment"), False),
        (event("AllergyIntolerance"), True),
        (event("Observation", codes=("http://loinc.org|2160-0",)), True),
        (event("Observation", codes=("http://loinc.org|718-7",)), False),
        (event("Observation", status="entered-in-error", answer_of="genomics"), True),
        (event("Observation", status="corrected", answer_of="imaging"), True),
        (event("Observation", codes=("http://loinc.org|2160-0",), answer_of="treatment"), False),
        (event("RiskAssessment", status="entered-in-error", answer_of="genomics"), False),
        (event("RiskAssessment", status="final"), False),
        (event("ImagingStudy"), False),
        (event("CarePlan", answer_of="treatment"), False),
        (event("MedicationRequest", action="delete"), True),
        (event("MedicationRequest", action="delete", subject=None), False),
    ],
)
def test_what_is_accepted(given: ResourceEvent, accepted: bool) -> None:
    assert accepts(given) == accepted


def test_the_answer_is_about_the_patient() -> None:
    assert SERVICE.input_of(event("DiagnosticReport", answer_of="imaging")) == PATIENT
    assert SERVICE.quiet_sec == "plan_quiet_sec"
