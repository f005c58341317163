"""What an imaging finding asks for (pure)."""

from collections.abc import Iterator
from typing import Final

from services.treatment.chart import Chart
from services.treatment.findings import FollowUp, slug
from services.treatment.rules.tables import FollowUpRule
from services.treatment.safety.allergies import allergies_to

PENICILLIN: Final = "penicillin"  # the allergy that matters for the choice of an antibiotic


def follow_ups(chart: Chart) -> Iterator[FollowUp]:
    """Find the assessments after imaging findings.

    One for each rule with a finding that stands and no treatment that is ordered.
    """
    for rule in chart.rules.follow_ups:
        found = tuple(f.reference for f in chart.inputs.findings if rule.finding in f.codes)
        treated = chart.medications.of_drugs(rule.unless_class).ordered

        if found and not treated:
            yield _follow_up(rule, found, chart)


def _follow_up(rule: FollowUpRule, found: tuple[str, ...], chart: Chart) -> FollowUp:
    known = tuple(p.reference for p in chart.inputs.problems if rule.finding in p.codes)
    allergic = allergies_to(PENICILLIN, chart)

    why = [rule.effect, rule.advice]
    if known:
        why.append("The same problem stands in the record or was found in a note.")
    if allergic:
        why.append("A penicillin allergy is recorded: it matters for the choice of an antibiotic.")

    return FollowUp(
        key=f"followup-{slug(rule.id)}",
        rule=rule.id,
        title=rule.title,
        order=rule.order,
        why=tuple(why),
        goal=rule.goal,
        evidence=(*found, *known, *allergic),
        citation=rule.citation,
    )
