"""A clinician's decision on a result, as one guarded transaction (pure; fhir.md section 7, "Life
cycle").

Every resource of the answer is written at its stage, each under `ifMatch` of the version that the
clinician was shown, together
with the head and a verifier Provenance: all of it, or nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import uuid5

from services.review.decision import amend, choices
from services.review.result import standing
from shared.answers import NAMESPACE, Head, digest
from shared.errors import InvalidResource
from shared.fhir import bundle, codes, heads, lifecycle
from shared.json import Json
from shared.references import relative

Kind = Literal["signed", "amended", "rejected"]

TEXT_ELEMENT: Final = {"DiagnosticReport": "conclusion", "CarePlan": "description"}
RESTS_ON: Final = (
    "derivedFrom",
    "reasonReference",
    "basis",
)  # what is dropped takes with it what was drawn from it
DECIDED_ELSEWHERE: Final = "Decided in another system before this review."
ELSEWHERE: Final[
    dict[str, Kind]
] = {  # how the focus stands -> the decision that somebody else took
    "amended": "amended",
    "corrected": "amended",
    "appended": "amended",
    "cancelled": "rejected",
    "entered-in-error": "rejected",
    "revoked": "rejected",
}


@dataclass(frozen=True)
class Practitioner:
    """Who decides.

    Attributes:
        reference: `Practitioner/id`.
        name: for people.
    """

    reference: str
    name: str


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
        chosen: the answer to each choice between alternatives, see `services.review.decision.choices`; not
            for a rejection. Choosing among what
            was offered changes no content: a plan signed with a choice is signed, not amended.
    """

    kind: Kind
    reason: str = ""
    wrong_patient: bool = False
    text: str | None = None
    dropped: frozenset[str] = frozenset()
    chosen: Mapping[str, str] = field(default_factory=dict)


def stamp(
    head: Head,
    outputs: Mapping[str, Json],
    sources: Iterable[Json] = (),
    missing: Iterable[str] = (),
) -> str:
    """What a page was made of: changes whenever the head, any of its resources or anything that
    they rest on has a new version or is gone.
    """
    made = {key: f"{_reference(r)} {_version(r)}" for key, r in outputs.items()}
    rests_on = sorted(
        f"{_reference(r)} {r.get('meta', {}).get('versionId', '')} {standing.state(r)}"
        for r in sources
    )
    return digest(head.reference, head.version, made, rests_on, sorted(missing))


def focus_key(head: Head, outputs: Mapping[str, Json]) -> str | None:
    """The key of the output that the head is about: the report or the plan."""
    focus = relative(head.task.get("focus", {}).get("reference", ""))
    return next(
        (key for key, r in outputs.items() if _reference(r) == focus),
        "report" if "report" in outputs else None,
    )


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
) -> Json:
    """The Bundle that carries out the decision.

    Args:
        outputs: what the head's answer wrote, by key, as shown; `meta.versionId` becomes `ifMatch`.
            What somebody else has decided already stays as it is.
        now: an instant with zone.

    Raises:
        InvalidResource: a rejection without a reason, an unknown key, a choice without an answer, a
            head that waits for nobody's decision, or a resource that breaks R4's rules.
    """
    _check(head, outputs, decision)
    focus, asked = focus_key(head, outputs), choices.choices(outputs)
    dropped = refused(outputs, decision)
    gone = with_dependants(outputs, dropped | choices.not_taken(asked, decision.chosen))
    record = (
        choices.offered(asked) - decision.dropped
    )  # what was offered and not chosen stays in its group and plan
    lost = frozenset(_reference(outputs[key]) for key in dropped - record)
    decided = []
    for key, resource in outputs.items():
        if resource["resourceType"] in lifecycle.STATUS and lifecycle.is_draft(resource):
            kept = resource if key in gone else prune(resource, lost)
            staged = lifecycle.at_stage(kept, _stage(decision, key, focus, gone))
            if key == focus and decision.kind == "amended":
                staged = _amended(staged, outputs, gone, decision)
            decided.append(
                _own(staged, decision, practitioner, now) if key == focus else _dated(staged, now)
            )
    task = _closed(head, decision, practitioner, now) | _note(
        choices.words(asked, decision.chosen), practitioner, now
    )
    verified = _verified([_reference(r) for r in [*decided, task]], practitioner, now)
    entries = [bundle.put(r, _version(r)) for r in decided]
    return bundle.transaction(
        head, task, [*entries, bundle.post(verified, entry_uuid(head, "Provenance"))]
    )


def closing(head: Head, focus: Json, practitioner: Practitioner, now: str) -> Json:
    """The Bundle that closes a head whose result was decided by another client: that decision is
    respected, nothing else is written.
    """
    kind = ELSEWHERE.get(lifecycle.status_of(focus) or "", "signed")
    return bundle.transaction(
        head, _closed(head, Decision(kind, DECIDED_ELSEWHERE), practitioner, now), ()
    )


def taken_back(outputs: Mapping[str, Json]) -> frozenset[str]:
    """The keys of what another client has rejected already: nothing that was drawn from it may be
    signed.
    """
    return frozenset(
        key
        for key, r in outputs.items()
        if r["resourceType"] in lifecycle.STATUS
        and lifecycle.status_of(r) in _rejected(r["resourceType"])
    )


def refused(outputs: Mapping[str, Json], decision: Decision) -> frozenset[str]:
    """The keys of all that is not accepted whatever is chosen: what the clinician dropped, what
    another client took back, what was drawn from either.
    """
    return with_dependants(
        outputs,
        decision.dropped | (frozenset() if decision.kind == "rejected" else taken_back(outputs)),
    )


def _rejected(kind: str) -> set[str | None]:
    table = lifecycle.STATUS[kind]
    return {table["rejected"], table.get("wrong-patient")} - {None}


def with_dependants(outputs: Mapping[str, Json], dropped: frozenset[str]) -> frozenset[str]:
    """The dropped keys and those of everything drawn from them, of groups that have nothing left
    and of pictures that explain nothing any more.
    """
    gone = set(dropped)
    while True:
        lost = {_reference(outputs[key]) for key in gone}
        more = {
            key
            for key, r in outputs.items()
            if key not in gone and (lost & set(_rests_on(r)) or _hollow(r, lost))
        }
        more |= amend.unexplained(outputs, gone) - gone
        if not more:
            return frozenset(gone)
        gone |= more


def prune(resource: Json, lost: frozenset[str]) -> Json:
    """A copy without the list items that point to what was dropped (results, activities, actions,
    entries).
    """
    return (
        {
            name: kept
            for name, value in resource.items()
            if (kept := _pruned(value, lost)) not in ([], {})
        }
        if lost
        else resource
    )


def _check(head: Head, outputs: Mapping[str, Json], decision: Decision) -> None:
    if head.outcome != "requested":
        raise InvalidResource(f"{head.reference} is {head.outcome}: nothing waits for a decision")
    if decision.kind == "rejected" and not decision.reason.strip():
        raise InvalidResource("a rejection needs a reason")
    if unknown := sorted(decision.dropped - set(outputs)):
        raise InvalidResource(f"{head.reference} has no output {', '.join(unknown)}")
    if decision.kind != "amended" and (decision.dropped or decision.text is not None):
        raise InvalidResource("only an amendment changes a result")
    if focus_key(head, outputs) in decision.dropped:
        raise InvalidResource("the result itself can't be dropped: reject it")
    _check_choices(outputs, decision)


def _check_choices(outputs: Mapping[str, Json], decision: Decision) -> None:
    """Alternatives never become orders side by side."""
    asked = choices.choices(outputs)
    if decision.kind == "rejected":
        return
    if unknown := sorted(set(decision.chosen) - {c.key for c in asked}):
        raise InvalidResource(f"there is no choice {', '.join(unknown)}")
    if open_ones := choices.unanswered(asked, decision.chosen, refused(outputs, decision)):
        raise InvalidResource(
            f"no answer to {', '.join(c.key for c in open_ones)}: at most one of the alternatives "
            "may become an order"
        )


def _stage(
    decision: Decision, key: str, focus: str | None, gone: frozenset[str]
) -> lifecycle.Stage:
    if decision.kind == "rejected":
        return "wrong-patient" if decision.wrong_patient else "rejected"
    if key in gone:
        return "rejected"
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


def _own(focus: Json, decision: Decision, practitioner: Practitioner, now: str) -> Json:
    """The focus with what only a clinician's decision adds to it."""
    own = _dated(focus, now)
    if decision.kind != "rejected" and own["resourceType"] == "DiagnosticReport":
        own["resultsInterpreter"] = [codes.reference(practitioner.reference, practitioner.name)]
    return own


def _dated(resource: Json, now: str) -> Json:
    return dict(resource) | ({"lastModified": now} if resource["resourceType"] == "Task" else {})


def _closed(head: Head, decision: Decision, practitioner: Practitioner, now: str) -> Json:
    reason = " ".join(
        filter(None, ["Wrong patient." if decision.wrong_patient else "", decision.reason.strip()])
    )
    task = heads.decided(
        head, decision.kind, owner=practitioner.reference, reason=reason or None, now=now
    )
    return task | {"owner": codes.reference(practitioner.reference, practitioner.name)}


def _note(said: list[str], practitioner: Practitioner, now: str) -> Json:
    """What was chosen, in words, on the head; the statuses of the requests say it to machines."""
    return (
        {
            "note": [
                {
                    "authorReference": codes.reference(practitioner.reference, practitioner.name),
                    "time": now,
                    "text": " ".join(said),
                }
            ]
        }
        if said
        else {}
    )


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


def _rests_on(resource: Json) -> Iterator[str]:
    for element in RESTS_ON:
        value = resource.get(element, [])
        for item in value if isinstance(value, list) else [value]:
            yield relative(item.get("reference", ""))


def _hollow(resource: Json, lost: set[str]) -> bool:
    if resource["resourceType"] != "RequestGroup":
        return False
    offered = [relative(a["resource"]["reference"]) for a in _actions(resource) if "resource" in a]
    return bool(offered) and lost.issuperset(offered)


def _actions(parent: Json) -> Iterator[Json]:
    for action in parent.get("action", []):
        yield action
        yield from _actions(action)


def _pruned(value: Any, lost: frozenset[str]) -> Any:
    if isinstance(value, list):
        kept = [_pruned(item, lost) for item in value if not _points(item, lost)]
        return [
            item
            for item, was in zip(kept, (i for i in value if not _points(i, lost)), strict=True)
            if not _emptied(was, item)
        ]
    if isinstance(value, dict):
        return {
            name: kept
            for name, item in value.items()
            if (kept := _pruned(item, lost)) not in ([], {})
        }
    return value


def _points(item: Any, lost: frozenset[str]) -> bool:
    """The item is a reference to what was dropped, or wraps one: activity, link, action, extension."""
    if not isinstance(item, dict):
        return False
    targets = [
        item,
        *(item.get(name) for name in ("reference", "link", "resource", "valueReference")),
    ]
    return any(
        relative(t["reference"]) in lost
        for t in targets
        if isinstance(t, dict) and isinstance(t.get("reference"), str)
    )


def _emptied(was: Any, now: Any) -> bool:
    """A RequestGroup's action that lost every alternative offers nothing."""
    return isinstance(was, dict) and bool(was.get("action")) and not now.get("action")


def entry_uuid(head: Head, kind: str) -> str:
    """The `urn:uuid:` of what is new in the transaction: the same for the same decision on the same
    version.
    """
    return f"urn:uuid:{uuid5(NAMESPACE, f'{head.reference} {head.version} {kind}')}"


def _reference(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _version(resource: Json) -> str:
    return str(resource["meta"]["versionId"])
