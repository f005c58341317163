"""What the rules find about a patient (pure values).

References are `Type/id`.
"""

import re
from dataclasses import dataclass
from typing import Literal

from services.treatment.domain import Dose, Medication

Severity = Literal["high", "moderate", "low"]
RANK: dict[str, int] = {"high": 0, "moderate": 1, "low": 2}


@dataclass(frozen=True)
class Citation:
    """Where a rule comes from."""

    text: str
    url: str


@dataclass(frozen=True)
class Proposal:
    """One drug at one dose.

    Attributes:
        key: stable within the answer.
        rxnorm, drug: the ingredient.
        dose: None where the ordered dose is not known: then `text` alone says what is meant.
        route: `oral`, or as the order says it in words; None: not known.
        cautions: what else was found about it, each a sentence.
    """

    key: str
    drug: str
    rxnorm: str
    dose: Dose | None
    text: str
    note: str
    citations: tuple[Citation, ...]
    route: str | None = "oral"
    cautions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Withheld:
    """An option of a rule not proposed, and the reason."""

    drug: str
    reason: str
    citation: Citation


@dataclass(frozen=True)
class Choice:
    """The proposals of one gene rule for one drug; at most one is taken.

    Attributes:
        key: names it among the patient's choices: the rule, and the drug where the rule is about a
            class of which she may have several.
        rule: id of the rule.
        drug: the ingredient that the rule speaks on.
        why: the reasons in order, each a sentence.
        evidence: references of what it was drawn from.
        instead_of: the orders or mentions of the drug as it stands.
        ordered: the drug is ordered; otherwise it is only mentioned in a note.
    """

    key: str
    rule: str
    drug: str
    title: str
    severity: Severity
    why: tuple[str, ...]
    advice: str
    goal: str
    evidence: tuple[str, ...]
    instead_of: tuple[str, ...]
    ordered: bool
    citations: tuple[Citation, ...]
    proposals: tuple[Proposal, ...] = ()
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True)
class Alert:
    """A risk to look at before it harms.

    Attributes:
        code: v3-ActCode: DRG, DUPTHPY, ALGY, GEN, DOSE...
        implicated: the orders, notes' mentions or allergies that meet.
        evidence: what else it was drawn from.
    """

    key: str
    rule: str
    code: str
    severity: Severity
    title: str
    detail: str
    implicated: tuple[str, ...]
    citation: Citation
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class FollowUp:
    """A clinical assessment after an imaging finding."""

    key: str
    rule: str
    title: str
    order: str
    why: tuple[str, ...]
    goal: str
    evidence: tuple[str, ...]
    citation: Citation


@dataclass(frozen=True)
class Stale:
    """An input that a rule did not use, because it is too old.

    Attributes:
        reference: of the input.
        name: of the input, for people: `eGFR 25`.
        time: its clinical time, as the record writes it.
        rule: the rule's id; empty where no rule uses it.
        limit: the greatest age and its source, in words.
        would_speak: the rule would have spoken on a fresh one.
    """

    reference: str
    name: str
    time: str
    rule: str
    limit: str
    would_speak: bool = False


@dataclass(frozen=True)
class Findings:
    """All findings of the rules, worst first.

    Attributes:
        unsigned: the reports that nobody has signed.
        stale: what was not used for its age.
        unknown: the orders of which the rules know no ingredient.
    """

    choices: tuple[Choice, ...] = ()
    alerts: tuple[Alert, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    unsigned: tuple[str, ...] = ()
    stale: tuple[Stale, ...] = ()
    unknown: tuple[Medication, ...] = ()

    @property
    def silent(self) -> bool:
        """Tell whether no rule spoke, nor would have on an input that is too old."""
        speaks = self.choices or self.alerts or self.follow_ups
        return not speaks and not any(s.would_speak for s in self.stale)


def slug(text: str) -> str:
    """Write a text as a part of a draft's key: `[a-z0-9-]`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
