"""The parts of a result that a clinician decides on one by one (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from services.review.decision import choices
from services.review.panels import findings, genes, passages, plan
from shared.fhir import lifecycle
from shared.json import Json

Fate = Literal["confirm", "refute", "leave"]

FINDING: Final[Mapping[Fate, str]] = {
    "confirm": "Confirm",
    "refute": "Refute",
    "leave": "Leave out",
}
ALERT: Final[Mapping[Fate, str]] = {"confirm": "Keep", "leave": "Leave out"}
PROPOSAL: Final[Mapping[Fate, str]] = {"confirm": "Accept", "leave": "Leave out"}


@dataclass(frozen=True)
class Part:
    """One of them.

    Attributes:
        key: of the output.
        sort: what it is, for people.
        fates: what may become of it, with the word for it. Only a finding is refuted: an alert or a
            proposal says nothing about the patient that could be wrong of her.
    """

    key: str
    sort: str
    name: str
    fates: Mapping[Fate, str]


def parts(outputs: Mapping[str, Json]) -> list[Part]:
    """List the drafts that are decided on one by one, as the page names them.

    Findings, genes, drug advice, problems, alerts and proposals.

    Requests are none: they are ordered or not by the answer to their choice.
    """
    offered = choices.offered(choices.choices(outputs))
    drafts = {
        k: r
        for k, r in outputs.items()
        if r["resourceType"] in lifecycle.STATUS and lifecycle.is_draft(r) and k not in offered
    }
    made = [
        Part(f.key, "Finding", _named(f.name, f.value), FINDING) for f in findings.findings(drafts)
    ]
    made += [
        Part(c.key, "Gene", _named(c.gene, c.diplotype), FINDING) for c in genes.gene_calls(drafts)
    ]
    made += [
        Part(a.key, "Drug advice", _named(a.drug, "; ".join(a.phenotypes)), FINDING)
        for a in genes.drug_advice(drafts)
    ]
    made += [Part(p.key, "Problem", p.name, FINDING) for p in passages.problems(drafts)]
    made += [Part(a.key, "Alert", a.name, ALERT) for a in findings.alerts(drafts, {})]
    made += [Part(p.key, p.kind, p.name, PROPOSAL) for p in plan.proposals(drafts, {})]
    return made


def _named(name: str, value: str) -> str:
    return f"{name}: {value}" if value else name
