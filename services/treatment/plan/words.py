"""The sentences of a plan (pure)."""

from collections.abc import Iterable, Sequence
from typing import Final

from services.treatment.domain import Inputs, Report
from services.treatment.findings import (
    Alert,
    Choice,
    Citation,
    Findings,
    FollowUp,
    Proposal,
    Stale,
)
from services.treatment.plan import bounds
from services.treatment.plan.checked import checked

SILENT: Final = (
    "No rule found a problem in this record. This is not an all-clear: the rules cover a limited "
    "table of drugs, pairs and genes."
)
QUIET: Final = "The rules found nothing; this is no all-clear."


def summary(inputs: Inputs, findings: Findings) -> str:
    """Tell what was checked, what the plan holds, and what was not used.

    A list shows its beginning: what was not checked comes first.
    """
    parts = (
        checked(inputs, findings),
        QUIET if findings.silent else _held(findings),
        _unused(findings.stale),
        _unsigned(inputs, findings.unsigned),
    )
    return " ".join(filter(None, parts))


def _held(findings: Findings) -> str:
    high = sum(a.severity == "high" for a in findings.alerts)
    counted = [
        _count(len(findings.choices), "gene-guided proposal"),
        _count(len(findings.alerts), "alert") + (f" ({high} high-severity)" if high else ""),
        _count(len(findings.follow_ups), "follow-up"),
    ]
    titles = [c.title for c in findings.choices] + [f.title for f in findings.follow_ups]
    return _sentence(", ".join(counted)) + (f" {_sentence('; '.join(titles))}" if titles else "")


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def notes(inputs: Inputs, findings: Findings) -> list[str]:
    """Explain the plan, one note for each report, proposal and alert.

    Each names its source; the rule stands in the identifiers of what it wrote (`rule.py`).
    """
    named = bounds.reports(inputs, findings)[: bounds.MOST_CONCLUSIONS]
    # the alert of a choice repeats the choice
    choices = {c.rule for c in findings.choices}
    alerts = [a for a in findings.alerts if a.rule not in choices]
    unsigned = _unsigned(inputs, findings.unsigned)

    return [
        *([_merged(inputs.retired)] if inputs.retired else []),
        *(_report(r) for r in named),
        *bounds.left_out(inputs),
        *(_choice(c, inputs) for c in findings.choices),
        *(_follow_up(f) for f in findings.follow_ups),
        *(_alert(a) for a in alerts),
        *dict.fromkeys(_stale(s) for s in findings.stale[: bounds.MOST_NAMED]),
        *([SILENT] if findings.silent else []),
        *([unsigned] if unsigned else []),
    ]


def _merged(retired: Sequence[str]) -> str:
    others = "another record" if len(retired) == 1 else f"{len(retired)} other records"
    return (
        f"This record also holds what was recorded under {others} of this patient, now replaced by "
        "this one: the plan is drawn from all of it."
    )


def _report(report: Report) -> str:
    if report.amended:
        state = "amended by a clinician, whose words override the findings"
    else:
        state = "not signed" if report.unsigned else "signed"
    conclusion = bounds.clipped(report.conclusion or report.title, bounds.MOST_CONCLUSION)

    return f"{report.service.capitalize()} report ({state}): {conclusion}"


def _choice(choice: Choice, inputs: Inputs) -> str:
    sentences = (
        f"{choice.title}:",
        *choice.why,
        choice.advice,
        *(f"Proposed: {proposal(p)}" for p in choice.proposals),
        *(
            f"Not proposed: {w.drug}, because {w.reason} ({w.citation.text}, {w.citation.url})."
            for w in choice.withheld
        ),
        sources(choice.citations),
        unsigned_behind(inputs, choice.evidence),
    )
    return " ".join(sentences).strip()


def proposal(proposal: Proposal) -> str:
    """Tell a proposal with its cautions."""
    cautions = "".join(f" Caution: {c}" for c in proposal.cautions)
    return f"{proposal.drug} {proposal.text}. {proposal.note}{cautions}"


def _follow_up(follow_up: FollowUp) -> str:
    why, source = " ".join(follow_up.why), sources((follow_up.citation,))
    return f"{follow_up.title}: {why} {source}"


def _alert(alert: Alert) -> str:
    return f"{alert.severity.capitalize()}-severity alert, {alert.title}: {alert.detail}"


def _unused(stale: Sequence[Stale]) -> str:
    """Name what was not used for its age, each once, with its date."""
    named = list(dict.fromkeys(f"{s.name} ({s.time[:10]})" for s in stale))
    if not named:
        return ""

    rest = len(named) - bounds.MOST_OLD
    more = f" and {rest} more" if rest > 0 else ""
    return f"Not used, because too old: {', '.join(named[: bounds.MOST_OLD])}{more}."


def _stale(stale: Stale) -> str:
    return f"Not used, because too old: {stale.name}, of {stale.time[:10]}. {stale.limit}"


def sources(citations: Iterable[Citation]) -> str:
    """Name the sources in a sentence."""
    named = "; ".join(f"{c.text}, {c.url}" if c.url else c.text for c in citations)
    return f"Source: {named}." if named else ""


def unsigned_behind(inputs: Inputs, references: Sequence[str]) -> str:
    """Name the unsigned reports behind these references; empty without one."""
    behind = bounds.reports_behind(inputs, references)
    unsigned = [r.reference for r in inputs.reports if r.unsigned and r.reference in behind]

    return _unsigned(inputs, unsigned)


def _unsigned(inputs: Inputs, references: Sequence[str]) -> str:
    wanted = frozenset(references)
    services = dict.fromkeys(r.service for r in inputs.reports if r.reference in wanted)
    if not services:
        return ""

    return f"Based on AI results that were unsigned when this was drafted: {', '.join(services)}."


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
