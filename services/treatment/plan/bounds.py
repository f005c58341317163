"""How much of a long record a plan names (pure).

A patient with hundreds of reports gets a plan of a size that every server takes. What is left out
stands in the record, is read each time, and counts for every rule: only its naming is cut.
"""

from collections.abc import Iterable
from typing import Final

from services.treatment.domain import (
    Finding,
    Genotype,
    Implication,
    Inputs,
    Medication,
    Problem,
    Report,
)
from services.treatment.findings import Findings
from shared.fhir import codes
from shared.json import Json

MOST_NAMED: Final = 40  # references in one element of a proposal, a goal or an alert
MOST_REPORTS: Final = 100
MOST_PROBLEMS: Final = 100
MOST_CONCLUSIONS: Final = 40  # reports whose conclusion is repeated in the plan's reasoning
MOST_OLD: Final = 10  # inputs that the plan's summary names as too old
MOST_UNKNOWN: Final = 10  # orders that it names as not checked
MOST_CONCLUSION: Final = 1_000  # characters of each
MOST_WORDS: Final = 10_000  # characters of a note or detail; our rules stay far below


def first_references(references: Iterable[str]) -> list[Json] | None:
    """Point to the first of these, each once; None where there is none."""
    return [codes.reference(r) for r in list(dict.fromkeys(references))[:MOST_NAMED]] or None


def clipped(text: str, most: int = MOST_WORDS) -> str:
    """Cut a long text, with `…` at its end."""
    return text if len(text) <= most else f"{text[: most - 2].rstrip()} …"


def problems(inputs: Inputs) -> list[Problem]:
    """List each problem once, however many notes found it.

    A confirmed one comes before what only a note has.
    """
    found: list[Problem] = []
    known: set[str] = set()
    for problem in sorted(inputs.problems, key=lambda p: not p.confirmed):
        names = set(problem.codes) or {problem.text.casefold() or problem.reference}
        if not names <= known:
            found.append(problem)
            known |= names

    return found


def reports(inputs: Inputs, findings: Findings) -> list[Report]:
    """Sort the reports by how much they matter to the plan.

    Those behind a finding come first, then the amended ones, then the others.
    """
    behind = reports_behind(inputs, drawn_from(findings))
    return sorted(inputs.reports, key=lambda r: (r.reference not in behind, not r.amended))


def reports_behind(inputs: Inputs, references: Iterable[str]) -> frozenset[str]:
    """Find the reports of these results."""
    wanted = frozenset(references)
    results: tuple[Implication | Genotype | Finding | Medication, ...] = (
        *inputs.implications,
        *inputs.genotypes,
        *inputs.findings,
        *inputs.medications,
    )
    return frozenset(result.report for result in results if result.reference in wanted)


def drawn_from(findings: Findings) -> frozenset[str]:
    """List all sources of the proposals, alerts and follow-ups."""
    choices = (ref for c in findings.choices for ref in (*c.evidence, *c.instead_of))
    alerts = (ref for a in findings.alerts for ref in (*a.implicated, *a.evidence))
    follow_ups = (ref for f in findings.follow_ups for ref in f.evidence)

    return frozenset((*choices, *alerts, *follow_ups))


def left_out(inputs: Inputs) -> list[str]:
    """Tell in words what the plan does not name; nothing where it names everything."""
    more = {
        "reports": len(inputs.reports) - MOST_REPORTS,
        "problems": len(problems(inputs)) - MOST_PROBLEMS,
    }
    counted = ", ".join(f"{number} more {what}" for what, number in more.items() if number > 0)
    if not counted:
        return []

    return [f"Also read for this plan, but not listed in it: {counted}."]
