"""A transaction, taken back by us if the EHR keeps only a part of it.

An EHR that runs transactions as batches may hold half of one. What it held before is put back, and
new drafts are rejected, so nothing can be signed without its Provenance, and the next try starts
clean. A new Provenance is written again as one that stands for nothing. The head comes first: it
says whether there is a result. What the EHR does not take back in time is logged, and an operator
has to look.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from shared import instants
from shared.ehr.client import Ehr
from shared.ehr.guard.nullified import nullified, targets
from shared.ehr.wire.answered import Accepted, PartlyWritten
from shared.errors import CareloopError, Conflict, Unavailable
from shared.fhir import bundle, codes, lifecycle
from shared.json import Json
from shared.references import identifiers_of, is_a, local_reference, type_of, version_of

log = logging.getLogger(__name__)
PAUSES_SEC: Final = (0.25, 1.0, 4.0)
AT_MOST_SEC: Final = 30.0
"""As long entries are tried again, all together: whoever wrote waits for it."""
TAKEN_BACK: Final = frozenset({*lifecycle.STATUS, "Provenance", "Task"})
"""What is new of these kinds must not stand."""


def transact(ehr: Ehr, transaction: Json, before: Iterable[Json]) -> Sequence[Json]:
    """Write the transaction, or take back its accepted part.

    Args:
        before: what it replaces, as read: the head, standing drafts.

    Raises:
        FhirError, Conflict, Unavailable: of the transaction, whatever became of the other half.
    """
    try:
        return ehr.transact(transaction)
    except CareloopError as error:
        if isinstance(error.__cause__, PartlyWritten):
            _take_back(ehr, error.__cause__, {local_reference(r): r for r in before})
        raise


def _take_back(ehr: Ehr, half: PartlyWritten, before: Mapping[str, Json]) -> None:
    log.warning("the EHR refused a transaction and kept %d entries of it", len(half.accepted))
    deadline = time.monotonic() + AT_MOST_SEC
    for accepted in sorted(half.accepted, key=lambda a: not is_a(a.reference, "Task")):
        try:
            _patiently(ehr, accepted, before.get(accepted.reference), deadline)
        except CareloopError as error:
            log.error("%s: what was written could not be taken back: %s", accepted.reference, error)


def _patiently(ehr: Ehr, accepted: Accepted, old: Json | None, deadline: float) -> None:
    """Undo an entry, at least once; raises Unavailable after the deadline."""
    for pause in PAUSES_SEC:
        try:
            return _undo(ehr, accepted, old)
        except Unavailable:
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause)
    return _undo(ehr, accepted, old)


def _undo(ehr: Ehr, accepted: Accepted, old: Json | None) -> None:
    """Put the old resource back, reject the new draft, or nullify the new Provenance.

    AuditEvents stay: they say what happened.
    """
    kind = type_of(accepted.reference)
    if old is None and not (accepted.created and kind in TAKEN_BACK):
        return
    standing = ehr.read(accepted.reference)
    if standing is None or accepted.version not in ("", version_of(standing)):
        # Somebody else wrote since, or our own update of the try before was done.
        return
    if old is not None:
        back = bundle.put(old, "")["resource"]
    elif kind == "Provenance":
        refused = [target for target in targets(standing) if ehr.read(target) is None]
        back = nullified(bundle.put(standing, "")["resource"], instants.now(), refused)
    elif kind == "Task":
        if any(i.get("system") == codes.REVISION for i in identifiers_of(standing)):
            return  # a head without its result is found and mended by its service
        back = bundle.put(standing, "")["resource"] | {"status": "entered-in-error"}
    else:
        back = bundle.put(lifecycle.at_stage(standing, "rejected"), "")["resource"]
    try:
        ehr.update(back, version_of(standing))
    except Conflict:
        log.info("%s was written by somebody else meanwhile", accepted.reference)
