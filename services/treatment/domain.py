"""What treatment reads of a patient (pure values).

References are `Type/id`, coded values `system|code`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from shared import instants

NAME: Final = "treatment"
UNKNOWN_PHENOTYPE: Final = "a phenotype that the rules do not know"


@dataclass(frozen=True)
class Dose:
    """A dose, and how often it is taken. `low == high` where it is one value.

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
        """Compute the highest amount a day, in `unit`.

        None where the frequency is not known.
        """
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
    """A drug of the patient.

    It is ordered (MedicationRequest), or only mentioned in a note (Observation 10160-0).

    Attributes:
        codes: as ordered, RxNorm ingredient or product.
        text: every display and text of the medication, joined: the ingredient is found there where
            the code is not known.
        reasons: the Conditions that the order names.
        report: the notes report that mentions it; empty for an order.
        time: the clinical time, as the record writes it; empty: not known.
    """

    reference: str
    ordered: bool
    codes: tuple[str, ...]
    text: str
    dose: Dose | None = None
    route: str | None = None
    reasons: tuple[str, ...] = ()
    report: str = ""
    time: str = ""

    @property
    def at(self) -> datetime:
        """Give the moment, or the beginning of the day, month or year."""
        return instants.start(self.time)


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
    """A therapeutic implication: the genes of a patient and one drug.

    Attributes:
        drug: RxNorm ingredient code.
        phenotypes: CPIC's terms in lower case, `intermediate metabolizer`, of one gene or of
            several; empty where the report codes none that we know.
        recommendation: the guideline's sentence, as the report carries it.
        citation, url: its source, as the report carries it.
        remarkable: the report does not mark it as normal.
        uncoded: a phenotype of it is in words alone, as an older version wrote it.
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
    uncoded: bool = False

    @property
    def description(self) -> str:
        """Name the genes and the phenotypes."""
        unknown = self.uncoded or not self.phenotypes
        phenotypes = (*self.phenotypes, *([UNKNOWN_PHENOTYPE] if unknown else []))
        return f"{'/'.join(self.genes) or 'The genes'}: {', '.join(phenotypes)}"


@dataclass(frozen=True)
class Finding:
    """An imaging finding (DCM 121071).

    Attributes:
        time: the film's, as the record writes it; empty: not known.
    """

    reference: str
    codes: tuple[str, ...]
    report: str
    name: str = ""
    time: str = ""


@dataclass(frozen=True)
class Measurement:
    """The latest laboratory value of its kind.

    Attributes:
        time: as the record writes it, a date or a dateTime of any zone: for people; empty: not
            known.
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
        """Give the moment, or the beginning of the day, month or year."""
        return instants.start(self.time)


@dataclass(frozen=True)
class Inputs:
    """One patient, as the record stands now.

    Attributes:
        content: digest of the clinical content (`record/content.py`); a signature alone leaves it
            as it is.
        sources: `Type/id` -> version of what the plan is drawn from.
        today: the day of reading; ages are counted to it. Not part of the content: a birthday alone
            draws no plan. In the hospital's zone.
        effective: the clinical time of the newest of all that was read; None: none has one.
        retired: the records that the patient's replaces, `Patient/id` each: it holds what was
            recorded under them, too.
        signed: the active orders of signed plans of ours. No rule reads them, and they are no part
            of the content: else a plan would be drawn from the plan before it.
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
    retired: tuple[str, ...] = ()
    signed: tuple[Medication, ...] = ()
    effective: str | None = None

    @property
    def age(self) -> int | None:
        """Count the completed years."""
        if self.birth_date is None:
            return None
        born, today = self.birth_date, self.today
        return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
