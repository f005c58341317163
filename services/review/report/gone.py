"""Say why an alert or a proposal is not part of what was signed (pure).

The status alone does not tell: whatever is not accepted has the same one. The notes of the head
keep what the clinician said, and the verifier's Provenance what the signature wrote.
"""

import re
from typing import Final

from services.review.decision import choices
from services.review.decision.choices import NONE, Choice
from services.review.decision.decide import BESIDE, ON_PURPOSE, ON_UNSIGNED
from services.review.decision.fates import LEFT_OUT_NAMES
from services.review.panels import findings, plan
from services.review.report.standing import AFTER, ENDED
from services.review.result.result import Result
from shared.fhir import codes, lifecycle
from shared.instants import start
from shared.json import Json
from shared.references import local_reference, moment_of, relative

NOT_CHOSEN: Final = "not chosen"
BY_THE_CLINICIAN: Final = "left out by the clinician"
WITHDRAWN: Final = "withdrawn"
IN_ERROR: Final = "withdrawn: entered in error"
NOT_PART: Final = "not part of what was signed"
LEFT: Final = re.compile(
    rf"(?:^|\. ){LEFT_OUT_NAMES}: (.*?)\."
    rf"(?= (?:{ON_PURPOSE}|{BESIDE}|{ON_UNSIGNED}|{ENDED}): |$)",
    re.DOTALL,
)
"""The names in the sentence of the head's note, up to the remarks."""


def why_gone(key: str, result: Result) -> str:
    """Say what is known of it."""
    resource = result.outputs[key]
    if lifecycle.status_of(resource) == "entered-in-error":
        return IN_ERROR
    notes = [str(note.get("text", "")) for note in result.head.task.get("note", [])]
    if key in _not_taken(result, notes):
        return NOT_CHOSEN
    if any(_is_listed(_name(key, result), found) for n in notes for found in LEFT.findall(n)):
        return BY_THE_CLINICIAN
    return WITHDRAWN if _is_elsewhere(resource, result) else NOT_PART


def _not_taken(result: Result, notes: list[str]) -> frozenset[str]:
    """What the answers in the notes leave out."""
    offered = choices.all_offered(result.outputs)
    said = ((choice.key, _answers(choice, notes)) for choice in offered)
    return choices.not_taken(offered, {key: given[0] for key, given in said if len(given) == 1})


def _answers(choice: Choice, notes: list[str]) -> list[str]:
    """The answers to a choice that the notes hold; two of them tell nothing."""
    possible = [NONE, *(option.key for option in choice.options)]
    return [a for a in possible if any(f". {choice.said(a)} " in f". {n} " for n in notes)]


def _is_listed(name: str, listed: str) -> bool:
    return f"; {name}; " in f"; {listed}; "


def _name(key: str, result: Result) -> str:
    """What the form called it."""
    one = {key: result.outputs[key]}
    names = [
        *(alert.name for alert in findings.alerts(one, {})),
        *(proposal.name for proposal in plan.proposals(one, {})),
    ]
    return next(iter(names), "")


def _is_elsewhere(resource: Json, result: Result) -> bool:
    """Tell whether it was taken back apart from the signature: before it, or after it."""
    signed = [
        relative(str(target.get("reference", "")))
        for provenance in result.provenance
        if any(_verifies(agent) for agent in provenance.get("agent", []))
        for target in provenance.get("target", [])
    ]
    if signed and local_reference(resource) not in signed:
        return True
    written, decided = moment_of(resource), moment_of(result.head.task)
    return bool(written and decided) and start(written) - start(decided) > AFTER


def _verifies(agent: Json) -> bool:
    return codes.has_code(agent.get("type"), codes.PROVENANCE_AGENT, "verifier")
