"""What the rules did not use because it is too old (pure)."""

from collections.abc import Iterator

from services.treatment.chart import Chart
from services.treatment.findings import Stale
from services.treatment.followup import age_of as age_of_finding
from services.treatment.followup import asking
from services.treatment.medications import Medications
from services.treatment.safety.limits import age_of, beyond, named
from services.treatment.safety.measures import latest


def stale(chart: Chart) -> Iterator[Stale]:
    """List the inputs that are too old, with their times."""
    yield from _values(chart)
    yield from _findings(chart)
    yield from _mentions(chart)


def _values(chart: Chart) -> Iterator[Stale]:
    """List laboratory values that matter to a drug of the patient."""
    for rule in chart.rules.limits:
        concerned = chart.medications.of_drugs(*rule.drugs)
        value = latest(rule.measure, chart) if concerned else None

        if value and age_of(value, rule, chart) == "stale":
            yield Stale(
                reference=value.measured.reference,
                name=named(rule, value),
                time=value.measured.time,
                rule=rule.id,
                limit=chart.rules.ages.rules[rule.id].source,
                would_speak=beyond(rule, value.nearest),
            )


def _findings(chart: Chart) -> Iterator[Stale]:
    for rule in chart.rules.follow_ups:
        for finding in asking(rule, chart):
            if age_of_finding(finding, rule, chart) == "stale":
                yield Stale(
                    reference=finding.reference,
                    name=finding.name or "imaging finding",
                    time=finding.time,
                    rule=rule.id,
                    limit=chart.rules.ages.rules[rule.id].source,
                    would_speak=True,
                )


def _mentions(chart: Chart) -> Iterator[Stale]:
    """List the drugs that only an old note mentions, each once by its newest mention."""
    limit = chart.rules.ages.inputs["mention"]
    known = set(chart.medications.names)
    every = Medications.with_stale(chart.inputs, chart.rules)

    for name in (n for n in every.names if n not in known):
        mention = max(every.of_drugs(name), key=lambda i: i.medication.at).medication
        yield Stale(
            mention.reference, f"{name}, mentioned in a note", mention.time, "", limit.source
        )
