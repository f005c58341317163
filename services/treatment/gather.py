"""The patient as the record stands now -> Inputs. Everything is read again each time; nothing is
remembered between events.

What treatment itself wrote (identifier codes.SERVICE = treatment) is left out, drafts and signed
ones alike: else a plan would be drawn from the plan before it. So a proposal that a clinician signs
does not count as an order until the EHR has an order of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from services.catalogue import analyser_names
from services.treatment.analyze import find
from services.treatment.domain import Inputs, Report
from services.treatment.model import load_rules
from services.treatment.record import reports as parse
from services.treatment.record.content import content_of
from shared.answers import Answer
from shared.errors import Withdrawn
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.fhir.summary import answer_of
from shared.json import Json
from shared.references import relative

if TYPE_CHECKING:
    from shared.fhir.client import Ehr
    from shared.settings import Settings

NAME: Final = "treatment"
REPORT_STATUS: Final = frozenset(
    {"partial", "preliminary", "final", "amended", "corrected", "appended"}
)
RESULT_STATUS: Final = REPORT_STATUS | {"registered"}
ORDERS: Final = frozenset(
    {"plan", "order", "original-order", "reflex-order", "filler-order", "instance-order"}
)
NOT_A_PROBLEM: Final = frozenset({"refuted", "entered-in-error"})
GONE_ALLERGY: Final = frozenset({"inactive", "resolved", "refuted", "entered-in-error"})
ACTIVE_PROBLEM: Final = frozenset({"active", "recurrence", "relapse"})
PAGE: Final = "100"
IDS_AT_ONCE: Final = (
    40  # keeps the URL far below the 2,000 characters that every proxy lets through
)


def gather(event: ResourceEvent, ehr: "Ehr", settings: "Settings") -> Inputs | None:  # noqa: ARG001 - every service's gather takes the settings
    """The patient's inputs, or None where no careloop report stands and no rule speaks: a plan with
    no activity is noise.

    Raises:
        Withdrawn: the patient is gone; or nothing is left of what an earlier plan was drawn from,
            so that it must not stand.
    """
    subject = event.subject or event.focus
    patient = ehr.read(subject) if subject.startswith("Patient/") else None
    if patient is None or patient.get("active") is False:
        raise Withdrawn("the patient is gone")
    inputs = read(patient, ehr)
    if inputs.reports or not find(inputs, load_rules()).silent:
        return inputs
    if ehr.head(Answer(NAME, subject)) is not None:
        raise Withdrawn("nothing is left of what the plan was drawn from")
    return None


def report_services() -> frozenset[str]:
    """Name the analysers from whose reports a plan is drawn."""
    return frozenset(analyser_names()) - {NAME}


def read(patient: Json, ehr: "Ehr") -> Inputs:
    """Everything about one patient that a rule may ask for."""
    subject = parse.reference_of(patient)
    reports = list(_reports(ehr, subject))
    parsed = tuple(parse.report(r) for r in reports)
    results = _by_reference(_results(ehr, subject, parsed))
    problems = list(_problems(ehr, subject))
    orders = [(o, _medication(ehr, o)) for o in _orders(ehr, subject)]
    allergies = list(_allergies(ehr, subject))
    measured = list(_measured(ehr, subject))
    spoken = _with_results(parsed, results)
    medications = [m for _, m in orders if m is not None]
    rest = [*problems, *(o for o, _ in orders), *allergies, *measured]
    sources = [
        patient,
        *reports,
        *(results[ref] for ref in _understood(spoken)),
        *rest,
        *(m for m in medications if m.get("meta")),
    ]
    return replace(
        spoken,
        subject=subject,
        content=content_of([patient, *reports, *results.values(), *medications, *rest]),
        sources={
            parse.reference_of(r): str(r.get("meta", {}).get("versionId", "")) for r in sources
        },
        birth_date=parse.birth_date(patient),
        sex=patient.get("gender"),
        medications=(*(parse.order(o, m) for o, m in orders), *spoken.medications),
        problems=tuple(parse.problem(p) for p in problems),
        allergies=tuple(parse.allergy(a) for a in allergies),
        measurements=tuple(m for r in measured if (m := parse.measurement(r))),
    )


def _with_results(reports: tuple[Report, ...], results: Mapping[str, Json]) -> Inputs:
    """What the reports' own Observations say; the rest of Inputs is still empty."""
    pairs = [(o, r.reference) for r in reports for ref in r.results if (o := results.get(ref))]
    genotypes = tuple(g for o, of in pairs if (g := parse.genotype(o, of)))
    return Inputs(
        subject="",
        content="",
        sources={},
        today=datetime.now(UTC).date(),
        reports=reports,
        genotypes=genotypes,
        implications=tuple(i for o, of in pairs if (i := parse.implication(o, of, genotypes))),
        findings=tuple(f for o, of in pairs if (f := parse.finding(o, of))),
        medications=tuple(m for o, of in pairs if (m := parse.mention(o, of))),
    )


def _understood(spoken: Inputs) -> list[str]:
    """The Observations that something was read from; variants and haplotypes speak through their
    genotype.
    """
    genetic = {g.reference for g in spoken.genotypes} | {i.reference for i in spoken.implications}
    return sorted(
        genetic | {f.reference for f in spoken.findings} | {m.reference for m in spoken.medications}
    )


def _search(ehr: "Ehr", kind: str, subject: str, **params: str) -> Iterator[Json]:
    """Every resource of the kind about the patient, in the order of its reference: the same record
    gives the same inputs.
    """
    found = ehr.search(
        kind, {"patient": subject.split("/")[1], "_count": PAGE, **params}, subject=subject
    )
    mine = {
        parse.reference_of(r): r
        for r in found
        if r.get("resourceType") == kind and _subject(r) == subject
    }
    yield from (mine[reference] for reference in sorted(mine))


def _subject(resource: Json) -> str:
    return relative((resource.get("subject") or resource.get("patient") or {}).get("reference", ""))


def _reports(ehr: "Ehr", subject: str) -> Iterator[Json]:
    services = report_services()
    for report in _search(ehr, "DiagnosticReport", subject):
        if answer_of(report) in services and report.get("status") in REPORT_STATUS:
            yield report


def _results(ehr: "Ehr", subject: str, reports: Iterable[Report]) -> Iterator[Json]:
    """The reports' Observations that stand: searched by id, and those that the search did not bring
    read one by one (an index may lag).

    What was derived from one that was taken back does not stand either: an implication speaks for
    its genotype.
    """
    wanted = sorted({ref for r in reports for ref in r.results if ref.startswith("Observation/")})
    found: dict[str, Json] = {}
    for start in range(0, len(wanted), IDS_AT_ONCE):
        ids = ",".join(ref.split("/")[1] for ref in wanted[start : start + IDS_AT_ONCE])
        found |= _by_reference(
            ehr.search("Observation", {"_id": ids, "_count": PAGE}, subject=subject)
        )
    read = {reference: found.get(reference) or ehr.read(reference) for reference in wanted}
    standing = {
        ref: r
        for ref, r in read.items()
        if r and _subject(r) == subject and r.get("status") in RESULT_STATUS
    }
    lost = set(wanted) - set(standing)
    while lost:
        lost = {
            ref
            for ref, r in standing.items()
            if any(relative(d.get("reference", "")) in lost for d in r.get("derivedFrom", []))
        }
        standing = {ref: r for ref, r in standing.items() if ref not in lost}
    yield from standing.values()


def _problems(ehr: "Ehr", subject: str) -> Iterator[Json]:
    """Active Conditions, those that our notes found and nobody has confirmed included."""
    for condition in _search(ehr, "Condition", subject):
        clinical = codes.first_code(condition.get("clinicalStatus"), codes.CONDITION_CLINICAL)
        verification = codes.first_code(
            condition.get("verificationStatus"), codes.CONDITION_VERIFICATION
        )
        if (
            (clinical is None or clinical in ACTIVE_PROBLEM)
            and verification not in NOT_A_PROBLEM
            and answer_of(condition) != NAME
        ):
            yield condition


def _orders(ehr: "Ehr", subject: str) -> Iterator[Json]:
    for request in _search(ehr, "MedicationRequest", subject):
        if (
            request.get("status") == "active"
            and request.get("intent") in ORDERS
            and not request.get("doNotPerform")
            and answer_of(request) != NAME
        ):
            yield request


def _medication(ehr: "Ehr", request: Json) -> Json | None:
    """The Medication that an order points to, contained or a resource of its own; what was entered
    in error names no drug.
    """
    target = request.get("medicationReference", {}).get("reference", "")
    if target.startswith("#"):
        contained = next(
            (c for c in request.get("contained", []) if c.get("id") == target[1:]), None
        )
        return contained if contained and contained.get("resourceType") == "Medication" else None
    reference = relative(target)
    medication = ehr.read(reference) if reference.startswith("Medication/") else None
    return medication if medication and medication.get("status") != "entered-in-error" else None


def _allergies(ehr: "Ehr", subject: str) -> Iterator[Json]:
    for allergy in _search(ehr, "AllergyIntolerance", subject):
        if (
            not parse.stated(allergy.get("clinicalStatus"), allergy.get("verificationStatus"))
            & GONE_ALLERGY
        ):
            yield allergy


def _measured(ehr: "Ehr", subject: str) -> Iterator[Json]:
    """The latest Observation of each measure that a rule asks for, of ours none."""
    rules = load_rules()
    query = ",".join(f"{codes.LOINC}|{code}" for code in sorted(rules.loinc))
    latest: dict[str, tuple[datetime, Json]] = {}
    for observation in _search(ehr, "Observation", subject, code=query):
        value = parse.measurement(observation)
        if (
            value is None
            or answer_of(observation)
            or observation.get("status") not in RESULT_STATUS
        ):
            continue
        measure = next(
            (name for name, loinc in rules.measures.items() if value.loinc in loinc), None
        )
        if measure and (measure not in latest or value.at > latest[measure][0]):
            latest[measure] = (value.at, observation)
    yield from (latest[measure][1] for measure in sorted(latest))


def _by_reference(resources: Iterable[Json]) -> dict[str, Json]:
    return {parse.reference_of(r): r for r in resources if "id" in r}
