"""From what a sentence, a form and a heading say to one assertion (pure)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from services.notes.assertion.forms import Verdict
from services.notes.assertion.scope import Cues
from services.notes.domain import Assertion
from services.notes.reading.sections import Section

FAR: Final = 10**6
AMOUNT: Final = (
    r"(?:\d[\d.,/]*|one|two|three|four|five|six|seven|eight|ten|twelve|fifteen|twenty|thirty|forty"
    r"|fifty|sixty|seventy|eighty|ninety|half)(?:-\d+)?"
)
SALT: Final = (
    r"(?:\s{1,3}(?:sodium|potassium|calcium|magnesium|hydrochloride|hcl|succinate|tartrate|maleate"
    r"|mesylate|besylate|sulfate|sulphate|phosphate|citrate|fumarate|acetate|bromide"
    r"|er|xr|sr|xl|cr|ec|la|mr|dr|tablets?|capsules?|oral|extended-release|-))*"
)
UNIT: Final = (
    r"(?:mg|mcg|ug|µg|μg|g|gm|grams?|units?|u|iu|meq|ml|cc|%|tablets?|tabs?|capsules?|caps?|puffs?"
    r"|drops?|gtts?|sprays?|patch(?:es)?|mg/(?:kg|hr|h|day|ml))\b(?!/d?l\b)"
)
WHEN: Final = (
    r"(?:po|p\.o|iv|im|sc|sq|subq|daily|bid|b\.i\.d|tid|t\.i\.d|qid|q\.i\.d|qd|od|bd|tds|qds|qhs"
    r"|q\s*\d+\s*h(?:rs?|ours?)?|hs|prn|nightly|weekly|monthly|once|twice|every|each"
    r"|at (?:bedtime|night)|in the (?:morning|evening))\b"
)
FORM: Final = (
    r"(?:tablets?|capsules?|drip|infusion|inhalers?|patch|cream|ointment|drops|spray|injections?"
    r"|nebulizers?|suppository|syrup|solution|taper|therapy)\b"
)
DOSE: Final = re.compile(
    rf"{SALT}\W{{0,3}}(?:{AMOUNT}\s{{0,3}}-?\s{{0,3}}{UNIT}|(?:{AMOUNT}\s{{1,3}})?{WHEN}|{FORM})",
    re.IGNORECASE,
)
LABORATORY: Final = re.compile(
    r"\W{0,3}(?:was |is |of |at )?\d+(?:\.\d+)?\s{0,3}"
    r"(?:(?:mg|g|ug|mcg|ng|pg|u|iu|mmol|umol|nmol|meq|units?)\s{0,3}/\s{0,3}(?:d?l|ml|cc)\b"
    r"|mmol\b|mm\b|[HL*]\b|(?=[,.;)\s]{0,5}(?:$|[A-Za-z]+\s+\d)))",
)
STATUSES: Final = (
    "allergy",
    "stopped",
    "held",
    "refused",
    "level",
    "planned",
    "given once",
    "taken",
    "hypothetical",
    "historical",
)
OF_STATUS: Final[dict[str, Assertion]] = {
    "allergy": "allergy",
    "stopped": "stopped",
    "held": "stopped",
    "refused": "negated",
    "planned": "hypothetical",
    "given once": "present",
    "taken": "present",
    "hypothetical": "hypothetical",
    "historical": "historical",
}
PAST: Final = frozenset({"past_medical_history", "past_surgical_history"})


@dataclass(frozen=True)
class Evidence:
    """All that bears on one mention.

    Attributes:
        cues: what its sentence says.
        person: whose it is by its sentence.
        form: what a form answers, None where there is none.
        section: where it stands.
        of_patient: the sentence speaks of the patient by name before it.
        dosed: a dose, a route or a frequency follows.
        measured: a laboratory's value follows.
        chronic: what one had, one has.
    """

    cues: Cues
    person: str
    form: Verdict | None
    section: Section
    of_patient: bool = False
    dosed: bool = False
    measured: bool = False
    chronic: bool = False


def problem_assertion(evidence: Evidence) -> Assertion | None:
    """Return how the note speaks of a problem; None: a form's text alone."""
    if evidence.form is not None:
        return _of_form(evidence)
    return next((said for holds, said in OF_PROBLEM if holds(evidence)), "present")


def _is_familys(evidence: Evidence) -> bool:
    by_heading = evidence.section.assertion == "family" and not evidence.of_patient
    return evidence.person == "family" or "family" in evidence.cues or by_heading


def _is_past(evidence: Evidence) -> bool:
    current = evidence.cues.get("current", FAR)
    said = evidence.cues.get("historical", FAR)
    by_heading = evidence.section.category in PAST and current == FAR
    return not evidence.chronic and (said < current or by_heading)


OF_PROBLEM: Final[Sequence[tuple[Callable[[Evidence], bool], Assertion]]] = (
    (lambda e: "negated" in e.cues, "negated"),
    (lambda e: e.person == "other", "other"),
    (_is_familys, "family"),
    (lambda e: e.section.assertion == "allergy", "allergy"),
    (lambda e: "possible" in e.cues or e.section.assertion == "possible", "possible"),
    (lambda e: "hypothetical" in e.cues, "hypothetical"),
    (lambda e: e.section.assertion == "hypothetical", "hypothetical"),
    (_is_past, "historical"),
)
"""The first that holds; else the problem is present."""


def _of_form(evidence: Evidence) -> Assertion | None:
    if evidence.form == "unticked":
        return None
    if evidence.form in ("negated", "possible", "historical"):
        return evidence.form
    if evidence.section.assertion in ("family", "allergy"):
        return evidence.section.assertion
    past = evidence.section.category in PAST and not evidence.chronic
    return "historical" if past else "present"


def drug_assertion(evidence: Evidence) -> Assertion | None:
    """Return how the note speaks of a drug.

    None: it is a laboratory's word, or a form's.
    """
    if evidence.form is not None:
        return None if evidence.form == "unticked" else _drug_of_form(evidence)
    status = nearest_status(evidence.cues)
    if status == "level" or (evidence.measured and status is None and not evidence.dosed):
        return None
    given = next((said for holds, said in OF_DRUG if holds(evidence)), None)
    return given or (OF_STATUS[status] if status else _without_status(evidence))


OF_DRUG: Final[Sequence[tuple[Callable[[Evidence], bool], Assertion]]] = (
    (lambda e: "negated" in e.cues, "negated"),
    (lambda e: e.person == "other", "other"),
    (lambda e: e.person == "family", "family"),
    (lambda e: e.section.assertion == "allergy" and not _is_taken(e), "allergy"),
)
"""The first that holds goes before any status."""


def _is_taken(evidence: Evidence) -> bool:
    return nearest_status(evidence.cues) in ("taken", "given once")


def _without_status(evidence: Evidence) -> Assertion:
    """A named drug is not a taken drug: a dose or a list of drugs must say so."""
    if evidence.section.category == "procedure":
        return "mentioned"
    if evidence.section.assertion == "stopped":
        return "stopped"
    return "present" if evidence.dosed or evidence.section.lists_drugs else "mentioned"


def _drug_of_form(evidence: Evidence) -> Assertion:
    if evidence.form == "negated":
        return "negated"
    if evidence.section.assertion == "allergy":
        return "allergy"
    if evidence.form == "historical":
        return "stopped"
    return "hypothetical" if evidence.form == "possible" else "present"


def nearest_status(cues: Cues) -> str | None:
    """Return what the nearest cue says of a drug; where two are as near, the graver."""
    return min(
        (status for status in STATUSES if status in cues),
        key=lambda status: cues[status],
        default=None,
    )
