"""Findings -> drafts (pure): the CarePlan (key `report`), its proposals, its goals and the alerts
(fhir.md section 6).

R4 has no place for a citation on these kinds but the words of a note, DetectedIssue.reference and
RequestGroup.action.documentation: every proposal and alert carries its source in at least one of
them.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from services.treatment.domain import (
    Alert,
    Choice,
    Citation,
    Dose,
    Findings,
    FollowUp,
    Inputs,
    Proposal,
    Report,
)
from services.treatment.plan import bounds
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.json import Json

DEFINITIONS: Final = "https://careloop.example/PlanDefinition"
DEFINITION_VERSION: Final = "1.0.0"
MOST_DAYS: Final = 90  # of a dosing interval
ORAL: Final = codes.concept(codes.SNOMED, "26643006", "Oral route")
SILENT: Final = (
    "No rule spoke on what stands in the record. That is no clearance: the rules know "
    "a limited table of drugs, pairs and genes."
)


def resources(inputs: Inputs, findings: Findings, pen: Pen) -> list[Draft]:
    """The drafts of one patient's plan; the CarePlan comes last and names all the others."""
    alerts = [_alert(alert, inputs, pen) for alert in findings.alerts]
    goals = _goals(findings, pen)
    activities: list[Json] = []
    proposed: list[Draft] = []
    for choice in findings.choices:
        made, activity = _choice(choice, inputs, pen)
        proposed += made
        activities.append(activity)
    for follow_up in findings.follow_ups:
        ordered = _follow_up(follow_up, inputs, pen)
        proposed.append(ordered)
        activities.append({"reference": ordered.ref})
    parts = {
        "goal": [g.ref for g in goals],
        "activity": activities,
        "alerts": [a.ref for a in alerts],
    }
    plan = _plan(inputs, findings, pen, parts)
    return [*alerts, *goals, *proposed, plan]


def _plan(inputs: Inputs, findings: Findings, pen: Pen, parts: Mapping[str, list[Json]]) -> Draft:
    named = bounds.reports(inputs, findings)[: bounds.MOST_REPORTS]
    supporting = dict.fromkeys(r.reference for r in named)
    return pen.draft(
        "CarePlan",
        "report",
        title="Care plan",
        description=summary(inputs, findings),
        instantiatesCanonical=[
            f"{DEFINITIONS}/{name}|{DEFINITION_VERSION}" for name in _definitions(findings)
        ],
        addresses=[
            codes.reference(p.reference, p.text or None)
            for p in bounds.problems(inputs)[: bounds.MOST_PROBLEMS]
        ]
        or None,
        supportingInfo=[*(codes.reference(r) for r in supporting), *parts["alerts"]] or None,
        goal=parts["goal"] or None,
        activity=parts["activity"] or None,
        note=[{"text": bounds.clipped(text)} for text in notes(inputs, findings)],
    )


def summary(inputs: Inputs, findings: Findings) -> str:
    """What the plan holds, in a sentence or two."""
    high = sum(a.severity == "high" for a in findings.alerts)
    counted = [
        _count(len(findings.choices), "gene-guided proposal"),
        _count(len(findings.alerts), "alert") + (f" ({high} of high severity)" if high else ""),
        _count(len(findings.follow_ups), "follow-up"),
    ]
    titles = [c.title for c in findings.choices] + [f.title for f in findings.follow_ups]
    said = f"{', '.join(counted)}." + (f" {'; '.join(titles)}." if titles else "")
    return f"{said} {_unsigned_words(inputs, findings.unsigned)}".strip()


def notes(inputs: Inputs, findings: Findings) -> list[str]:
    """The plan's reasoning for a reader, one note each: what it rests on, every proposal, every
    alert, each with its source.
    """
    told = {c.rule for c in findings.choices}  # a gene alert repeats its choice
    said = [
        _report_words(r) for r in bounds.reports(inputs, findings)[: bounds.MOST_TOLD]
    ] + bounds.left_out(inputs)
    said += [_choice_words(c, inputs) for c in findings.choices]
    said += [
        f"{f.title} [{f.rule}]: {' '.join(f.why)} {_sources((f.citation,))}"
        for f in findings.follow_ups
    ]
    said += [
        f"{a.severity} severity, {a.title} [{a.rule}]: {a.detail}"
        for a in findings.alerts
        if a.rule not in told
    ]
    said += [SILENT] if findings.silent else []
    unsigned = _unsigned_words(inputs, findings.unsigned)
    return said + ([unsigned] if unsigned else [])


def _report_words(report: Report) -> str:
    state = (
        "amended by a clinician, whose words override the findings"
        if report.amended
        else "not signed"
        if report.unsigned
        else "signed"
    )
    return (
        f"{report.service.capitalize()} report ({report.reference}, {state}): "
        f"{bounds.clipped(report.conclusion or report.title, bounds.MOST_CONCLUSION)}"
    )


def _choice_words(choice: Choice, inputs: Inputs) -> str:
    parts = [f"{choice.title} [{choice.rule}]:", *choice.why, choice.advice]
    parts += [f"Proposed: {_proposal_words(p)}" for p in choice.proposals]
    parts += [
        f"Not proposed: {w.drug}, because {w.reason} ({w.citation.text}, {w.citation.url})."
        for w in choice.withheld
    ]
    return " ".join((*parts, _sources(choice.citations), _resting(inputs, choice.rests_on))).strip()


def _proposal_words(proposal: Proposal) -> str:
    cautions = "".join(f" Caution: {c}" for c in proposal.cautions)
    return f"{proposal.drug} {proposal.text}. {proposal.note}{cautions}"


# --- the parts of the plan


def _choice(choice: Choice, inputs: Inputs, pen: Pen) -> tuple[list[Draft], Json]:
    """The drafts of a choice and the plan's activity: one request, a group of which at most one is
    taken, or words alone.
    """
    requests = [_request(p, choice, inputs, pen) for p in choice.proposals]
    if not requests:
        return [], {"detail": _advice(choice, inputs)}
    if len(requests) == 1:
        return requests, {"reference": requests[0].ref}
    group = pen.draft(
        "RequestGroup",
        f"group-{choice.key}",
        reasonReference=bounds.named(choice.rests_on),
        action=[
            {
                "title": choice.title,
                "description": choice.advice,
                "documentation": [
                    {"type": "citation", "display": c.text, "url": c.url} for c in choice.citations
                ],
                "selectionBehavior": "at-most-one",
                "requiredBehavior": "could",
                "action": [
                    {"title": f"{p.drug} {p.text}", "resource": r.ref}
                    for p, r in zip(choice.proposals, requests, strict=True)
                ],
            }
        ],
    )
    return [*requests, group], {"reference": group.ref}


def _advice(choice: Choice, inputs: Inputs) -> Json:
    withheld = "".join(f" {w.drug} is not proposed: {w.reason}." for w in choice.withheld)
    detail: Json = {
        "status": "not-started",
        "description": f"{choice.title}. {choice.advice}{withheld} {_sources(choice.citations)}",
    }
    reasons = bounds.named(choice.rests_on)
    resting = _resting(inputs, choice.rests_on)
    return (
        detail
        | ({"reasonReference": reasons} if reasons else {})
        | ({"description": f"{detail['description']} {resting}"} if resting else {})
    )


def _request(proposal: Proposal, choice: Choice, inputs: Inputs, pen: Pen) -> Draft:
    orders = _of_kind(choice.instead_of, "MedicationRequest")
    known = {
        p.reference for p in inputs.problems
    }  # an order may name a Condition that is gone, or one of another server
    reasons = [
        reason
        for m in inputs.medications
        if m.reference in orders
        for reason in m.reasons
        if reason in known
    ]
    why = " ".join(
        (
            *choice.why,
            choice.advice,
            _proposal_words(proposal),
            _sources(proposal.citations),
            _resting(inputs, choice.rests_on),
        )
    )
    return pen.draft(
        "MedicationRequest",
        proposal.key,
        medicationCodeableConcept=codes.concept(
            codes.RXNORM, proposal.rxnorm, proposal.drug, proposal.drug
        ),
        reasonReference=bounds.named((*choice.rests_on, *reasons)),
        supportingInformation=bounds.named(choice.instead_of),
        priorPrescription=codes.reference(orders[0]) if orders else None,
        dosageInstruction=[_dosage(proposal)],
        note=[{"text": bounds.clipped(f"[{choice.rule}] {why}".strip())}],
    )


def _dosage(proposal: Proposal) -> Json:
    dosage: Json = {"text": proposal.text}
    if proposal.dose and proposal.dose.per_day:
        dosage["timing"] = {"repeat": _repeat(proposal.dose.per_day)}
    if proposal.route:
        dosage["route"] = ORAL if proposal.route == "oral" else {"text": proposal.route}
    if proposal.dose:
        dosage["doseAndRate"] = [_amount(proposal.dose)]
    return dosage


def _repeat(per_day: float) -> Json:
    """`frequency` times in `period` days, both whole: three times in two days is neither once nor
    twice a day.
    """
    times = Fraction(per_day).limit_denominator(MOST_DAYS)
    return {"frequency": times.numerator, "period": times.denominator, "periodUnit": "d"}


def _amount(dose: Dose) -> Json:
    if dose.low == dose.high:
        return {"doseQuantity": codes.quantity(_number(dose.high), dose.unit)}
    return {
        "doseRange": {
            "low": codes.quantity(_number(dose.low), dose.unit),
            "high": codes.quantity(_number(dose.high), dose.unit),
        }
    }


def _number(value: float) -> float:
    """An integer where it is one: 90, not 90.0, which claims a precision."""
    return int(value) if float(value).is_integer() else value


def _goals(findings: Findings, pen: Pen) -> list[Draft]:
    """One for each rule: what is aimed at is the same for every drug of a class on which the rule
    speaks.
    """
    aims: dict[str, tuple[str, list[str]]] = {}
    items: tuple[Choice | FollowUp, ...] = (*findings.choices, *findings.follow_ups)
    for item in items:
        aims.setdefault(item.rule, (item.goal, []))[1].extend(
            _of_kind(item.rests_on, "Condition", "Observation")
        )
    return [
        pen.draft(
            "Goal", f"goal-{rule}", description={"text": text}, addresses=bounds.named(addresses)
        )
        for rule, (text, addresses) in aims.items()
    ]


def _follow_up(follow_up: FollowUp, inputs: Inputs, pen: Pen) -> Draft:
    words = " ".join(
        (*follow_up.why, _sources((follow_up.citation,)), _resting(inputs, follow_up.rests_on))
    )
    return pen.draft(
        "ServiceRequest",
        follow_up.key,
        code={"text": follow_up.order},
        reasonReference=bounds.named(_of_kind(follow_up.rests_on, "Condition", "Observation")),
        supportingInfo=bounds.named(_of_kind(follow_up.rests_on, "AllergyIntolerance")),
        note=[{"text": f"[{follow_up.rule}] {words}".strip()}],
    )


def _alert(alert: Alert, inputs: Inputs, pen: Pen) -> Draft:
    resting = _resting(inputs, (*alert.implicated, *alert.evidence))
    return pen.draft(
        "DetectedIssue",
        alert.key,
        code=codes.concept(codes.V3_ACT_CODE, alert.code, text=alert.title),
        severity=alert.severity,
        implicated=bounds.named(alert.implicated),
        evidence=[{"detail": bounds.named(alert.evidence)}] if alert.evidence else None,
        detail=bounds.clipped(f"[{alert.rule}] {alert.detail} {resting}".strip()),
        reference=alert.citation.url or None,
    )


# --- words


def _sources(citations: Iterable[Citation]) -> str:
    said = "; ".join(f"{c.text}, {c.url}" if c.url else c.text for c in citations)
    return f"Source: {said}." if said else ""


def _resting(inputs: Inputs, references: Sequence[str]) -> str:
    """Which unsigned reports stand behind these references, in words; empty where none does."""
    behind = bounds.reports_behind(inputs, references)
    return _unsigned_words(
        inputs, [r.reference for r in inputs.reports if r.unsigned and r.reference in behind]
    )


def _unsigned_words(inputs: Inputs, unsigned: Sequence[str]) -> str:
    open_ones = frozenset(unsigned)
    named = ", ".join(dict.fromkeys(r.service for r in inputs.reports if r.reference in open_ones))
    return f"When this was drawn it rested on unsigned AI results: {named}." if named else ""


def _definitions(findings: Findings) -> list[str]:
    return [
        "medication-review",
        *(["gene-guided-dosing"] if findings.choices else []),
        *(["imaging-follow-up"] if findings.follow_ups else []),
    ]


def _of_kind(references: Iterable[str], *kinds: str) -> list[str]:
    return [r for r in references if r.split("/")[0] in kinds]


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
