"""A gene-guided choice as drafts: requests, and a group of alternatives (pure)."""

from collections.abc import Sequence

from services.treatment.domain import Inputs
from services.treatment.findings import Choice, Proposal
from services.treatment.plan import bounds, words
from services.treatment.plan.dosage import dosage
from services.treatment.plan.rule import by_rule
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from shared.references import is_a


def choice_drafts(choice: Choice, inputs: Inputs, pen: Pen) -> tuple[list[Draft], Json]:
    """Write the drafts of a choice and the plan's activity.

    The activity is one request, a group of which at most one is taken, or words alone.
    """
    requests = [_request(p, choice, inputs, pen) for p in choice.proposals]
    if not requests:
        return [], {"detail": _advice(choice, inputs)}
    if len(requests) == 1:
        return requests, {"reference": requests[0].ref}

    group = _group(choice, requests, pen)
    return [*requests, group], {"reference": group.ref}


def _group(choice: Choice, requests: Sequence[Draft], pen: Pen) -> Draft:
    sources = [{"type": "citation", "display": c.text, "url": c.url} for c in choice.citations]
    alternatives = [
        {"title": f"{p.drug} {p.text}", "resource": request.ref}
        for p, request in zip(choice.proposals, requests, strict=True)
    ]

    draft = pen.draft(
        "RequestGroup",
        f"group-{choice.key}",
        reasonReference=bounds.first_references(choice.evidence),
        action=[
            {
                "title": choice.title,
                "description": choice.advice,
                "documentation": sources,
                "selectionBehavior": "at-most-one",
                "requiredBehavior": "could",
                "action": alternatives,
            }
        ],
    )
    return by_rule(draft, choice.rule)


def _advice(choice: Choice, inputs: Inputs) -> Json:
    """Write the activity of a choice without a proposal."""
    withheld = "".join(f" {w.drug} is not proposed: {w.reason}." for w in choice.withheld)
    sentences = [
        f"{choice.title}. {choice.advice}{withheld} {words.sources(choice.citations)}",
        words.unsigned_behind(inputs, choice.evidence),
    ]
    detail: Json = {"status": "not-started", "description": " ".join(s for s in sentences if s)}

    if reasons := bounds.first_references(choice.evidence):
        detail["reasonReference"] = reasons
    return detail


def _request(proposal: Proposal, choice: Choice, inputs: Inputs, pen: Pen) -> Draft:
    orders = [ref for ref in choice.instead_of if is_a(ref, "MedicationRequest")]
    reasons = (*choice.evidence, *_reasons_of(orders, inputs))
    sentences = (
        *choice.why,
        choice.advice,
        words.proposal(proposal),
        words.sources(proposal.citations),
        words.unsigned_behind(inputs, choice.evidence),
    )

    draft = pen.draft(
        "MedicationRequest",
        proposal.key,
        medicationCodeableConcept=codes.concept(
            codes.RXNORM, proposal.rxnorm, proposal.drug, proposal.drug
        ),
        reasonReference=bounds.first_references(reasons),
        supportingInformation=bounds.first_references(choice.instead_of),
        priorPrescription=codes.reference(orders[0]) if orders else None,
        dosageInstruction=[dosage(proposal)],
        note=[{"text": bounds.clipped(" ".join(sentences).strip())}],
    )
    return by_rule(draft, choice.rule)


def _reasons_of(orders: Sequence[str], inputs: Inputs) -> list[str]:
    """List the problems behind these orders.

    An order may name a Condition that is gone, or one of another server: an EHR may refuse the
    whole plan for such a reference.
    """
    known = {p.reference for p in inputs.problems}
    ordered = (m for m in inputs.medications if m.reference in orders)

    return [reason for m in ordered for reason in m.reasons if reason in known]
