"""What an imaging finding asks for (pure)."""

from collections.abc import Iterator, Sequence

from services.treatment.domain import FollowUp, Inputs, slug
from services.treatment.medications import Held, those
from services.treatment.rules.tables import Rules
from services.treatment.safety import interactions as safety


def follow_ups(inputs: Inputs, held: Sequence[Held], rules: Rules) -> Iterator[FollowUp]:
    """One for each rule whose finding stands and whose treatment is not ordered."""
    for rule in rules.follow_ups:
        found = [f for f in inputs.findings if rule.finding in f.codes]
        treated = any(h.medication.ordered for h in those(held, rule.unless_class))
        if not found or treated:
            continue
        known = [p for p in inputs.problems if rule.finding in p.codes]
        allergy = safety.has_allergy(inputs, "penicillin", rules)
        why = [rule.effect, rule.advice]
        why += ["The same problem stands in the record or was found in a note."] if known else []
        why += (
            ["A penicillin allergy is recorded: it matters for the choice of an antibiotic."]
            if allergy
            else []
        )
        rests_on = (*(f.reference for f in found), *(p.reference for p in known), *allergy)
        yield FollowUp(
            f"followup-{slug(rule.id)}",
            rule.id,
            rule.title,
            rule.order,
            tuple(why),
            rule.goal,
            rests_on,
            rule.citation,
        )
