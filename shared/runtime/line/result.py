"""The result of an answer: drafts, Provenance and audit events in one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared import instants
from shared.answers import Head
from shared.ehr.guarded import transact
from shared.errors import Conflict, FhirError
from shared.fhir import bundle, heads
from shared.fhir.drafts import Pen
from shared.fhir.urgency.priority import priority_of
from shared.json import Json
from shared.privacy import audit
from shared.references import subject_of
from shared.runtime.line.case import Case
from shared.runtime.line.workplace import Workplace


def write_result(
    at: Workplace, case: Case, findings: Any, head: Head, standing: bundle.Standing
) -> None:
    """Write the result under the head."""
    task, entries = compose(at, case, findings, head, standing)
    transaction = bundle.transaction(head, task, entries)
    _transact(at, transaction, case.inputs.sources, [head.task, *standing.by_key.values()])


def compose(
    at: Workplace, case: Case, findings: Any, head: Head, standing: bundle.Standing
) -> tuple[Json, list[Json]]:
    """Build the head and the entries of a result's transaction."""
    assert case.basis is not None
    pen = _pen(at, case, head)
    device = next(iter(pen.devices.values()))
    sources = case.inputs.sources

    drafts = at.service.resources(case.inputs, findings, pen)
    targets = bundle.targets(drafts, standing)
    focus = targets[bundle.report_of(drafts).key]

    task = heads.requested(
        head,
        subject=pen.subject,
        basis=case.basis,
        focus=focus,
        device=device,
        sources=sources,
        outputs=targets,
        now=pen.now,
        priority=priority_of(draft.resource for draft in drafts),
    )
    cards = [at.register.card(card) for card in case.cards]
    provenance = bundle.provenance(pen, targets.values(), sources, cards, _replaced_report(case))

    entries = bundle.written(drafts, standing)
    entries.append(bundle.post(provenance, entry_uuid(case, head, "provenance")))
    entries += _audit_entries(at, case, head, device=device, written=[focus], now=pen.now)
    return task, entries


def entry_uuid(case: Case, head: Head, *key: str) -> str:
    """Return the `urn:uuid:...` of an entry: the same in each try under the same head."""
    uuid = case.answer.resource_uuid(head.revision, " ".join((head.version, *key)))
    return f"urn:uuid:{uuid}"


def _pen(at: Workplace, case: Case, head: Head) -> Pen:
    return Pen(
        answer=case.answer,
        revision=head.revision,
        subject=case.inputs.subject,
        now=instants.now(),
        devices={card.name: at.register.device(card) for card in case.cards},
        titles={card.name: f"careloop {card.title} {card.version}" for card in case.cards},
        report_status=at.settings.report_status,
        effective=case.inputs.effective,
    )


def _replaced_report(case: Case) -> str | None:
    """Return the report of the closed revision before, if it is the same patient's.

    There is never a link from one patient's record to another's.
    """
    before = case.head
    if before is None or not before.closed or subject_of(before.task) != case.inputs.subject:
        return None

    return before.outputs.get("report")


def _audit_entries(
    at: Workplace, case: Case, head: Head, *, device: str, written: Sequence[str], now: str
) -> list[Json]:
    def entry(action: str, references: Sequence[str]) -> Json:
        event = audit.access(
            action,
            device=device,
            ehr=at.ehr.base,
            patient=case.inputs.subject,
            data=references,
            now=now,
        )
        return bundle.post(event, entry_uuid(case, head, f"audit {action}"))

    return [entry("R", list(case.inputs.sources)), entry("C", written)]


def _transact(
    at: Workplace, transaction: Json, sources: Mapping[str, str], before: Sequence[Json]
) -> None:
    """Write the transaction; Conflict if an input went away since gather.

    An EHR that checks references refuses such a result. That is no fault of ours, so the answer
    starts again.
    """
    try:
        transact(at.ehr, transaction, before)
    except FhirError as error:
        if all(at.ehr.read(source) for source in sources):
            raise
        raise Conflict("an input went away while it was analysed") from error
