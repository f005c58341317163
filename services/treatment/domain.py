"""What treatment reads of a patient, and what it finds (pure values).

References are `Type/id`, coded values `system|code`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from shared import instants

Severity = Literal["high", "moderate", "low"]
RANK: dict[str, int] = {"high": 0, "moderate": 1, "low": 2}


@dataclass(frozen=True)
class Dose:
    """A dose and how often. `low == high` where it is one value.

    Attributes:
        unit: UCUM, `mg`, `mg/m2`, `mg/kg`.
        per_day: times a day, 0.5 for every other day; None: not known.
    """

    low: float
    high: float
    unit: str
    per_day: float | None = None

    @property
    def daily(self) -> float | None:
        """The highest amount a day, in `unit`; None where the frequency is not known."""
        return None if self.per_day is None else self.high * self.per_day


@dataclass(frozen=True)
class Report:
    """A DiagnosticReport of another careloop service.

    Attributes:
        service: who wrote it.
        unsigned: no clinician has decided on it yet.
        amended: a clinician changed it; its conclusion overrides its findings.
    """

    reference: str
    service: str
    title: str
    conclusion: str
    unsigned: bool
    amended: bool
    results: tuple[str, ...] = ()


@dataclass(frozen=True)
class Medication:
    """A drug that the patient has: ordered (MedicationRequest), or only mentioned in a note
    (Observation 10160-0).

    Attributes:
        codes: as ordered, RxNorm ingredient or product.
        text: every display and text of the medication, joined: the ingredient is found there where
            the code is not known.
        reasons: the Conditions that the order names.
        report: the notes report that mentions it; empty for an order.
    """

    reference: str
    ordered: bool
    codes: tuple[str, ...]
    text: str
    dose: Dose | None = None
    route: str | None = None
    reasons: tuple[str, ...] = ()
    report: str = ""


@dataclass(frozen=True)
class Problem:
    """An active Condition; unconfirmed ones come from a note or wait for a clinician."""

    reference: str
    codes: tuple[str, ...]
    text: str
    confirmed: bool


@dataclass(frozen=True)
class Allergy:
    """An active AllergyIntolerance."""

    reference: str
    codes: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Genotype:
    """A genotype Observation (LOINC 84413-4).

    Attributes:
        gene: HGNC's symbol, `CYP2C19`; empty where the report codes none.
        value: for people, `CYP2C19 *1/*2 or *1/*3`.
        certain: the code of the one genotype that the report is sure of, `CYP2C9 *1/*2`,
            `VKORC1 -1639 AG`; empty where it is sure of none.
    """

    reference: str
    gene: str
    value: str
    report: str
    certain: str = ""


@dataclass(frozen=True)
class Implication:
    """A therapeutic implication: what a patient's genes say about one drug.

    Attributes:
        drug: RxNorm ingredient code.
        phenotypes: CPIC's terms in lower case, `intermediate metabolizer`, of one gene or of
            several; empty where the report codes none that we know.
        recommendation: the guideline's sentence, as the report carries it.
        citation, url: its source, as the report carries it.
        remarkable: the report does not mark it as normal.
    """

    reference: str
    drug: str
    genes: tuple[str, ...]
    phenotypes: tuple[str, ...]
    recommendation: str
    citation: str
    url: str
    report: str
    remarkable: bool = True


@dataclass(frozen=True)
class Finding:
    """An imaging finding (DCM 121071)."""

    reference: str
    codes: tuple[str, ...]
    text: str
    report: str


@dataclass(frozen=True)
class Measurement:
    """The latest laboratory value of its kind that a rule asks for.

    Attributes:
        time: as the record says it, a date or a dateTime of any zone: for people. `at`: when that
            is.
        comparator: `<`, `<=`, `>`, `>=` where the laboratory could only say that the value lies
            beyond `value`; else empty.
    """

    reference: str
    loinc: str
    value: float
    unit: str
    time: str
    comparator: str = ""

    @property
    def at(self) -> datetime:
        """The moment, or the beginning of the day, month or year."""
        return instants.start(self.time)


@dataclass(frozen=True)
class Inputs:
    """One patient, as the record stands now.

    Attributes:
        content: digest of the clinical content (`content.py`); a signature alone leaves it as it
            is.
        sources: `Type/id` -> version of what the plan rests on.
        today: the day of reading; ages are counted to it. Not part of the content: a birthday alone
            draws no plan.
    """

    subject: str
    content: str
    sources: Mapping[str, str]
    today: date
    birth_date: date | None = None
    sex: str | None = None
    reports: tuple[Report, ...] = ()
    medications: tuple[Medication, ...] = ()
    problems: tuple[Problem, ...] = ()
    allergies: tuple[Allergy, ...] = ()
    genotypes: tuple[Genotype, ...] = ()
    implications: tuple[Implication, ...] = ()
    findings: tuple[Finding, ...] = ()
    measurements: tuple[Measurement, ...] = ()

    @property
    def age(self) -> int | None:
        """Completed years."""
        if self.birth_date is None:
            return None
        born, today = self.birth_date, self.today
        return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


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
    """A drug that the rule names and that is not proposed, and why."""

    drug: str
    reason: str
    rests_on: tuple[str, ...]
    citation: Citation


@dataclass(frozen=True)
class Choice:
    """What one gene rule proposes for one drug: at most one of its proposals, or none.

    Attributes:
        key: names it among the patient's choices: the rule, and the drug where the rule is about a
            class of which she may have several.
        rule: id of the rule that spoke.
        drug: the ingredient that the rule speaks on.
        why: the reasons in order, each a sentence.
        rests_on: references of what it was drawn from.
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
    rests_on: tuple[str, ...]
    instead_of: tuple[str, ...]
    ordered: bool
    citations: tuple[Citation, ...]
    proposals: tuple[Proposal, ...] = ()
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True)
class Alert:
    """Something to look at before it harms.

    Attributes:
        code: v3-ActCode: DRG, DUPTHPY, ALGY, GEN, DOSE...
        implicated: the orders, notes' mentions or allergies that meet.
        evidence: what else it rests on.
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
    """A clinical assessment that a finding asks for."""

    key: str
    rule: str
    title: str
    order: str
    why: tuple[str, ...]
    goal: str
    rests_on: tuple[str, ...]
    citation: Citation


@dataclass(frozen=True)
class Findings:
    """Everything the rules said, worst first; `unsigned` are the reports that it rests on and
    nobody has signed.
    """

    choices: tuple[Choice, ...] = ()
    alerts: tuple[Alert, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    unsigned: tuple[str, ...] = field(default=())

    @property
    def silent(self) -> bool:
        """No rule spoke."""
        return not (self.choices or self.alerts or self.follow_ups)


def slug(text: str) -> str:
    """`[a-z0-9-]`, what a draft's key may hold."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
