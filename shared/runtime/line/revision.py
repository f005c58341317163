"""The revision of an answer: the head to write under, and its resources."""

from shared import instants
from shared.answers import Head
from shared.ehr.ahead import Question, reading
from shared.ehr.client import Ehr
from shared.ehr.guard import heads as heads_at
from shared.errors import Conflict
from shared.fhir import bundle, heads, lifecycle
from shared.fhir.heads import head_of
from shared.json import Json
from shared.references import moment_of, subject_of, version_of
from shared.runtime.line.case import Case
from shared.runtime.line.workplace import Workplace

MOVED = "The input is about another patient now."


def opens_revision(head: Head | None, patient: str | None) -> bool:
    """Tell whether the next statement about this patient begins a new revision."""
    if head is None or head.closed:
        return True

    return is_separated(head) and patient not in (None, subject_of(head.task))


def is_separated(head: Head) -> bool:
    """Tell whether the head records a signed input's move to another patient."""
    return head.outcome == "cancelled" and head.task.get("statusReason", {}).get("text") == MOVED


def open_head(at: Workplace, case: Case, patient: str | None) -> Head:
    """Return the head to write under: the one from before gather, or a new one.

    A new one is created with what is written under it, where the EHR can do that. Elsewhere it is
    made here, and `require_alone` must follow.

    Raises:
        Conflict: another process began the same revision.
    """
    if case.head and not opens_revision(case.head, patient):
        return case.head

    revision = heads_at.next_revision(at.ehr, case.answer, case.head)
    task = heads.first_draft(
        case.answer, revision, subject=patient, device=at.device, now=instants.now()
    )
    if at.ehr.abilities.create_guard:
        return heads.to_be_created(task, case.answer, revision)

    written = at.ehr.create(task, heads.if_none_exist(case.answer, revision))
    if not written.created:
        raise Conflict(f"revision {revision} of an answer of {at.service.name} was begun elsewhere")

    at.ehr.memory.begun.add(case.answer, written.reference)
    stored = {"id": written.reference.split("/")[1], "meta": {"versionId": written.version}}
    return head_of(task | stored)


def look_again(case: Case, head: Head) -> list[Question]:
    """List the questions about a head before a write.

    Its resources, and other heads of its revision.
    """
    twins = [heads_at.searching_all(case.answer)] if _begun_now(case, head) else []
    return [*map(reading, head.outputs.values()), *twins]


def require_alone(at: Workplace, case: Case, head: Head) -> None:
    """Raise Conflict if another process began the same revision, too.

    Not every server makes conditional create atomic. Every process that sees another head takes its
    own head back, so at most one process goes on. If none does, all start again.
    """
    if _begun_now(case, head) and heads_at.twins(at.ehr, case.answer, head):
        at.ehr.update(heads.taken_back(head, instants.now()), head.version)
        service = case.answer.service
        raise Conflict(f"revision {head.revision} of an answer of {service} was begun twice")


def require_same_input(at: Workplace, case: Case) -> Json | None:
    """Raise Conflict if the input is no longer the analysed one; return it.

    The answers of a batch may be of different moments. So the head that was read with the input
    may already be that of a newer one, and its version alone would not protect it.
    """
    now = at.ehr.read(case.answer.input)
    # A plan may rest on other things than the Patient.
    analysed = case.inputs.sources.get(case.answer.input)
    if (
        now is None
        or analysed not in (None, version_of(now))
        # A number comes again where a resource was expunged or a backup restored.
        or not instants.same_moment(case.written, moment_of(now))
    ):
        raise Conflict("the input changed while it was analysed")
    return now


def _begun_now(case: Case, head: Head) -> bool:
    """Tell whether the head was made by conditional create, for this very write."""
    return head is not case.head and bool(head.version)


def standing_under(ehr: Ehr, head: Head) -> bundle.Standing:
    """Read the resources of the head, as they are at the EHR now."""
    found = {key: ehr.read(reference) for key, reference in head.outputs.items()}
    return bundle.Standing({key: resource for key, resource in found.items() if resource})


def undecided(ehr: Ehr, head: Head) -> bundle.Standing:
    """Read the resources of a head before a write; Conflict after a decision.

    Another client may have decided on the report. That decision closes the head, and whatever
    careloop writes afterwards opens the next revision.
    """
    standing = standing_under(ehr, head)

    if decision := decided_elsewhere(head, standing):
        task = heads.decided(
            head,
            decision,
            owner=None,
            reason="Decided in the EHR, outside careloop's review.",
            now=instants.now(),
        )
        ehr.transact(bundle.transaction(head, task, ()))
        raise Conflict("the result was decided on in the EHR meanwhile")

    return standing


def decided_elsewhere(head: Head, standing: bundle.Standing) -> str | None:
    """Read the decision of a clinician on the report, outside careloop's review.

    Returns:
        `signed`, `amended` or `rejected`; None where nothing was decided.
    """
    report = standing.by_key.get("report")
    if report is None or lifecycle.is_draft(report):
        return None

    status, table = lifecycle.status_of(report), lifecycle.STATUS[report["resourceType"]]
    if status in {table.get(stage) for stage in lifecycle.WITHDRAWN}:
        # Under a head with another outcome, careloop itself rejected the report.
        return "rejected" if head.outcome == "requested" else None

    return "amended" if status == table.get("amended") != table["signed"] else "signed"
