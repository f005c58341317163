"""Findings and alerts of any service, as lines of a table (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from services.review import present
from services.review.panels import certainty
from shared.fhir import codes, lifecycle
from shared.json import Json
from shared.references import local_reference

SEVERITIES: Final = ("high", "moderate", "low")
GENERIC: Final = (
    (codes.LOINC, "10160-0"),  # a drug that a note says is taken
    (codes.DCM, "121071"),
    (codes.LOINC, "59776-5"),
    (codes.SNOMED, "404684003"),
)  # "Finding": what is said stands in the value


GENOMIC: Final = (
    (codes.LOINC, "84413-4"),
    (codes.LOINC, "84414-2"),
    (codes.LOINC, "69548-6"),
)  # genotype, haplotype, variant


@dataclass(frozen=True)
class Finding:
    """One Observation.

    Attributes:
        confidence: 0..1, or None where the model gives none; it orders findings, no more.
        certainty: how sure the model is, in words.
        details: name and value of each component.
    """

    key: str
    name: str
    value: str
    site: str
    confidence: float | None
    certainty: str
    details: tuple[tuple[str, str], ...]
    note: str
    status: str


@dataclass(frozen=True)
class Alert:
    """One DetectedIssue."""

    key: str
    severity: str
    name: str
    detail: str
    citations: tuple[dict[str, str], ...]
    implicated: tuple[str, ...]
    status: str


def findings(outputs: Mapping[str, Json]) -> list[Finding]:
    """Return the Observations, surest first; genomic ones have tables of their own."""
    made = [
        finding(key, r)
        for key, r in outputs.items()
        if r["resourceType"] == "Observation"
        and not codes.has_code(r.get("category"), codes.V2_0074, "GE")
    ]
    ranks = certainty.ranks([f.confidence for f in made])
    worded = [
        replace(f, certainty=f.certainty or rank) for f, rank in zip(made, ranks, strict=True)
    ]
    return sorted(worded, key=lambda f: -(f.confidence or 0))


def finding(key: str, observation: Json) -> Finding:
    """The Observation as a line."""
    code, value = present.concept_text(observation.get("code")), present.value_text(observation)
    generic = value and any(
        codes.has_code(observation.get("code"), system, c) for system, c in GENERIC
    )
    absent = present.concept_text(observation.get("dataAbsentReason"))
    return Finding(
        key=key,
        name=value if generic else code,
        value=present.concept_text(observation.get("interpretation"))
        if generic
        else value or absent,
        site=present.concept_text(observation.get("bodySite")),
        confidence=present.confidence(observation),
        certainty=certainty.scored(observation),
        details=tuple(certainty.detail(c) for c in observation.get("component", [])),
        note=notes_of(observation),
        status=lifecycle.status_of(observation) or "",
    )


def alerts(resources: Mapping[str, Json], names: Mapping[str, str]) -> list[Alert]:
    """The DetectedIssues, gravest first.

    `names` says what an implicated reference is called.
    """
    made = [
        alert(key, r, names) for key, r in resources.items() if r["resourceType"] == "DetectedIssue"
    ]
    return sorted(
        made,
        key=lambda a: SEVERITIES.index(a.severity) if a.severity in SEVERITIES else len(SEVERITIES),
    )


def alert(key: str, issue: Json, names: Mapping[str, str]) -> Alert:
    """The DetectedIssue as a line; its `reference` is the guideline."""
    cited = [
        *present.citations(issue),
        *([present.cite(issue["reference"], issue["reference"])] if issue.get("reference") else []),
    ]
    involved = (names.get(r) for r in present.references(issue.get("implicated")))
    return Alert(
        key=key,
        severity=issue.get("severity", ""),
        name=present.concept_text(issue.get("code")) or "Alert",
        detail=issue.get("detail", ""),
        citations=tuple(cited),
        implicated=tuple(dict.fromkeys(filter(None, involved))),
        status=lifecycle.status_of(issue) or "",
    )


def notes_of(resource: Mapping[str, Any]) -> str:
    """The text of its annotations."""
    return " ".join(n.get("text", "") for n in resource.get("note", []))


def names_of(resources: Iterable[Json]) -> dict[str, str]:
    """What people call each resource: a drug, a problem, a test, a document."""
    return {local_reference(r): name for r in resources if (name := name_of(r))}


def _observed_name(observation: Mapping[str, Any]) -> str:
    """What was observed: the value where the code only says what was asked.

    Of a drug's implication the drug and what holds for it.
    """
    code, value = observation.get("code"), present.value_text(observation)
    if codes.has_code(code, codes.GENOMICS_TBD, "therapeutic-implication"):
        parts = [
            present.value_text(c)
            for c in observation.get("component", [])
            if codes.has_code(c.get("code"), codes.LOINC, "51963-7")
        ]
        kept = [
            present.value_text(c)
            for c in observation.get("component", [])
            if codes.has_code(c.get("code"), codes.GENOMICS_TBD, "therapeutic-implication")
        ]
        return ": ".join(filter(None, [", ".join(parts), ", ".join(kept)]))
    asked = any(codes.has_code(code, system, c) for system, c in (*GENERIC, *GENOMIC))
    return value if value and asked else present.concept_text(code)


def called(resource: Mapping[str, Any]) -> str:
    """Name a resource; where nothing in it is a name, by its kind."""
    return name_of(resource) or present.kind_text(str(resource["resourceType"]))


def name_of(resource: Mapping[str, Any]) -> str:
    """What people call it; empty where nothing in it is a name."""
    if resource["resourceType"] == "Observation":
        return _observed_name(resource)
    own_name = (
        present.concept_text(resource.get(e))
        for e in ("medicationCodeableConcept", "vaccineCode", "code", "type")
    )
    return str(
        resource.get("title")
        or next(filter(None, own_name), "")
        or resource.get("description")
        or ""
    )
