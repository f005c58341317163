"""Drugs beyond a limit of a laboratory value (pure)."""

from collections.abc import Iterator
from typing import Final

from services.treatment.chart import Chart
from services.treatment.findings import Alert, slug
from services.treatment.medications import Medications
from services.treatment.rules.ages import Age
from services.treatment.rules.tables import Limit
from services.treatment.safety.measures import Value, latest

MEASURE_NAMES: Final = {
    "egfr": "eGFR",
    "inr": "INR",
    "potassium": "potassium",
    "creatinine": "creatinine",
}


def limits(chart: Chart) -> Iterator[Alert]:
    """Raise one alert for each rule with a laboratory value beyond its limit.

    Only for the drugs of the patient, and not for a value that is too old.
    """
    for rule in chart.rules.limits:
        concerned = chart.medications.of_drugs(*rule.drugs)
        value = latest(rule.measure, chart) if concerned else None

        if value and beyond(rule, value.nearest) and age_of(value, rule, chart) != "stale":
            yield _alert(rule, concerned, value, age_of(value, rule, chart))


def age_of(value: Value, rule: Limit, chart: Chart) -> Age:
    """Tell whether a value is too old for a rule."""
    return chart.rules.ages.rules[rule.id].of(value.measured.time, chart.inputs.today)


def named(rule: Limit, value: Value) -> str:
    """Name a value in words: `eGFR < 30`."""
    return f"{MEASURE_NAMES[rule.measure]} {f'{value.comparator} {value.value:g}'.strip()}"


def beyond(rule: Limit, value: float) -> bool:
    """Tell whether a value is beyond the limit of a rule."""
    over = rule.over is None or value > rule.over
    below = rule.below is None or (rule.at_least or 0) <= value < rule.below

    return over and below


def _alert(rule: Limit, medications: Medications, value: Value, age: Age) -> Alert:
    measure = MEASURE_NAMES[rule.measure]
    day = f" on {value.measured.time[:10]}" if value.measured.time else ""
    doubt = ", of unknown age" if age == "unknown" else ""
    said = f"{named(rule, value)}{day}{doubt}{value.computed}; {medications.statement}."

    return Alert(
        key=f"limit-{slug(rule.id)}",
        rule=rule.id,
        code="DOSE",
        severity=rule.severity,
        title=f"{', '.join(medications.names)} and {measure}",
        detail=f"{said} {rule.effect} {rule.advice} Source: {rule.citation.text}.",
        implicated=medications.implicated,
        citation=rule.citation,
        evidence=(value.measured.reference,),
    )
