"""FHIR resources -> what the rules reason about (pure).

Tolerant: what can't be understood is left out, never guessed.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from services.treatment.domain import (
    Allergy,
    Finding,
    Genotype,
    Implication,
    Measurement,
    Medication,
    Problem,
    Report,
)
from services.treatment.record.content import AMENDED
from services.treatment.record.dosing import dose_of
from shared.fhir import codes
from shared.fhir.summary import answer_of
from shared.json import Json
from shared.references import relative
from shared.terms.pharmacogenetics import GENOTYPE, PHENOTYPE

GENE: Final = "48018-6"  # LOINC: gene studied
GENOTYPE_NAME: Final = "84413-4"  # LOINC: genotype display name
DRUG_ASSESSED: Final = "51963-7"  # LOINC: medication assessed
LOINC_ANSWERS: Final = {  # LL3856-8
    "LA10315-2": "ultrarapid metabolizer",
    "LA25390-8": "rapid metabolizer",
    "LA25391-6": "normal metabolizer",
    "LA10317-8": "intermediate metabolizer",
    "LA9657-3": "poor metabolizer",
}
METABOLIZERS: Final = (
    "ultrarapid",
    "rapid",
    "normal",
    "likely intermediate",
    "possible intermediate",
    "intermediate",
    "likely poor",
    "poor",
)
FUNCTIONS: Final = ("increased", "normal", "possible decreased", "decreased", "poor")
PHENOTYPES: Final = {  # by code, CPIC's standardized terms in lower case
    term.replace(" ", "-"): term
    for term in (
        *(f"{degree} metabolizer" for degree in METABOLIZERS),
        *(f"{degree} function" for degree in FUNCTIONS),
    )
}
MENTION: Final = "10160-0"  # LOINC: history of medication use, as our notes service writes it
DCM_FINDING: Final = "121071"
ABSENT: Final = frozenset({"NEG", "ND"})  # v3-ObservationInterpretation


def reference_of(resource: Json) -> str:
    """`Type/id`."""
    return f"{resource['resourceType']}/{resource['id']}"


def tokens(element: object) -> tuple[str, ...]:
    """`system|code` of every coding, sorted."""
    return tuple(
        sorted(
            {f"{c.get('system', '')}|{c['code']}" for c in codes.codings(element) if "code" in c}
        )
    )


def stated(*elements: object) -> frozenset[str]:
    """The codes of every coding, of whatever system: R4 lets a coding have a display alone."""
    return frozenset(
        str(c["code"]) for element in elements for c in codes.codings(element) if "code" in c
    )


def words(element: object) -> str:
    """Every text and display of a CodeableConcept, joined."""
    concept = element if isinstance(element, Mapping) else {}
    return "; ".join(
        dict.fromkeys(
            str(t)
            for t in (concept.get("text"), *(c.get("display") for c in codes.codings(element)))
            if t
        )
    )


def birth_date(patient: Json) -> date | None:
    """The birth date; a year or a month stands for its first day, so that an age is never too low.

    None where it is no date.
    """
    said = str(patient.get("birthDate", ""))
    try:
        return date.fromisoformat(f"{said}-01-01"[:10])
    except ValueError:
        return None


def report(resource: Json) -> Report:
    """A report of another careloop service."""
    status = resource.get("status")
    return Report(
        reference=reference_of(resource),
        service=answer_of(resource) or "",
        title=words(resource.get("code")) or "Report",
        conclusion=resource.get("conclusion", ""),
        unsigned=status in ("registered", "partial", "preliminary"),
        amended=status in AMENDED,
        results=tuple(
            relative(r["reference"]) for r in resource.get("result", []) if "reference" in r
        ),
    )


def genotype(observation: Json, of: str) -> Genotype | None:
    """Read the genotype in an Observation 84413-4 of the report `of`.

    None for another Observation, and where it names no genotype. Its text is shown, never read.
    """
    concept = observation.get("valueCodeableConcept")
    text = words(concept) or observation.get("valueString", "")
    if not text or not codes.has_code(observation.get("code"), codes.LOINC, GENOTYPE_NAME):
        return None

    return Genotype(
        reference=reference_of(observation),
        gene=next(iter(_genes(observation)), ""),
        value=text,
        report=of,
        certain=codes.first_code(concept, GENOTYPE) or "",
    )


def implication(
    observation: Json, of: str, genotypes: Sequence[Genotype] = ()
) -> Implication | None:
    """The therapeutic implication in an Observation of the report `of`; None where it names no
    RxNorm drug.
    """
    if not codes.has_code(observation.get("code"), codes.GENOMICS_TBD, "therapeutic-implication"):
        return None
    drug = next(
        (
            c
            for part in _components(observation, codes.LOINC, DRUG_ASSESSED)
            if (c := codes.first_code(part.get("valueCodeableConcept"), codes.RXNORM))
        ),
        None,
    )
    if drug is None:
        return None
    derived = {relative(r.get("reference", "")) for r in observation.get("derivedFrom", [])}
    genes = _genes(observation) or tuple(
        sorted({g.gene for g in genotypes if g.reference in derived})
    )
    advice = " ".join(n.get("text", "") for n in observation.get("note", []))
    artifact: Json = next(
        (
            e.get("valueRelatedArtifact", {})
            for e in observation.get("extension", [])
            if e.get("url") == codes.RELATED_ARTIFACT
        ),
        {},
    )
    return Implication(
        reference=reference_of(observation),
        drug=drug,
        genes=genes,
        phenotypes=phenotypes(observation),
        recommendation=advice,
        citation=artifact.get("display") or artifact.get("citation") or artifact.get("label", ""),
        url=artifact.get("url", ""),
        report=of,
        remarkable="N" not in stated(observation.get("interpretation")),
    )


def phenotypes(observation: Json) -> tuple[str, ...]:
    """Read CPIC's terms from the codes of the components.

    A component without a code that we know adds nothing: its words are never read.
    """
    parts = (
        p.get("valueCodeableConcept")
        for p in observation.get("component", [])
        if not codes.has_code(p.get("code"), codes.LOINC, DRUG_ASSESSED, GENE)
    )

    return tuple(dict.fromkeys(term for part in parts for term in _terms(part)))


def _terms(concept: object) -> list[str]:
    """Read CPIC's codes; where there is none, LOINC's answers."""
    coded = [(c.get("system"), c.get("code")) for c in codes.codings(concept)]
    cpic = [PHENOTYPES[c] for system, c in coded if system == PHENOTYPE and c in PHENOTYPES]

    return cpic or [
        LOINC_ANSWERS[c] for system, c in coded if system == codes.LOINC and c in LOINC_ANSWERS
    ]


def finding(observation: Json, of: str) -> Finding | None:
    """The imaging finding in an Observation DCM 121071 of the report `of`; None for another one,
    and for what was looked for and not found.
    """
    if (
        not codes.has_code(observation.get("code"), codes.DCM, DCM_FINDING)
        or stated(observation.get("interpretation")) & ABSENT
    ):
        return None
    value = observation.get("valueCodeableConcept")
    return Finding(reference_of(observation), tokens(value), words(value), of) if value else None


def mention(observation: Json, of: str) -> Medication | None:
    """The drug that a note mentions (LOINC 10160-0), None for another Observation."""
    value = observation.get("valueCodeableConcept")
    if not value or not codes.has_code(observation.get("code"), codes.LOINC, MENTION):
        return None
    return Medication(reference_of(observation), False, tokens(value), words(value), report=of)


def order(request: Json, medication: Json | None = None) -> Medication:
    """An ordered drug; `medication` is the Medication that the order points to, where it does."""
    concept = request.get("medicationCodeableConcept") or (medication or {}).get("code")
    ingredients = [
        i["itemCodeableConcept"]
        for i in (medication or {}).get("ingredient", [])
        if "itemCodeableConcept" in i
    ]
    text = "; ".join(t for t in (words(concept), *map(words, ingredients)) if t)
    instructions: list[Json] = request.get("dosageInstruction", [])
    routes = {words(i.get("route")) for i in instructions}
    return Medication(
        reference=reference_of(request),
        ordered=True,
        codes=tuple(sorted({*tokens(concept), *tokens(ingredients)})),
        text=text,
        dose=dose_of(instructions, text),
        route=(routes.pop() or None) if len(routes) == 1 else None,
        reasons=tuple(
            relative(r["reference"])
            for r in request.get("reasonReference", [])
            if "Condition/" in r.get("reference", "")
        ),
    )


def problem(condition: Json) -> Problem:
    """An active Condition.

    One without a verificationStatus is the clinician's own, hence confirmed.
    """
    status = codes.first_code(condition.get("verificationStatus"), codes.CONDITION_VERIFICATION)
    return Problem(
        reference_of(condition),
        tokens(condition.get("code")),
        words(condition.get("code")),
        status in (None, "confirmed"),
    )


def allergy(resource: Json) -> Allergy:
    """An allergy, with the substances of its reactions."""
    substances = [r.get("substance") for r in resource.get("reaction", []) if r.get("substance")]
    text = "; ".join(t for t in (words(resource.get("code")), *map(words, substances)) if t)
    return Allergy(
        reference_of(resource),
        tuple(sorted({*tokens(resource.get("code")), *tokens(substances)})),
        text,
    )


def measurement(observation: Json) -> Measurement | None:
    """A laboratory value; None without a number or without a time.

    A value beyond what the laboratory can measure (INR > 10) is one.
    """
    quantity = observation.get("valueQuantity", {})
    loinc = codes.first_code(observation.get("code"), codes.LOINC)
    period = observation.get("effectivePeriod", {})
    times = (
        observation.get("effectiveDateTime"),
        observation.get("effectiveInstant"),
        period.get("start"),
        period.get("end"),
        observation.get("issued"),
    )
    time = next((t for t in times if t), None)
    if "value" not in quantity or loinc is None or not time:
        return None
    unit, comparator = (
        str(quantity.get("code") or quantity.get("unit") or ""),
        str(quantity.get("comparator", "")),
    )
    factor = (
        60 if unit.lower().startswith("ml/s") else 1
    )  # filtration per second, as some countries report it
    return Measurement(
        reference_of(observation), loinc, float(quantity["value"]) * factor, unit, time, comparator
    )


def _components(observation: Json, system: str, code: str) -> Iterator[Json]:
    return (
        part
        for part in observation.get("component", [])
        if codes.has_code(part.get("code"), system, code)
    )


def _genes(observation: Json) -> tuple[str, ...]:
    """Read the gene symbols beside the HGNC codes of the gene-studied components."""
    symbols = (
        str(coding.get("display", ""))
        for part in _components(observation, codes.LOINC, GENE)
        for coding in codes.codings(part.get("valueCodeableConcept"))
        if coding.get("system") == codes.HGNC
    )

    return tuple(dict.fromkeys(symbol for symbol in symbols if symbol))
