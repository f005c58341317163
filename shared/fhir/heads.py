"""Heads: the review Task of one revision, in each of its outcomes (pure).

What is written here is also read here.
"""

from collections.abc import Iterable, Mapping, Sequence

from shared.answers import Answer, Basis, Head
from shared.fhir import codes
from shared.fhir.sources import named, rank
from shared.fhir.urgency import acknowledgement
from shared.fhir.urgency.priority import Priority
from shared.instants import start
from shared.json import Json
from shared.references import (
    TYPE,
    has_identifier,
    identifiers_of,
    local_reference,
    relative,
    type_of,
    version_of,
)

APPROVE = codes.concept(codes.FHIR_TASK_CODE, "approve")
MORE = "more-sources"
DRAWN_FOR = "patient"
ANALYSE = codes.concept(codes.TASK_CODE, "analyse", "AI analysis")


def head_of(task: Json) -> Head:
    """Read the head in a Task of careloop.

    Raises:
        ValueError: it has no revision identifier of ours.
    """
    tokens = [i["value"] for i in identifiers_of(task) if i.get("system") == codes.REVISION]
    if not tokens:
        raise ValueError(f"Task/{task.get('id')} has no {codes.REVISION} identifier")
    inputs = {kind: i for i in task.get("input", []) if (kind := kind_of(i))}
    outputs = {
        kind: i["valueReference"]["reference"]
        for i in task.get("output", [])
        if (kind := kind_of(i)) and "valueReference" in i
    }
    decision = codes.first_code(task.get("businessStatus"), codes.DECISION)
    return Head(
        reference=local_reference(task),
        version=version_of(task),
        revision=int(tokens[0].rsplit(".", 1)[1]),
        outcome=task["status"],
        basis=inputs.get("basis", {}).get("valueString", ""),
        signed=decision in ("signed", "amended"),
        outputs={k: relative(v) for k, v in outputs.items()},
        task=task,
    )


def is_head(task: Json, answer: Answer) -> bool:
    """Tell whether a Task is a head of this answer, and not taken back."""
    return has_identifier(task, codes.ANSWER, str(answer.uuid))


def kind_of(item: Json) -> str | None:
    """Return the code of a Task.input or Task.output of ours.

    It is `basis`, `patient`, `source`, or the key of what was written.
    """
    return codes.first_code(item.get("type"), codes.TASK_PART)


def first_draft(
    answer: Answer, revision: int, *, subject: str | None, device: str, now: str
) -> Json:
    """Build the head before anything is known.

    Without an id it is created by conditional create under `if_none_exist(answer, revision)`.
    """
    task: Json = {
        "resourceType": "Task",
        "identifier": [
            {"system": codes.ANSWER, "value": str(answer.uuid)},
            {"system": codes.REVISION, "value": answer.revision_token(revision)},
            {"system": codes.SERVICE, "value": answer.service},
        ],
        "status": "draft",
        "intent": "proposal",
        "code": ANALYSE,
        "focus": focus_on(answer, exists=False),
        "authoredOn": now,
        "lastModified": now,
        "requester": codes.reference(device),
    }
    return task | ({"for": codes.reference(subject)} if subject else {})


def to_be_created(draft: Json, answer: Answer, revision: int) -> Head:
    """Return the head with the id of our choice, before it stands at the EHR."""
    return head_of(draft | {"id": answer.head_id(revision)})


def if_none_exist(answer: Answer, revision: int) -> str:
    """Write the query of the conditional create."""
    return f"identifier={codes.REVISION}|{answer.revision_token(revision)}"


def focus_on(answer: Answer, *, exists: bool) -> Json:
    """Build the focus on the answer's input.

    It is a reference while the input exists, else a name: a server may refuse a reference to what
    is deleted.
    """
    if exists:
        return codes.reference(answer.input)
    kind = type_of(answer.input)
    return ({"type": kind} if TYPE.fullmatch(kind) else {}) | {
        "identifier": {"system": f"{codes.NS}/input", "value": answer.input}
    }


def requested(
    head: Head,
    *,
    subject: str,
    basis: Basis,
    focus: str,
    device: str,
    sources: Mapping[str, str],
    outputs: Mapping[str, str],
    now: str,
    priority: Priority = "routine",
) -> Json:
    """Build the head of a result to be reviewed by a clinician.

    Args:
        priority: see `shared.fhir.urgency.priority`; R4 reads a Task without one as routine, too.
    """
    task = _rewritten(head, now) | {
        "status": "requested",
        "priority": priority,
        "code": APPROVE,
        "focus": codes.reference(focus),
        "for": codes.reference(subject),
        "requester": codes.reference(device),
        "input": [_basis(str(basis)), _drawn_for(subject), *_sources(sources)],
        "output": [
            _part(key, {"valueReference": codes.reference(target)})
            for key, target in outputs.items()
        ],
    }
    return acknowledgement.waiting(task, acknowledgement.asked_since(head.task, priority, now))


def without_result(
    head: Head,
    status: str,
    *,
    subject: str | None,
    basis: str,
    reason: str,
    focus: Json,
    outputs: Mapping[str, str],
    now: str,
) -> Json:
    """Build the head of an answer without a result, with the reason.

    It is not analysed (`rejected`), a dead letter (`failed`) or its input was withdrawn
    (`cancelled`). What was written before stays listed.
    """
    task = _rewritten(head, now) | {
        "status": status,
        "code": ANALYSE,
        "statusReason": {"text": reason},
        "focus": focus,
    }
    task["for"] = codes.reference(subject) if subject else head.task.get("for")
    # what made it urgent is no more
    task = acknowledgement.waiting(task, None) | {"priority": None}
    task["input"] = [_basis(basis)] if basis else None
    task["output"] = [
        _part(key, {"valueReference": codes.reference(target)}) for key, target in outputs.items()
    ] or None
    return {k: v for k, v in task.items() if v is not None}


def decided(head: Head, decision: str, *, owner: str | None, reason: str | None, now: str) -> Json:
    """Build the closed head: `signed`, `amended` or `rejected`.

    Args:
        owner: the clinician; None where the decision was found in the EHR.
    """
    task = _rewritten(head, now) | {
        "status": "completed",
        "businessStatus": codes.concept(codes.DECISION, decision),
    }
    task |= {k: head.task[k] for k in ("input", "output") if k in head.task}
    if owner:
        task["owner"] = codes.reference(owner)
    if reason:
        task["statusReason"] = {"text": reason}
    return task


def owned(head: Head, owner: tuple[str, str] | None, now: str) -> Json:
    """Build the head with another owner; nothing else of it changes.

    Args:
        owner: `Practitioner/id` and a name; None: nobody's.
    """
    task = _touched(head, {k: v for k, v in head.task.items() if k != "owner"}, now)
    return task | ({"owner": codes.reference(*owner)} if owner else {})


def acknowledged(head: Head, person: str, name: str, now: str) -> Json:
    """Build the head as seen by somebody; nothing else of it changes.

    Args:
        person: `Practitioner/id`.
    """
    task = acknowledgement.acknowledged(head.task, person, name, now)
    return _touched(head, task, now)


def taken_back(head: Head, now: str) -> Json:
    """Build the Task of a head after a lost race.

    It is no longer a head, because it loses the identifiers that make it one.
    """
    task = {k: v for k, v in head.task.items() if k not in ("identifier", "meta")}
    return task | {
        "status": "entered-in-error",
        "lastModified": now,
        "statusReason": {"text": "Begun twice at the same moment; the other one counts."},
    }


def _rewritten(head: Head, now: str) -> Json:
    kept = {
        k: v for k, v in head.task.items() if k not in ("input", "output", "statusReason", "meta")
    }
    return kept | {"lastModified": max(now, str(head.task.get("authoredOn", now)), key=start)}


def _touched(head: Head, task: Json, now: str) -> Json:
    """Return the task, to be written now."""
    kept = {k: v for k, v in task.items() if k != "meta"}
    return kept | {"lastModified": _rewritten(head, now)["lastModified"]}


def _basis(text: str) -> Json:
    return _part("basis", {"valueString": text})


def _drawn_for(patient: str) -> Json:
    """Keep the patient as text, too: a merge may rewrite references."""
    return _part(DRAWN_FOR, {"valueString": patient})


def drawn_for(task: Json) -> str | None:
    """Return the patient in the basis of a head's result, in spite of any merge."""
    parts = (i.get("valueString") for i in task.get("input", []) if kind_of(i) == DRAWN_FOR)
    return next((p for p in parts if isinstance(p, str)), None)


def _sources(references: Iterable[str]) -> list[Json]:
    one_by_one, others = named(references)
    parts = [_part("source", {"valueReference": codes.reference(r)}) for r in one_by_one]
    return [*parts, _part(MORE, {"valueInteger": others})] if others else parts


def _part(kind: str, value: Json) -> Json:
    return {"type": codes.concept(codes.TASK_PART, kind)} | value


def names_all(task: Json, kind: str) -> bool:
    """Tell whether the head names every source of this type.

    It does if it names all its sources, or some that come after this type in importance.
    """
    return all(kind_of(i) != MORE for i in task.get("input", [])) or any(
        rank(s) > rank(kind) for s in sources_of(task)
    )


def sources_of(task: Json) -> Sequence[str]:
    """List the named sources of a head's result, `Type/id` each.

    `shared.fhir.sources` says which ones are named.
    """
    return [
        relative(i["valueReference"]["reference"])
        for i in task.get("input", [])
        if kind_of(i) == "source" and "valueReference" in i
    ]
