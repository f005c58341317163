"""How much of a long record a plan names (pure): a patient with hundreds of reports gets a plan of
a size that every server takes.

What is left out stands in the record, is read each time, and counts for every rule: only its naming
is cut.
"""

from collections.abc import Iterable
from typing import Final

from services.treatment.domain import (
    Finding,
    Findings,
    Genotype,
    Implication,
    Inputs,
    Medication,
    Problem,
    Report,
)
from shared.fhir import codes
from shared.json import Json

MOST_NAMED: Final = 40  # references in one element of a proposal, a goal or an alert
MOST_REPORTS: Final = 100
MOST_PROBLEMS: Final = 100
MOST_TOLD: Final = 40  # reports whose conclusion is repeated in the plan's reasoning
MOST_CONCLUSION: Final = 1_000  # characters of each
MOST_WORDS: Final = (
    10_000  # characters of one note or detail; the words of our rules stay far below
)


def named(references: Iterable[str]) -> list[Json] | None:
    """The first of these as References, each once; None where there is none."""
    return [codes.reference(r) for r in list(dict.fromkeys(references))[:MOST_NAMED]] or None


def clipped(text: str, most: int = MOST_WORDS) -> str:
    """The text, or its beginning and a sign that it goes on."""
    return text if len(text) <= most else f"{text[: most - 2].rstrip()} …"


def problems(inputs: Inputs) -> list[Problem]:
    """Each problem once, however many notes found it, a confirmed one before what a note alone
    says.
    """
    found: list[Problem] = []
    known: set[str] = set()
    for problem in sorted(inputs.problems, key=lambda p: not p.confirmed):
        said = set(problem.codes) or {problem.text.casefold() or problem.reference}
        if not said <= known:
            found.append(problem)
            known |= said
    return found


def reports(inputs: Inputs, findings: Findings) -> list[Report]:
    """Those that something was drawn from first, then those that a clinician amended, then the
    others.
    """
    behind = reports_behind(inputs, drawn_from(findings))
    return sorted(inputs.reports, key=lambda r: (r.reference not in behind, not r.amended))


def reports_behind(inputs: Inputs, references: Iterable[str]) -> frozenset[str]:
    """The reports that these results belong to."""
    wanted = frozenset(references)
    spoken: tuple[Implication | Genotype | Finding | Medication, ...] = (
        *inputs.implications,
        *inputs.genotypes,
        *inputs.findings,
        *inputs.medications,
    )
    return frozenset(item.report for item in spoken if item.reference in wanted)


def drawn_from(findings: Findings) -> frozenset[str]:
    """Everything that a proposal or an alert rests on."""
    chosen = (ref for c in findings.choices for ref in (*c.rests_on, *c.instead_of))
    raised = (ref for a in findings.alerts for ref in (*a.implicated, *a.evidence))
    return frozenset((*chosen, *raised, *(ref for f in findings.follow_ups for ref in f.rests_on)))


def left_out(inputs: Inputs) -> list[str]:
    """What the plan does not name, in words; nothing where it names everything."""
    more = {
        "reports": len(inputs.reports) - MOST_REPORTS,
        "problems": len(problems(inputs)) - MOST_PROBLEMS,
    }
    said = [f"{number} more {what}" for what, number in more.items() if number > 0]
    return (
        [f"Read for this plan, too, and not named in it for their number: {', '.join(said)}."]
        if said
        else []
    )
