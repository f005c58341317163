"""Findings -> drafts (pure): the CarePlan, its proposals, its goals, the alerts.

See fhir.md, section 6; the CarePlan has the key `report`. R4 has no place for a citation on these
kinds but the words of a note, DetectedIssue.reference and RequestGroup.action.documentation: every
proposal and alert carries its source in at least one of them.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from services.treatment.domain import Inputs
from services.treatment.findings import Alert, Choice, Findings, FollowUp
from services.treatment.plan import bounds, words
from services.treatment.plan.choices import choice_drafts
from services.treatment.plan.rule import by_rule
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.json import Json
from shared.references import type_of

DEFINITIONS: Final = "https://careloop.example/PlanDefinition"
DEFINITION_VERSION: Final = "1.0.0"


def resources(inputs: Inputs, findings: Findings, pen: Pen) -> list[Draft]:
    """Write the drafts of one patient's plan.

    The CarePlan comes last and names all the others.
    """
    alerts = [_alert(alert, inputs, pen) for alert in findings.alerts]
    goals = _goals(findings, pen)

    proposed: list[Draft] = []
    activities: list[Json] = []
    for choice in findings.choices:
        drafts, activity = choice_drafts(choice, inputs, pen)
        proposed += drafts
        activities.append(activity)
    for follow_up in findings.follow_ups:
        request = _follow_up(follow_up, inputs, pen)
        proposed.append(request)
        activities.append({"reference": request.ref})

    parts = {
        "goal": [g.ref for g in goals],
        "activity": activities,
        "alerts": [a.ref for a in alerts],
    }
    return [*alerts, *goals, *proposed, _plan(inputs, findings, pen, parts)]


def _plan(inputs: Inputs, findings: Findings, pen: Pen, parts: Mapping[str, list[Json]]) -> Draft:
    reports = bounds.reports(inputs, findings)[: bounds.MOST_REPORTS]
    supporting = dict.fromkeys(r.reference for r in reports)
    problems = bounds.problems(inputs)[: bounds.MOST_PROBLEMS]

    return pen.draft(
        "CarePlan",
        "report",
        title="Care plan",
        description=words.summary(inputs, findings),
        instantiatesCanonical=[
            f"{DEFINITIONS}/{name}|{DEFINITION_VERSION}" for name in _definitions(findings)
        ],
        addresses=[codes.reference(p.reference, p.text or None) for p in problems] or None,
        supportingInfo=[*(codes.reference(r) for r in supporting), *parts["alerts"]] or None,
        goal=parts["goal"] or None,
        activity=parts["activity"] or None,
        note=[{"text": bounds.clipped(text)} for text in words.notes(inputs, findings)],
    )


def _definitions(findings: Findings) -> list[str]:
    return [
        "medication-review",
        *(["gene-guided-dosing"] if findings.choices else []),
        *(["imaging-follow-up"] if findings.follow_ups else []),
    ]


def _goals(findings: Findings, pen: Pen) -> list[Draft]:
    """Write one goal for each rule: it is the same for every drug of a class."""
    aims: dict[str, tuple[str, list[str]]] = {}
    items: tuple[Choice | FollowUp, ...] = (*findings.choices, *findings.follow_ups)
    for item in items:
        _, addresses = aims.setdefault(item.rule, (item.goal, []))
        addresses += _of_types(item.evidence, "Condition", "Observation")

    return [
        pen.draft(
            "Goal",
            f"goal-{rule}",
            description={"text": text},
            addresses=bounds.first_references(addresses),
        )
        for rule, (text, addresses) in aims.items()
    ]


def _follow_up(follow_up: FollowUp, inputs: Inputs, pen: Pen) -> Draft:
    reasons = _of_types(follow_up.evidence, "Condition", "Observation")
    allergies = _of_types(follow_up.evidence, "AllergyIntolerance")
    sentences = (
        *follow_up.why,
        words.sources((follow_up.citation,)),
        words.unsigned_behind(inputs, follow_up.evidence),
    )

    draft = pen.draft(
        "ServiceRequest",
        follow_up.key,
        code={"text": follow_up.order},
        reasonReference=bounds.first_references(reasons),
        supportingInfo=bounds.first_references(allergies),
        note=[{"text": " ".join(sentences).strip()}],
    )
    return by_rule(draft, follow_up.rule)


def _alert(alert: Alert, inputs: Inputs, pen: Pen) -> Draft:
    unsigned = words.unsigned_behind(inputs, (*alert.implicated, *alert.evidence))
    evidence = bounds.first_references(alert.evidence)

    draft = pen.draft(
        "DetectedIssue",
        alert.key,
        code=codes.concept(codes.V3_ACT_CODE, alert.code, text=alert.title),
        severity=alert.severity,
        implicated=bounds.first_references(alert.implicated),
        evidence=[{"detail": evidence}] if evidence else None,
        detail=bounds.clipped(f"{alert.detail} {unsigned}".strip()),
        reference=alert.citation.url or None,
    )
    return by_rule(draft, alert.rule)


def _of_types(references: Iterable[str], *kinds: str) -> list[str]:
    return [r for r in references if type_of(r) in kinds]
