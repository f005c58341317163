"""The proof of an EHR's guards, made at the start of every service that writes.

A CapabilityStatement does not tell whether a stale update is refused, whether a transaction is all
or nothing, or whether an update can create without ever replacing. All that keeps a result single
rests on these, so each is tried on Tasks of our own, which concern no patient: two that stand, one
for each guard, and last the outcome. Nothing else is written at an EHR that passes, and nothing at
the next start with the same outcome.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid5

from shared import instants
from shared.answers import NAMESPACE
from shared.ehr.ahead import is_refused, reading, searching
from shared.ehr.client import Ehr
from shared.ehr.guard.abilities import CREATE_GUARDS, Abilities, CreateGuard
from shared.errors import CareloopError, Conflict, FhirError, Misconfigured, Unavailable
from shared.fhir import bundle, codes
from shared.json import Json
from shared.references import local_reference, version_of

log = logging.getLogger(__name__)
SYSTEM: Final = f"{codes.NS}/proof"
OUTCOME: Final = "outcome"
"""The Task of the last step; its `statusReason` says why the EHR was refused, if it was."""
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
STALE: Final = "0"
"""No server's current version."""
WHAT: Final = (
    "careloop tries at its start how this EHR guards an update, on this Task. "
    "It concerns no patient and nobody has to do it."
)
REPLACED: Final = "Replaced in spite of the guard: this EHR ignores it."
VERSIONS: Final = "versions of a resource (no meta.versionId is shown)"
IF_MATCH: Final = "If-Match (it replaced a resource under a version that was not the current one)"
STALE_REFUSED: Final = "409 or 412 to a transaction with a stale version"
ATOMIC: Final = "atomic transactions (it keeps a part of one that it refuses)"


def prove(ehr: Ehr) -> Abilities:
    """Try the guards of this EHR, and return its abilities.

    Raises:
        Misconfigured: it lacks one that careloop can't do without.
        Unavailable: it does not answer.
    """
    try:
        abilities = _tried(ehr)
    except Misconfigured as refusal:
        with suppress(CareloopError):
            # What it lacks may keep it from noting so; the refusal counts all the same.
            _note(ehr, str(refusal))
        raise
    _note(ehr, "")
    log.info("the EHR's guards are proven; %s", words(abilities))
    return abilities


def _tried(ehr: Ehr) -> Abilities:
    standing = _ensured(ehr, "standing")
    if not version_of(standing):
        raise Misconfigured(_lacks(VERSIONS))
    _require_all_or_nothing(ehr, standing)

    guard = next((guard for guard in CREATE_GUARDS if _creates_once(ehr, guard)), None)
    return Abilities(_answers_batches(ehr, standing), guard)


def words(abilities: Abilities) -> str:
    """Say the consequences of the abilities."""
    heads = (
        f"heads are created with their result and read by id ({abilities.create_guard})"
        if abilities.create_guard
        else "heads are made by conditional create and found by search"
    )
    return f"{heads}; {'batches' if abilities.batches else 'one request for each read'}"


def recorded(ehr: Ehr) -> Abilities | None:
    """Read the proof of an earlier start, without a write; None without one.

    Of a guard it tells that a Task was created under it and not replaced since.

    Raises:
        Misconfigured: the EHR was refused at the newest start.
    """
    found = next(ehr.search("Task", {"identifier": f"{SYSTEM}|{OUTCOME}"}), None)
    if found is None:
        return None
    if refusal := _reason(found):
        raise Misconfigured(refusal)
    if not version_of(found):
        raise Misconfigured(_lacks(VERSIONS))
    tasks = {guard: ehr.read(_reference(guard)) for guard in CREATE_GUARDS}
    kept = [guard for guard, task in tasks.items() if task and "statusReason" not in task]
    return Abilities(_answers_batches(ehr, found), kept[0] if kept else None)


def _note(ehr: Ehr, refusal: str) -> None:
    """Write the outcome of the proof, if it is not the one before.

    Args:
        refusal: empty where the EHR is proven.
    """
    reason = {"statusReason": {"text": refusal}} if refusal else {}
    standing = _ensured(ehr, OUTCOME, reason)
    if _reason(standing) == refusal:
        return
    plain = {key: value for key, value in standing.items() if key != "statusReason"}
    try:
        ehr.update(_touched(plain | reason), version_of(standing))
    except Conflict:
        log.info("another service noted its outcome of the proof at this moment")


def _reason(task: Json) -> str:
    return str((task.get("statusReason") or {}).get("text", ""))


def _lacks(what: str) -> str:
    return (
        f"the EHR at CARELOOP_FHIR_URL lacks {what}: results could be lost or doubled there. Put a "
        "FHIR server that has it beside this EHR"
    )


def _ensured(ehr: Ehr, value: str, elements: Mapping[str, Any] = NOTHING) -> Json:
    """Find a Task of ours, or create it with these elements."""
    try:
        reference = ehr.ensure(_task(value) | dict(elements), SYSTEM, value).reference
    except Conflict:
        # HAPI FHIR answers 409 to the later of two services that start at the same time.
        raise Unavailable("ehr", "another service proves its guards at this moment") from None
    found = ehr.read(reference)
    if found is None:
        raise Unavailable("ehr", "it does not show what it created just now")
    return found


def _require_all_or_nothing(ehr: Ehr, standing: Json) -> None:
    """Post a transaction with a stale last entry; require the refusal of both."""
    part = _ensured(ehr, "part")
    entries = [
        bundle.put(_touched(part), version_of(part)),
        bundle.put(_touched(standing), STALE),
    ]
    try:
        ehr.transact(_transaction(entries))
    except FhirError as refusal:
        # Not every refusal is one of the version, and a race must look like one.
        raise Misconfigured(_lacks(f"{STALE_REFUSED}: {refusal}")) from refusal
    except Conflict as refusal:
        now = ehr.read(local_reference(part))
        if now is None or version_of(now) != version_of(part):
            raise Misconfigured(_lacks(ATOMIC)) from refusal
        return
    raise Misconfigured(_lacks(IF_MATCH))


def _creates_once(ehr: Ehr, guard: CreateGuard) -> bool:
    """Tell whether an update under this guard creates a Task, and never replaces it."""
    at = ehr.able(Abilities(create_guard=guard))
    task = _task(guard) | {"id": _reference(guard).split("/")[1]}
    try:
        if ehr.read(_reference(guard)) is None:
            at.transact(_transaction([bundle.put(task, "")]))
    except (Conflict, FhirError):
        # Another process may have made it just now; else this is no guard that creates.
        if ehr.read(_reference(guard)) is None:
            return False
    before = ehr.read(_reference(guard)) or {}
    if "statusReason" in before:
        # An earlier start found it out: another try would write one more version at each start.
        return False
    try:
        at.transact(_transaction([bundle.put(task | {"statusReason": {"text": REPLACED}}, "")]))
    except Conflict:
        # A server that ignores the guard may refuse the later of two at once, for its own lock.
        return version_of(ehr.read(_reference(guard)) or {}) == version_of(before)
    except FhirError:
        return False
    return False


def _answers_batches(ehr: Ehr, standing: Json) -> bool:
    questions = [reading(local_reference(standing)), searching("Task", {"_id": standing["id"]})]
    try:
        found = ehr.batch(questions)
    except CareloopError as error:
        if not is_refused(error):
            raise
        log.info("the EHR refuses a batch: %s", error)
        return False
    return all(q.url in found and found[q.url].is_success for q in questions)


def _reference(guard: CreateGuard) -> str:
    return f"Task/{uuid5(NAMESPACE, f'proof {guard}')}"


def _task(value: str) -> Json:
    now = instants.now()
    return {
        "resourceType": "Task",
        "identifier": [{"system": SYSTEM, "value": value}],
        "status": "cancelled",
        "intent": "proposal",
        "description": WHAT,
        "authoredOn": now,
        "lastModified": now,
    }


def _touched(task: Json) -> Json:
    return task | {"lastModified": instants.now()}


def _transaction(entries: list[Json]) -> Json:
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}
