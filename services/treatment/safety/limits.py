"""Drugs beyond a limit of a laboratory value (pure)."""

from collections.abc import Iterator
from typing import Final

from services.treatment.chart import Chart
from services.treatment.findings import Alert, slug
from services.treatment.medications import Medications
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

    Only for the drugs that the patient has.
    """
    for rule in chart.rules.limits:
        concerned = chart.medications.of_drugs(*rule.drugs)
        value = latest(rule.measure, chart) if concerned else None

        if value and _beyond(rule, value.nearest):
            yield _alert(rule, concerned, value)


def _beyond(rule: Limit, value: float) -> bool:
    over = rule.over is None or value > rule.over
    below = rule.below is None or (rule.at_least or 0) <= value < rule.below

    return over and below


def _alert(rule: Limit, medications: Medications, value: Value) -> Alert:
    measure = MEASURE_NAMES[rule.measure]
    number = f"{value.comparator} {value.value:g}".strip()
    sentence = (
        f"{measure} {number} on {value.measured.time[:10]}{value.computed}, "
        f"and the patient has {medications.description}."
    )

    return Alert(
        key=f"limit-{slug(rule.id)}",
        rule=rule.id,
        code="DOSE",
        severity=rule.severity,
        title=f"{', '.join(medications.names)} and {measure}",
        detail=f"{sentence} {rule.effect} {rule.advice} Source: {rule.citation.text}.",
        implicated=medications.implicated,
        citation=rule.citation,
        evidence=(value.measured.reference,),
    )
