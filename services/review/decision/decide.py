"""A clinician's decision on a result, as one guarded transaction (pure).

Every resource of the answer is written at its stage, each under `ifMatch` of the version that the
clinician was shown, together with the head and a verifier Provenance: all of it, or nothing. This
is where a signature is written; the stages are in `shared/fhir/lifecycle.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import uuid5

from services.review.access.practitioner import Practitioner
from services.review.decision import amend, choices, fates, words
from services.review.decision.dependants import taken_back, with_dependants
from services.review.decision.prune import prune
from services.review.result.stamp import focus_key
from shared.answers import NAMESPACE, Head
from shared.errors import InvalidResource
from shared.fhir import bundle, codes, heads, lifecycle
from shared.json import Json
from shared.references import local_reference, version_of

Kind = Literal["signed", "amended", "rejected"]

TEXT_ELEMENT: Final = {"DiagnosticReport": "conclusion", "CarePlan": "description"}
ON_PURPOSE: Final = "Intended, although the conclusion contradicts it"
BESIDE: Final = "Ordered beside a standing order"
ON_UNSIGNED: Final = "Based on results that nobody had signed"
DECIDED_ELSEWHERE: Final = "Decided in another system before this review."
ELSEWHERE: Final[dict[str, Kind]] = {
    "amended": "amended",
    "corrected": "amended",
    "appended": "amended",
    "cancelled": "rejected",
    "entered-in-error": "rejected",
    "revoked": "rejected",
}
"""How the focus stands -> the decision that somebody else took."""


@dataclass(frozen=True)
class Decision:
    """What the clinician decided.

    Attributes:
        kind: signed as it stands, amended, or rejected.
        reason: required for a rejection; kept in the head's statusReason.
        wrong_patient: the result belongs to somebody else: what has such a status becomes
            `entered-in-error`.
        text: the conclusion (of a plan: the description) as the clinician left it; amended only.
        dropped: the keys of the findings or proposals that the clinician does not accept; amended
            only.
        left_out: those of them that the clinician says nothing about; the other ones are refuted.
        unsigned: the names of the unsigned results that it rests on.
        ended: what becomes of the orders that new ones replace, a sentence each.
        on_purpose: the names of what the conclusion contradicts, and is meant to.
        beside: the new orders of a drug that is ordered already, with the standing ones.
        chosen: the answer to each choice, of alternatives or of one (`choices.py`); not for a
            rejection.
            Choosing among what was offered changes no content: a plan signed with a choice is
            signed, not amended.
    """

    kind: Kind
    reason: str = ""
    wrong_patient: bool = False
    text: str | None = None
    dropped: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    chosen: Mapping[str, str] = field(default_factory=dict)
    unsigned: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    on_purpose: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


def text_of(focus: Json) -> str:
    """What an amendment may rewrite: a report's conclusion, a plan's description."""
    return str(focus.get(TEXT_ELEMENT.get(focus.get("resourceType", ""), ""), "")).replace(
        "\r\n", "\n"
    )


def transaction(
    head: Head,
    outputs: Mapping[str, Json],
    decision: Decision,
    practitioner: Practitioner,
    now: str,
    *,
    ended: Sequence[Json] = (),
) -> Json:
    """The Bundle that carries out the decision.

    Args:
        ended: entries that end the orders that new ones replace (`exchange`).
        outputs: what the head's answer wrote, by key, as shown; `meta.versionId` becomes `ifMatch`.
            What somebody else has decided already stays as it is.
        now: an instant with zone.

    Raises:
        InvalidResource: a rejection without a reason, an unknown key, a choice without an answer, a
            head that waits for nobody's decision, or a resource that breaks R4's rules.
    """
    _check(head, outputs, decision)
    focus, asked = focus_key(head, outputs), choices.choices(outputs)
    dropped, gone = refused(outputs, decision), withdrawn(outputs, decision)
    record = (
        choices.offered(asked) - decision.dropped
    )  # what was offered and not chosen stays in its group and plan
    lost = frozenset(local_reference(outputs[key]) for key in dropped - record)
    decided = []
    for key, resource in outputs.items():
        if resource["resourceType"] in lifecycle.STATUS and lifecycle.is_draft(resource):
            kept = resource if key in gone else prune(resource, lost)
            staged = lifecycle.at_stage(kept, _stage(decision, key, focus, gone))
            if key == focus and decision.kind == "amended":
                staged = _amended(staged, outputs, gone, decision)
            if key in decision.dropped:
                staged = fates.noted(staged, decision.left_out, key, annotation(practitioner, now))
            decided.append(_own(staged, decision, practitioner) if key == focus else staged)
    said = [
        *choices.words(asked, decision.chosen, dropped),
        *fates.sentences(outputs, decision.dropped, decision.left_out),
        *_remarks(decision),
    ]
    task = _noted(_closed(head, decision, practitioner, now), said, annotation(practitioner, now))
    targets = [local_reference(r) for r in [*decided, task]]
    verified = _verified([*targets, *(e["fullUrl"] for e in ended)], practitioner, now)
    if focus is not None and decision.kind == "amended":
        verified["entity"] = [words.entity(outputs[focus], text_of(outputs[focus]))]
    entries = [*(bundle.put(r, version_of(r)) for r in decided), *ended]
    return bundle.transaction(
        head, task, [*entries, bundle.post(verified, entry_uuid(head, "Provenance"))]
    )


def field_of(focus: Json) -> str:
    """Name what an amendment may rewrite: `conclusion`, `description`."""
    return TEXT_ELEMENT.get(focus["resourceType"], "conclusion")


def closing(head: Head, focus: Json, practitioner: Practitioner, now: str) -> Json:
    """The Bundle that closes a head whose result was decided by another client.

    That decision is respected, nothing else is written.
    """
    kind = ELSEWHERE.get(lifecycle.status_of(focus) or "", "signed")
    return bundle.transaction(
        head, _closed(head, Decision(kind, DECIDED_ELSEWHERE), practitioner, now), ()
    )


def refused(outputs: Mapping[str, Json], decision: Decision) -> frozenset[str]:
    """The keys of all that is not accepted whatever is chosen.

    What the clinician dropped, what another client took back, what was drawn from either.
    """
    return with_dependants(
        outputs,
        decision.dropped | (frozenset() if decision.kind == "rejected" else taken_back(outputs)),
    )


def withdrawn(outputs: Mapping[str, Json], decision: Decision) -> frozenset[str]:
    """The keys of all that is not accepted, alternatives not chosen among them."""
    left = choices.not_taken(choices.choices(outputs), decision.chosen)
    return with_dependants(outputs, refused(outputs, decision) | left)


def annotation(practitioner: Practitioner, now: str) -> Json:
    """Build the part of an Annotation that says who wrote it and when."""
    who = codes.reference(practitioner.reference, practitioner.name)
    return {"authorReference": who, "time": now}


def _check(head: Head, outputs: Mapping[str, Json], decision: Decision) -> None:
    if head.outcome != "requested":
        raise InvalidResource(f"{head.reference} is {head.outcome}: nothing waits for a decision")
    if decision.kind == "rejected" and not decision.reason.strip():
        raise InvalidResource("a rejection needs a reason")
    if unknown := sorted(decision.dropped - set(outputs)):
        raise InvalidResource(f"{head.reference} has no output {', '.join(unknown)}")
    if decision.kind != "amended" and (decision.dropped or decision.text is not None):
        raise InvalidResource("only an amendment changes a result")
    if decision.left_out - decision.dropped:
        raise InvalidResource("what is left out is not accepted either")
    if focus_key(head, outputs) in decision.dropped:
        raise InvalidResource("the result itself can't be dropped: reject it")
    _check_choices(outputs, decision)


def _check_choices(outputs: Mapping[str, Json], decision: Decision) -> None:
    """Alternatives never become orders side by side, and a proposal not without a yes."""
    asked = choices.choices(outputs)
    if decision.kind == "rejected":
        return
    if unknown := sorted(set(decision.chosen) - {c.key for c in asked}):
        raise InvalidResource(f"there is no choice {', '.join(unknown)}")
    if open_ones := choices.unanswered(asked, decision.chosen, refused(outputs, decision)):
        raise InvalidResource(
            f"no answer to {', '.join(c.key for c in open_ones)}: at most one of the alternatives "
            "may become an order, and none without a yes"
        )


def _remarks(decision: Decision) -> list[str]:
    """What the clinician was asked about and signed all the same, a sentence each."""
    remarks = {
        ON_PURPOSE: decision.on_purpose,
        BESIDE: decision.beside,
        ON_UNSIGNED: decision.unsigned,
    }
    said = [f"{words}: {'; '.join(names)}." for words, names in remarks.items() if names]
    return [*said, *decision.ended]


def _stage(
    decision: Decision, key: str, focus: str | None, gone: frozenset[str]
) -> lifecycle.Stage:
    if decision.kind == "rejected":
        return "wrong-patient" if decision.wrong_patient else "rejected"
    if key in gone:
        return "left-out" if key in decision.left_out else "rejected"
    return "amended" if decision.kind == "amended" and key == focus else "signed"


def _amended(
    focus: Json, outputs: Mapping[str, Json], gone: frozenset[str], decision: Decision
) -> Json:
    """The focus in the clinician's words, without the model's that they take back."""
    element, text = (
        TEXT_ELEMENT.get(focus["resourceType"]),
        None if decision.text is None else decision.text.strip(),
    )
    rewritten = element is not None and text is not None and text != text_of(focus).strip()
    own = amend.amended(focus, outputs, gone, rewritten=rewritten)
    if element is None or text is None:
        return own
    return {k: v for k, v in own.items() if k != element} | ({element: text} if text else {})


def _own(focus: Json, decision: Decision, practitioner: Practitioner) -> Json:
    """The focus with what only a clinician's decision adds to it."""
    own = dict(focus)
    if decision.kind != "rejected" and own["resourceType"] == "DiagnosticReport":
        own["resultsInterpreter"] = [codes.reference(practitioner.reference, practitioner.name)]
    return own


def _closed(head: Head, decision: Decision, practitioner: Practitioner, now: str) -> Json:
    reason = " ".join(
        filter(None, ["Wrong patient." if decision.wrong_patient else "", decision.reason.strip()])
    )
    task = heads.decided(
        head, decision.kind, owner=practitioner.reference, reason=reason or None, now=now
    )
    return task | {"owner": codes.reference(practitioner.reference, practitioner.name)}


def _noted(task: Json, said: list[str], by: Json) -> Json:
    """Add what was chosen, refuted and left out, in words, to the notes of the head.

    The statuses say it to machines.
    """
    if not said:
        return task
    return task | {"note": [*task.get("note", []), by | {"text": " ".join(said)}]}


def _verified(targets: list[str], practitioner: Practitioner, now: str) -> Json:
    verifier = {
        "type": codes.concept(codes.PROVENANCE_AGENT, "verifier"),
        "who": codes.reference(practitioner.reference, practitioner.name),
    }
    return {
        "resourceType": "Provenance",
        "target": [codes.reference(t) for t in targets],
        "recorded": now,
        "agent": [verifier],
    }


def entry_uuid(head: Head, kind: str) -> str:
    """The `urn:uuid:` of what is new in the transaction.

    The same for the same decision on the same version.
    """
    return f"urn:uuid:{uuid5(NAMESPACE, f'{head.reference} {head.version} {kind}')}"
