"""Searches of the EHR for one patient's resources, under each of her records.

What treatment itself wrote (identifier codes.SERVICE = treatment) is left out, drafts and signed
ones alike: else a plan would be drawn from the plan before it. So a proposal that a clinician signs
does not count as an order until the EHR has an order of its own; the plan names it as not checked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from services.catalogue import analyser_names
from services.treatment.domain import NAME, Report
from services.treatment.record import hospital
from services.treatment.record.concepts import code_values
from services.treatment.rules.tables import Rules
from shared.ehr.ahead import Question, searching
from shared.fhir import codes
from shared.fhir.summary import answer_of
from shared.json import Json
from shared.references import is_a, local_reference, relative, subject_of

if TYPE_CHECKING:
    from shared.ehr.client import Ehr

REPORT_STATUS: Final = frozenset(
    {"partial", "preliminary", "final", "amended", "corrected", "appended"}
)
RESULT_STATUS: Final = REPORT_STATUS | {"registered"}
ORDERS: Final = frozenset(
    {"plan", "order", "original-order", "reflex-order", "filler-order", "instance-order"}
)
ACTIVE_PROBLEM: Final = frozenset({"active", "recurrence", "relapse"})
NOT_A_PROBLEM: Final = frozenset({"refuted", "entered-in-error"})
PAST_ALLERGY: Final = frozenset({"inactive", "resolved", "refuted", "entered-in-error"})
Records = Sequence[str]
"""The patient's records, `Patient/id` each: several where some were merged."""
KINDS: Final = ("DiagnosticReport", "MedicationRequest", "Condition", "AllergyIntolerance")
"""What is searched by the patient alone."""
PAGE: Final = "100"
IDS_AT_ONCE: Final = 40  # the URL stays far below the 2,000 characters that every proxy accepts


def report_services() -> frozenset[str]:
    """Name the analysers with reports for a plan."""
    return frozenset(analyser_names()) - {NAME}


def questions(records: Records, rules: Rules) -> list[Question]:
    """List the searches of all these records, for one request."""
    return [
        question
        for record in records
        for question in (
            *(searching(kind, _query(record)) for kind in KINDS),
            searching("Observation", _query(record, code=_measures(rules))),
        )
    ]


def reports(ehr: "Ehr", records: Records) -> Iterator[Json]:
    """Find the standing reports of the other analysers."""
    services = report_services()
    for report in _search(ehr, "DiagnosticReport", records):
        if answer_of(report) in services and report.get("status") in REPORT_STATUS:
            yield report


def results(ehr: "Ehr", records: Records, of_reports: Iterable[Report]) -> dict[str, Json]:
    """Read the standing Observations of these reports, by reference."""
    linked = {ref for report in of_reports for ref in report.results if is_a(ref, "Observation")}
    wanted = sorted(linked)

    found: dict[str, Json] = {}
    for start in range(0, len(wanted), IDS_AT_ONCE):
        ids = ",".join(ref.split("/")[1] for ref in wanted[start : start + IDS_AT_ONCE])
        query = {"_id": ids, "_count": PAGE}
        for record in records:
            found |= _by_reference(ehr.search("Observation", query, subject=record))

    # the index of a server may lag: what the search did not bring is read one by one
    read = {ref: found.get(ref) or ehr.read(ref) for ref in wanted}
    standing = {
        ref: r
        for ref, r in read.items()
        if r and subject_of(r) in records and r.get("status") in RESULT_STATUS
    }
    return _without_derived(standing, set(wanted) - set(standing))


def _without_derived(standing: Mapping[str, Json], lost: set[str]) -> dict[str, Json]:
    """Drop the Observations derived from a lost one.

    An implication goes with its genotype.
    """
    kept = dict(standing)
    while lost:
        lost = {ref for ref, r in kept.items() if _derived_from(r) & lost}
        kept = {ref: r for ref, r in kept.items() if ref not in lost}

    return kept


def _derived_from(observation: Json) -> set[str]:
    return {relative(d.get("reference", "")) for d in observation.get("derivedFrom", [])}


def problems(ehr: "Ehr", records: Records) -> Iterator[Json]:
    """Find the active Conditions, also the unconfirmed ones of our notes."""
    for condition in _search(ehr, "Condition", records):
        clinical = codes.first_code(condition.get("clinicalStatus"), codes.CONDITION_CLINICAL)
        verification = codes.first_code(
            condition.get("verificationStatus"), codes.CONDITION_VERIFICATION
        )
        active = clinical is None or clinical in ACTIVE_PROBLEM

        if active and verification not in NOT_A_PROBLEM and answer_of(condition) != NAME:
            yield condition


def orders(ehr: "Ehr", records: Records) -> Iterator[Json]:
    """Find the active orders of drugs, also those that a signature on our plans made."""
    for request in _search(ehr, "MedicationRequest", records):
        ordered = request.get("status") == "active" and request.get("intent") in ORDERS
        if ordered and not request.get("doNotPerform"):
            yield request


def medication(ehr: "Ehr", request: Json) -> Json | None:
    """Read the Medication of an order, contained or a resource of its own.

    None where there is none, and for one that was entered in error: it names no drug.
    """
    target = request.get("medicationReference", {}).get("reference", "")
    if target.startswith("#"):
        contained = (c for c in request.get("contained", []) if c.get("id") == target[1:])
        found: Json = next(contained, {})
        return found if found.get("resourceType") == "Medication" else None

    reference = relative(target)
    read = ehr.read(reference) if is_a(reference, "Medication") else None
    return read if read and read.get("status") != "entered-in-error" else None


def allergies(ehr: "Ehr", records: Records) -> Iterator[Json]:
    """Find the standing allergies."""
    for allergy in _search(ehr, "AllergyIntolerance", records):
        states = code_values(allergy.get("clinicalStatus"), allergy.get("verificationStatus"))
        if not states & PAST_ALLERGY:
            yield allergy


def laboratory(ehr: "Ehr", records: Records, rules: Rules) -> Iterator[Json]:
    """Find the latest Observation of each measure of the rules, none of ours."""
    latest: dict[str, tuple[datetime, Json]] = {}
    for observation in _search(ehr, "Observation", records, code=_measures(rules)):
        value = hospital.measurement(observation)
        standing = observation.get("status") in RESULT_STATUS and not answer_of(observation)
        if value is None or not standing:
            continue

        names = (name for name, loinc in rules.measures.items() if value.loinc in loinc)
        measure = next(names, None)
        if measure and (measure not in latest or value.at > latest[measure][0]):
            latest[measure] = (value.at, observation)

    yield from (latest[measure][1] for measure in sorted(latest))


def _measures(rules: Rules) -> str:
    return ",".join(f"{codes.LOINC}|{code}" for code in sorted(rules.loinc))


def _search(ehr: "Ehr", kind: str, records: Records, **params: str) -> Iterator[Json]:
    """Find every resource of a type about the patient, in the order of its reference.

    The same record gives the same inputs. A server may ignore a parameter, so each hit is checked.
    """
    by_reference: dict[str, Json] = {}
    for record in records:
        found = ehr.search(kind, _query(record, **params), subject=record)
        about = (r for r in found if r.get("resourceType") == kind and subject_of(r) == record)
        by_reference |= _by_reference(about)

    yield from (by_reference[reference] for reference in sorted(by_reference))


def _query(record: str, **params: str) -> dict[str, str]:
    return {"patient": record.split("/")[1], "_count": PAGE, **params}


def _by_reference(resources: Iterable[Json]) -> dict[str, Json]:
    return {local_reference(r): r for r in resources if "id" in r}
