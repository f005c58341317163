"""The drugs and doses of a gene rule (pure).

A drug is compared with the contraindications, the allergies and the interactions first. A grave
objection withholds it, with the reason; a mild one goes with it as a caution.
"""

from dataclasses import replace

from services.treatment.chart import Chart
from services.treatment.domain import Dose, Medication
from services.treatment.findings import Proposal, Withheld, slug
from services.treatment.medications import Medications
from services.treatment.rules.drugs import Drug
from services.treatment.rules.tables import GeneRule, Option
from services.treatment.safety.objections import Objection, objections


def key_of(rule: GeneRule, drug: str) -> str:
    """Name a choice of this rule.

    A rule about a class speaks once for each drug of the class that the patient has.
    """
    return slug(rule.id if rule.drug == drug else f"{rule.id}-{drug}")


def proposals(
    rule: GeneRule, drug: Drug, chart: Chart
) -> tuple[tuple[Proposal, ...], tuple[Withheld, ...]]:
    """Propose or withhold each option of a rule on a drug of the patient."""
    proposed: list[Proposal] = []
    withheld: list[Withheld] = []

    for option in rule.options:
        daily = option.dose * (option.per_day or 1) if option.dose else None
        against = list(objections(chart.rules.drugs[option.drug], daily, chart, instead_of=drug))

        if grave := next((o for o in against if o.grave), None):
            withheld.append(Withheld(option.drug, grave.reason, grave.citation))
        else:
            proposed.append(_cautioned(_proposal(rule, option, drug, chart), against))

    return tuple(proposed), tuple(withheld)


def _cautioned(proposal: Proposal, against: list[Objection]) -> Proposal:
    sources = (*proposal.citations, *(o.citation for o in against))

    return replace(
        proposal,
        cautions=tuple(dict.fromkeys(o.reason for o in against)),
        citations=tuple(dict.fromkeys(sources)),
    )


def _proposal(rule: GeneRule, option: Option, drug: Drug, chart: Chart) -> Proposal:
    medications = chart.medications.of_drugs(drug.name)
    dose, text = _dose(option, _only_one(medications))
    route = "oral" if option.fraction is None else medications.ingredients[0].medication.route

    return Proposal(
        key=f"dose-{key_of(rule, drug.name)}-{slug(option.drug)}",
        drug=option.drug,
        rxnorm=chart.rules.drugs[option.drug].rxnorm,
        dose=dose,
        text=text,
        note=option.note,
        citations=tuple(dict.fromkeys((rule.citation, option.citation))),
        route=route,
    )


def _only_one(medications: Medications) -> Medication | None:
    """Find the one order or mention; two orders may be one dose in two strengths."""
    return medications.ingredients[0].medication if len(medications.references) == 1 else None


def _dose(option: Option, ordered: Medication | None) -> tuple[Dose | None, str]:
    """Give the dose of an option and its words.

    Without one known ordered dose a fraction stays words.
    """
    if option.fraction is None:
        dose = Dose(option.dose, option.dose, "mg", option.per_day) if option.dose else None
        return dose, option.text

    low, high = option.fraction
    share = f"{low:.0%}" if low == high else f"{low:.0%} to {high:.0%}"
    if ordered is None or ordered.dose is None:
        return None, f"{share} of the usual starting dose"

    given = ordered.dose
    dose = Dose(round(given.low * low, 3), round(given.high * high, 3), given.unit, given.per_day)
    amount = f"{dose.high:g}" if dose.low == dose.high else f"{dose.low:g} to {dose.high:g}"
    text = (
        f"{amount} {dose.unit} each time ({share} of the prescribed dose), as often as prescribed"
    )

    return dose, text
