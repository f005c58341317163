"""The patient as the record stands now -> Inputs.

Everything is read again each time; nothing is remembered between events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from services.treatment import searches
from services.treatment.analyze import find
from services.treatment.domain import NAME, Inputs, Report
from services.treatment.model import load_rules
from services.treatment.record import genetics, hospital, reports
from services.treatment.record.content import content_of
from shared import instants
from shared.answers import Answer
from shared.errors import Withdrawn
from shared.events import ResourceEvent
from shared.fhir.summary import answer_of
from shared.fhir.times.clinical import clinical_time
from shared.fhir.times.stated import newest
from shared.json import Json
from shared.privacy.person import find_person, linked_questions
from shared.references import is_a, local_reference, version_of

if TYPE_CHECKING:
    from shared.ehr.client import Ehr
    from shared.settings import Settings


def gather(event: ResourceEvent, ehr: "Ehr", settings: "Settings") -> Inputs | None:
    """Read the patient's inputs.

    None where no careloop report stands and no rule speaks: a plan with no activity is noise.

    Raises:
        Withdrawn: the patient is gone; or nothing is left of what an earlier plan was drawn from,
            so that it must not stand.
        NotAnalysed: the links between the patient's records contradict each other.
    """
    subject, rules = event.subject or event.focus, load_rules()
    if not is_a(subject, "Patient"):
        raise Withdrawn("the patient is gone")

    ehr = ehr.ahead([*linked_questions(subject), *searches.questions((subject,), rules)])
    patient = ehr.read(subject)
    if patient is None or patient.get("active") is False:
        raise Withdrawn("the patient is gone")

    person = find_person(ehr, subject, patient)
    ehr = ehr.ahead(searches.questions(person.records, rules)) if person.retired else ehr
    today = instants.today(ZoneInfo(settings.timezone))
    inputs = read(patient, ehr, person.retired, today=today)
    if inputs.reports or not find(inputs, rules).silent:
        return inputs

    if ehr.head(Answer(NAME, subject)) is not None:
        raise Withdrawn("nothing is left of what the plan was drawn from")
    return None


def read(
    patient: Json, ehr: "Ehr", retired: Sequence[str] = (), *, today: date | None = None
) -> Inputs:
    """Read all inputs of the rules about one patient.

    Args:
        patient: the record in use.
        retired: the records that it replaces, `Patient/id` each.
        today: the day to count ages to; default: today in UTC.
    """
    subject = local_reference(patient)
    records = (subject, *retired)

    written = list(searches.reports(ehr, records))
    parsed = tuple(reports.report(r) for r in written)
    results = searches.results(ehr, records, parsed)
    found = _with_results(parsed, results)

    active = list(searches.orders(ehr, records))
    orders = [(o, searches.medication(ehr, o)) for o in active if answer_of(o) != NAME]
    medications = [m for _, m in orders if m is not None]
    problems = list(searches.problems(ehr, records))
    allergies = list(searches.allergies(ehr, records))
    values = list(searches.laboratory(ehr, records, load_rules()))

    recorded = [*problems, *(o for o, _ in orders), *allergies, *values]
    sources = [
        patient,
        *written,
        *(results[reference] for reference in _understood(found)),
        *recorded,
        # a contained Medication has no version of its own
        *(m for m in medications if m.get("meta")),
    ]

    return replace(
        found,
        subject=subject,
        retired=tuple(retired),
        content=content_of([patient, *written, *results.values(), *medications, *recorded]),
        sources={local_reference(r): version_of(r) for r in sources},
        birth_date=hospital.birth_date(patient),
        sex=patient.get("gender"),
        medications=(*(hospital.order(o, m) for o, m in orders), *found.medications),
        signed=tuple(hospital.order(o) for o in active if answer_of(o) == NAME),
        problems=tuple(hospital.problem(p) for p in problems),
        allergies=tuple(hospital.allergy(a) for a in allergies),
        measurements=tuple(m for v in values if (m := hospital.measurement(v))),
        today=today or instants.today(UTC),
        effective=newest(map(clinical_time, [*written, *results.values(), *recorded])),
    )


def _with_results(written: tuple[Report, ...], results: Mapping[str, Json]) -> Inputs:
    """Read the reports' own Observations; the rest of Inputs is still empty."""
    pairs = [
        (observation, report.reference)
        for report in written
        for reference in report.results
        if (observation := results.get(reference))
    ]
    genotypes = tuple(g for o, of in pairs if (g := genetics.genotype(o, of)))

    return Inputs(
        subject="",
        content="",
        sources={},
        today=date.min,
        reports=written,
        genotypes=genotypes,
        implications=tuple(i for o, of in pairs if (i := genetics.implication(o, of, genotypes))),
        findings=tuple(f for o, of in pairs if (f := reports.finding(o, of))),
        medications=tuple(m for o, of in pairs if (m := reports.mention(o, of))),
    )


def _understood(inputs: Inputs) -> list[str]:
    """List the understood Observations.

    Variants and haplotypes count through their genotype.
    """
    genetic = {g.reference for g in inputs.genotypes} | {i.reference for i in inputs.implications}
    others = {f.reference for f in inputs.findings} | {m.reference for m in inputs.medications}

    return sorted(genetic | others)
