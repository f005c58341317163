"""What an imaging finding asks for (pure)."""

from collections.abc import Iterator
from typing import Final

from services.treatment.chart import Chart
from services.treatment.domain import Finding
from services.treatment.findings import FollowUp, slug
from services.treatment.rules.ages import Age
from services.treatment.rules.tables import FollowUpRule
from services.treatment.safety.allergies import allergies_to

PENICILLIN: Final = "penicillin"  # the allergy that matters for the choice of an antibiotic


def follow_ups(chart: Chart) -> Iterator[FollowUp]:
    """Find the assessments after imaging findings.

    One for each rule with a finding that stands and no treatment that is ordered.
    """
    for rule in chart.rules.follow_ups:
        found = tuple(f for f in asking(rule, chart) if age_of(f, rule, chart) != "stale")
        if found:
            yield _follow_up(rule, found, chart)


def asking(rule: FollowUpRule, chart: Chart) -> tuple[Finding, ...]:
    """Find what asks for an assessment by a rule, whatever its age."""
    if chart.medications.of_drugs(rule.unless_class).ordered:
        return ()
    return tuple(f for f in chart.inputs.findings if rule.finding in f.codes)


def age_of(finding: Finding, rule: FollowUpRule, chart: Chart) -> Age:
    """Tell whether a finding is too old for a rule."""
    return chart.rules.ages.rules[rule.id].of(finding.time, chart.inputs.today)


def _follow_up(rule: FollowUpRule, found: tuple[Finding, ...], chart: Chart) -> FollowUp:
    known = tuple(p.reference for p in chart.inputs.problems if rule.finding in p.codes)
    allergic = allergies_to(PENICILLIN, chart)

    why = [rule.effect, _taken(found, rule, chart), rule.advice]
    if known:
        why.append("The same problem is in the record or in a note.")
    if allergic:
        why.append("A penicillin allergy is recorded: it matters for the choice of an antibiotic.")

    return FollowUp(
        key=f"followup-{slug(rule.id)}",
        rule=rule.id,
        title=rule.title,
        order=rule.order,
        why=tuple(why),
        goal=rule.goal,
        evidence=(*(f.reference for f in found), *known, *allergic),
        citation=rule.citation,
    )


def _taken(found: tuple[Finding, ...], rule: FollowUpRule, chart: Chart) -> str:
    """Tell of when the findings are; what nobody can tell is said."""
    times = dict.fromkeys(f.time[:10] for f in found if f.time)
    dated = f"Film of {', '.join(times)}." if times else ""
    if all(age_of(f, rule, chart) == "fresh" for f in found):
        return dated
    return f"{dated} A film is of unknown age: check when it was taken.".strip()
