"""The parts of a result that a clinician may accept or drop one by one (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.review.decision import choices
from services.review.panels import findings, genes, passages, plan
from shared.fhir import lifecycle
from shared.json import Json


@dataclass(frozen=True)
class Part:
    """One of them: the key of the output, what sort it is, and its name."""

    key: str
    sort: str
    name: str


def parts(outputs: Mapping[str, Json]) -> list[Part]:
    """List the drafts that may be kept or dropped, as the page names them.

    Findings, genes, drug advice, problems, alerts and proposals.

    Alternatives are none: they are taken or left by the answer to their choice.
    """
    offered = choices.offered(choices.choices(outputs))
    drafts = {
        k: r
        for k, r in outputs.items()
        if r["resourceType"] in lifecycle.STATUS and lifecycle.is_draft(r) and k not in offered
    }
    made = [Part(f.key, "Finding", _named(f.name, f.value)) for f in findings.findings(drafts)]
    made += [Part(c.key, "Gene", _named(c.gene, c.diplotype)) for c in genes.gene_calls(drafts)]
    made += [
        Part(a.key, "Drug advice", _named(a.drug, "; ".join(a.phenotypes)))
        for a in genes.drug_advice(drafts)
    ]
    made += [Part(p.key, "Problem", p.name) for p in passages.problems(drafts)]
    made += [Part(a.key, "Alert", a.name) for a in findings.alerts(drafts, {})]
    made += [Part(p.key, p.kind, p.name) for p in plan.proposals(drafts, {})]
    return made


def _named(name: str, value: str) -> str:
    return f"{name}: {value}" if value else name
