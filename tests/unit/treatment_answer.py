"""What treatment answers on a record of its tests: findings and drafts."""

from services.treatment.analyze import find
from services.treatment.findings import Alert, Choice, Findings
from services.treatment.model import load_rules
from services.treatment.resources import resources
from shared.answers import Answer
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from tests.unit.treatment_record import PATIENT, inputs_of, report

MODEL = "treatment-rules"
PEN = Pen(
    Answer("treatment", PATIENT),
    1,
    PATIENT,
    "2026-01-01T00:00:00Z",
    {MODEL: "Device/d"},
    {MODEL: "careloop"},
)


def findings(*record: Json) -> Findings:
    """Apply the rules to a record."""
    return find(inputs_of(*record), load_rules())


def drafts(*record: Json) -> list[Draft]:
    """Draw the plan of a record."""
    inputs = inputs_of(*record)
    return resources(inputs, find(inputs, load_rules()), PEN)


def drawn(*record: Json) -> dict[str, Draft]:
    """Draw the plan of a record, by key."""
    return {draft.key: draft for draft in drafts(*record)}


def genes(*results: Json) -> tuple[Json, ...]:
    """Put these results into a genomics report."""
    return (report("genomics", "gen", *results), *results)


def only_choice(*record: Json) -> Choice:
    """Find the one choice on a record."""
    (choice,) = findings(*record).choices
    return choice


def alert(found: Findings, rule: str) -> Alert:
    """Find the one alert of a rule."""
    (one,) = [a for a in found.alerts if a.rule == rule]
    return one


def rules_of(found: Findings) -> set[str]:
    """Name the rules of all alerts."""
    return {a.rule for a in found.alerts}
