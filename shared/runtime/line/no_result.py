"""The head of an answer without a result, with the reason.

Its status is rejected, failed or cancelled.
"""

from shared import instants
from shared.ehr.ahead import reading
from shared.ehr.guarded import transact
from shared.errors import ConsentDenied, NotAnalysed
from shared.fhir import bundle, heads
from shared.json import Json
from shared.privacy import audit
from shared.references import local_reference
from shared.runtime.line.case import Case
from shared.runtime.line.result import entry_uuid
from shared.runtime.line.revision import look_again, open_head, require_alone, undecided
from shared.runtime.line.workplace import TooHastyError, Workplace


def write_reason(
    at: Workplace,
    case: Case,
    status: str,
    *,
    basis: str,
    reason: str,
    refusal: NotAnalysed | None = None,
    patient: str | None = None,
) -> None:
    """Write the reason into the head, and reject unsigned drafts.

    Args:
        status: of the head: `rejected`, `failed` or `cancelled`.
        refusal: why it was not analysed; a denied consent adds a security alert.
        patient: whom the statement is about; default: the case's patient.
    """
    # After a denial nothing more is fetched, not even to see whether the input exists.
    denied = isinstance(refusal, ConsentDenied)
    if at.is_hasty:
        raise TooHastyError(denied=denied)

    patient = patient or case.patient
    head = open_head(at, case, patient)
    gone = status == "cancelled" or case.event.action == "delete"
    asks = not gone and not denied

    at = at.ahead(look_again(case, head) + ([reading(case.answer.input)] if asks else []))
    require_alone(at, case, head)
    standing = undecided(at.ehr, head)
    exists = at.ehr.read(case.answer.input) is not None if asks else denied and not gone
    now = instants.now()

    task = heads.without_result(
        head,
        status,
        subject=patient,
        basis=basis,
        reason=reason,
        focus=heads.focus_on(case.answer, exists=exists),
        outputs={key: local_reference(found) for key, found in standing.by_key.items()},
        now=now,
    )

    entries: list[Json] = bundle.retracted(standing)
    if isinstance(refusal, ConsentDenied):
        alert = audit.denied(device=at.device, patient=patient, consent=refusal.consent, now=now)
        entries.append(bundle.post(alert, entry_uuid(case, head, "denied")))

    before = [head.task, *standing.by_key.values()]
    transact(at.ehr, bundle.transaction(head, task, entries), before)
