"""One event, a straight line: what happens to it between the event log and the EHR. The runtime
does this for many at once.

    case = line.take(event)                   # consent, head, gather, basis; None: settled, or nothing to do
    findings = service.analyze([case.inputs], model)[0]
    line.put(case, findings)                  # consent again, head, one guarded transaction

Every method may raise Conflict (somebody else wrote first: call `take` again) and Unavailable.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from shared import VERSION, instants
from shared.answers import Answer, Basis, Head, digest, newest
from shared.ehr.client import Ehr
from shared.errors import Conflict, ConsentDenied, FhirError, NotAnalysed, Withdrawn
from shared.events import ResourceEvent
from shared.fhir import bundle, heads, lifecycle
from shared.fhir.drafts import Pen
from shared.fhir.heads import head_of
from shared.json import Json
from shared.privacy import audit
from shared.privacy.access_log import Record, no_trail
from shared.privacy.consent import permit
from shared.references import subject_of
from shared.runtime import devices
from shared.service import ModelCard, Service
from shared.settings import Settings

Settled = Literal["result", "not_analysed", "withdrawn", "unchanged", "not_ours", "failed"]
GONE: Final = (404, 410)
MOVED: Final = "The input is about another patient now."
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Case:
    """One answer on its way: the head as it stood before gather, and what was gathered since.

    Attributes:
        signed: the newest head that a clinician signed, where a later revision was opened since.
    """

    event: ResourceEvent
    answer: Answer
    head: Head | None
    signed: Head | None = None
    inputs: Any = None  # the service's own type, see shared.service.Inputs
    basis: Basis | None = None
    cards: Sequence[ModelCard] = ()


class Register:
    """Devices and model cards, made once per model version and remembered.

    Args:
        ensure: makes the resource unless one with its identifier stands, and returns its reference.
    """

    def __init__(self, ensure: Callable[[Json], str]) -> None:
        self._ensure = ensure
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def device(self, card: ModelCard) -> str:
        """`Device/id` of a model version."""
        with self._lock:
            token = devices.device_token(card)
            if token not in self._known:
                self._known[token] = self._ensure(devices.device(card, self._card(card)))
            return self._known[token]

    def card(self, card: ModelCard) -> str:
        """`DocumentReference/id` of a model card."""
        with self._lock:
            return self._card(card)

    def service(self, name: str) -> str:
        """`Device/id` of a service itself."""
        with self._lock:
            if name not in self._known:
                self._known[name] = self._ensure(devices.service_device(name, VERSION))
            return self._known[name]

    def _card(self, card: ModelCard) -> str:
        token = f"card {devices.card_token(card)}"
        if token not in self._known:
            self._known[token] = self._ensure(devices.card_document(card, instants.now()))
        return self._known[token]


def at_ehr(ehr: Ehr) -> Register:
    """A Register that writes to the EHR by conditional create."""

    def ensure(resource: Json) -> str:
        identifier = resource["identifier"][0]
        return ehr.ensure(resource, identifier["system"], identifier["value"]).reference

    return Register(ensure)


@dataclass(frozen=True)
class Line:
    """A service at work on an EHR."""

    service: Service
    ehr: Ehr
    model: Any
    settings: Settings
    register: Register
    trail: Record = no_trail

    def take(self, event: ResourceEvent, *, only_deletes: bool = True) -> Case | Settled:
        """Everything before the model: a Case to analyse, or how the event settled.

        Args:
            only_deletes: for a delete: no record that it stands for spoke of something to analyse.

        Raises:
            NotYet, Unavailable, Conflict, FhirError: see `shared.errors`.
        """
        case = self._case(event)
        if case.head is None and only_deletes and event.action == "delete":
            # nobody knows what it was, nothing was said about it, and there is nothing to ask
            # consent for
            return "not_ours"
        try:
            return self.gather(case)
        except Withdrawn:
            return self.retract(case)
        except NotAnalysed as refusal:
            return self.refuse(case, refusal)

    def gather(self, case: Case) -> Case | Settled:
        """The same, with what was gathered; raises NotAnalysed and Withdrawn."""
        case = self._asked(case)
        self.trail(case.answer.input, _patient(case))
        inputs = self.service.gather(case.event, self.ehr, self.settings)
        if inputs is None or not (cards := self.service.models_for(inputs, self.model)):
            return self._not_ours(case)
        if (
            inputs.subject != case.event.subject
        ):  # an old event, or a corrected subject: she is the one to ask
            self._ask(inputs.subject)
        basis = Basis(digest(inputs.subject, inputs.content), tuple(c.digest for c in cards))
        if case.head and case.head.answers(basis):
            return "unchanged"
        if case.signed and case.signed.answers(basis):
            return self._as_signed(replace(case, inputs=inputs), basis)
        self._part(case, inputs.subject)
        return replace(case, inputs=inputs, basis=basis, cards=cards)

    def _case(self, event: ResourceEvent) -> Case:
        answer = Answer(self.service.name, self.service.input_of(event))
        found = self.ehr.heads(answer)
        head, signed = newest(found), newest(h for h in found if h.signed)
        return Case(event, answer, head, signed if signed is not head else None)

    def _asked(self, case: Case) -> Case:
        """Consent before the first fetch: the case, about the patient who was asked.

        An old event may name a former subject, whose word counts no longer. So after a refusal the
        EHR is asked for the input's subject and for nothing else of it; where that is another one,
        hers is the word. The order of events then changes nothing.
        """
        try:
            self._ask(case.event.subject)
        except NotAnalysed:
            subject = self._subject_now(case)
            if subject == case.event.subject:
                raise
            self._ask(subject)
            return replace(case, event=replace(case.event, subject=subject))
        return case

    def _ask(self, subject: str | None) -> None:
        if subject and not subject.startswith("Patient/"):
            raise NotAnalysed("The subject is not a Patient.")
        permit(self.ehr, self.settings, subject, self.service.reads)

    def _subject_now(self, case: Case) -> str | None:
        """Whom the input is about at this moment; Withdrawn where it is gone.

        An answer about a patient herself is about nobody else.
        """
        if case.answer.input != case.event.focus:
            return case.event.subject
        self.trail(case.event.focus, _patient(case))
        try:
            return subject_of(self.ehr.operation(case.event.focus, {"_elements": "subject"}))
        except FhirError as refused:
            if refused.status in GONE:
                raise Withdrawn(case.event.focus) from refused
            return case.event.subject  # a server that will not tell: the refusal stands

    def _not_ours(self, case: Case) -> Settled:
        """Not for this service after all: what it drafted while it was is taken back."""
        if case.head is None or case.head.closed or case.head.outcome == "cancelled":
            return "not_ours"
        self._settle(
            case, "cancelled", basis="", reason="The input is no longer one for this service."
        )
        return "withdrawn"

    def _as_signed(self, case: Case, basis: Basis) -> Settled:
        """A later revision was opened (changed, denied, failed, withdrawn), and the input is again
        what was signed: that result stands.
        """
        self._settle(
            case,
            "cancelled",
            basis=str(basis),
            reason="The input is again the one whose result was signed.",
        )
        return "withdrawn"

    def _part(self, case: Case, subject: str) -> None:
        """What was signed stays with its patient. Where the input is about another one now, a
        revision of her own says so, once, before
        anything is said of the other: the two records then have nothing to do with each other."""
        signed = case.head if case.head and case.head.signed else case.signed
        former = subject_of(signed.task) if signed else None
        if (
            case.head
            and former not in (None, subject)
            and subject_of(case.head.task) == former
            and not _parted(case.head)
        ):
            self._settle(case, "cancelled", basis="", reason=MOVED, patient=former)
            raise Conflict("what was signed had to be parted from another patient's input first")

    def put(self, case: Case, findings: Any) -> Settled:
        """Write the result: one transaction under the head that was read before gather."""
        if isinstance(findings, NotAnalysed):
            return self.refuse(case, findings)
        try:
            self._ask(case.inputs.subject)
        except ConsentDenied as refusal:
            return self.refuse(case, refusal)
        head = self._open(case, case.inputs.subject)
        standing = self._undecided(head)
        self._write(
            bundle.transaction(head, *self.compose(case, findings, head, standing)),
            case.inputs.sources,
        )
        return "result"

    def _write(self, transaction: Json, sources: Mapping[str, str]) -> None:
        """Where an input went away since gather, an EHR that checks references refuses the result:
        that is a fresh start, no fault of ours.
        """
        try:
            self.ehr.transact(transaction)
        except FhirError as refused:
            if all(self.ehr.read(source) for source in sources):
                raise
            raise Conflict("an input went away while it was analysed") from refused

    def compose(
        self, case: Case, findings: Any, head: Head, standing: bundle.Standing
    ) -> tuple[Json, list[Json]]:
        """The head and the entries of a result's transaction: drafts, Provenance, audit events."""
        assert case.basis is not None
        pen = self._pen(case, head)
        device = next(iter(pen.devices.values()))
        drafts = self.service.resources(case.inputs, findings, pen)
        targets = bundle.targets(drafts, standing)
        focus, sources = targets[bundle.report_of(drafts).key], case.inputs.sources
        task = heads.requested(
            head,
            subject=pen.subject,
            basis=case.basis,
            focus=focus,
            device=device,
            sources=sources,
            outputs=targets,
            now=pen.now,
        )
        same = (
            case.head is not None
            and case.head.closed
            and subject_of(case.head.task) == case.inputs.subject
        )
        replaced = (
            case.head.outputs.get("report") if case.head and same else None
        )  # never a link from one patient's record to another's
        provenance = bundle.provenance(
            pen, targets.values(), sources, [self.register.card(c) for c in case.cards], replaced
        )
        entries = bundle.written(drafts, standing)
        entries.append(bundle.post(provenance, _uuid(case.answer, head, "provenance")))
        entries += self._audited(case, head, device, [focus], pen.now)
        return task, entries

    def _pen(self, case: Case, head: Head) -> Pen:
        """What the drafts of this case share."""
        return Pen(
            answer=case.answer,
            revision=head.revision,
            subject=case.inputs.subject,
            now=instants.now(),
            devices={c.name: self.register.device(c) for c in case.cards},
            titles={c.name: f"careloop {c.title} {c.version}" for c in case.cards},
            report_status=self.settings.report_status,
        )

    def refuse(self, case: Case, refusal: NotAnalysed) -> Settled:
        """Not analysed: the head says why, and a draft result of an earlier input is rejected."""
        basis = str(Basis(digest("not analysed", refusal.reason)))
        head, of = case.head, refusal.subject if isinstance(refusal, ConsentDenied) else None
        if (
            head
            and head.outcome == "rejected"
            and head.basis == basis
            and of in (None, subject_of(head.task))
        ):
            return "unchanged"
        if of:
            self._part(case, of)
        self._settle(
            case, "rejected", basis=basis, reason=refusal.reason, refusal=refusal, patient=of
        )
        return "not_analysed"

    def give_up_waiting(self, event: ResourceEvent) -> Settled:
        """What was announced never came: not analysed, unless a result stands that rests on what
        had been there.
        """
        case = self._case(event)
        if case.head and case.head.outcome in ("requested", "completed"):
            return "unchanged"
        return self.refuse(case, NotAnalysed("What the event announced did not arrive in time."))

    def retract(self, case: Case) -> Settled:
        """The input is gone: what nobody signed is rejected; a signed result stays, and the next
        revision says so.
        """
        head = case.head
        if head and (head.outcome == "cancelled" or (head.closed and not head.signed)):
            return "unchanged"
        reason = (
            "The input was withdrawn after the result was signed."
            if head and head.closed
            else "The input was withdrawn."
        )
        self._settle(case, "cancelled", basis="", reason=reason)
        return "withdrawn"

    def fail(self, event: ResourceEvent, reason: str) -> Settled:
        """A dead letter: the head says `failed`; after a decision the next revision does, so that
        nobody takes the old result for the new.
        """
        case = self._case(event)
        if not (case.head and case.head.outcome == "failed"):
            self._settle(case, "failed", basis="", reason=reason)
        return "failed"

    def _settle(
        self,
        case: Case,
        status: str,
        *,
        basis: str,
        reason: str,
        refusal: NotAnalysed | None = None,
        patient: str | None = None,
    ) -> None:
        patient = patient or _patient(case)
        head = self._open(case, patient)
        standing = self._undecided(head)
        now = instants.now()
        focus = heads.focus_on(case.answer, exists=self._still_there(case, status, refusal))
        outputs = {k: f"{r['resourceType']}/{r['id']}" for k, r in standing.by_key.items()}
        task = heads.without_result(
            head,
            status,
            subject=patient,
            basis=basis,
            reason=reason,
            focus=focus,
            outputs=outputs,
            now=now,
        )
        entries = bundle.retracted(standing)
        if isinstance(refusal, ConsentDenied):
            alert = audit.denied(
                device=self._device(), patient=patient, consent=refusal.consent, now=now
            )
            entries.append(bundle.post(alert, _uuid(case.answer, head, "denied")))
        self.ehr.transact(bundle.transaction(head, task, entries))

    def _still_there(self, case: Case, status: str, refusal: NotAnalysed | None) -> bool:
        """The head may refer to the input.

        After a denial nothing more is fetched, not even to see whether it is there.
        """
        if status == "cancelled" or case.event.action == "delete":
            return False
        return isinstance(refusal, ConsentDenied) or self.ehr.read(case.answer.input) is not None

    def _open(self, case: Case, patient: str | None) -> Head:
        """The head to write under: the one read before gather, or the next revision's, by
        conditional create.
        """
        if case.head and not opens(case.head, patient):
            return case.head
        revision = case.head.revision + 1 if case.head else 1
        task = heads.first_draft(
            case.answer, revision, subject=patient, device=self._device(), now=instants.now()
        )
        written = self.ehr.create(task, heads.if_none_exist(case.answer, revision))
        if not written.created:
            raise Conflict(
                f"revision {revision} of an answer of {self.service.name} was begun elsewhere"
            )
        head = head_of(
            task | {"id": written.reference.split("/")[1], "meta": {"versionId": written.version}}
        )
        return self._alone(case.answer, head)

    def _alone(self, answer: Answer, head: Head) -> Head:
        """The head that we began, unless others began the same revision: not every server makes
        conditional create atomic.

        Whoever sees another takes its own back, so at most one goes on; if none does, all start
        again.
        """
        if any(
            h.revision == head.revision and h.reference != head.reference
            for h in self.ehr.heads(answer)
        ):
            self.ehr.update(heads.taken_back(head, instants.now()), head.version)
            raise Conflict(
                f"revision {head.revision} of an answer of {self.service.name} was begun twice"
            )
        return head

    def standing(self, head: Head) -> bundle.Standing:
        """What the head lists as written, as it is at the EHR now."""
        found = {key: self.ehr.read(reference) for key, reference in head.outputs.items()}
        return bundle.Standing({key: resource for key, resource in found.items() if resource})

    def _undecided(self, head: Head) -> bundle.Standing:
        """What stands under a head that is about to be written. What another client decided on the
        report is respected first: it closes the head, and what there is to say since then, a result
        or none, opens the next revision."""
        standing = self.standing(head)
        if decision := decided_elsewhere(head, standing):
            task = heads.decided(
                head,
                decision,
                owner=None,
                reason="Decided in the EHR, outside careloop's review.",
                now=instants.now(),
            )
            self.ehr.transact(bundle.transaction(head, task, ()))
            raise Conflict("the result was decided on in the EHR meanwhile")
        return standing

    def _audited(
        self, case: Case, head: Head, device: str, data: Sequence[str], now: str
    ) -> list[Json]:
        def entry(action: str, references: Sequence[str]) -> Json:
            event = audit.access(
                action,
                device=device,
                ehr=self.ehr.base,
                patient=case.inputs.subject,
                data=references,
                now=now,
            )
            return bundle.post(event, _uuid(case.answer, head, f"audit {action}"))

        return [entry("R", list(case.inputs.sources)), entry("C", data)]

    def _device(self) -> str:
        return self.register.service(self.service.name)


def _patient(case: Case) -> str | None:
    subject = case.inputs.subject if case.inputs is not None else case.event.subject
    return subject if subject and subject.startswith("Patient/") else None


def opens(head: Head | None, patient: str | None) -> bool:
    """What is said of this patient begins the next revision."""
    return (
        head is None
        or head.closed
        or (_parted(head) and patient not in (None, subject_of(head.task)))
    )


def _parted(head: Head) -> bool:
    """It tells the patient of a signed result that the input is not hers any more."""
    return head.outcome == "cancelled" and head.task.get("statusReason", {}).get("text") == MOVED


def decided_elsewhere(head: Head, standing: bundle.Standing) -> str | None:
    """What a clinician decided on the report without careloop's review: `signed`, `amended`,
    `rejected`; None: nothing.
    """
    report = standing.by_key.get("report")
    if report is None or lifecycle.is_draft(report):
        return None
    status, table = lifecycle.status_of(report), lifecycle.STATUS[report["resourceType"]]
    if status in (table["rejected"], table.get("wrong-patient")):
        return "rejected" if head.outcome == "requested" else None  # else we took it back ourselves
    return "amended" if status == table.get("amended") != table["signed"] else "signed"


def _uuid(answer: Answer, head: Head, *what: str) -> str:
    return f"urn:uuid:{answer.resource_uuid(head.revision, ' '.join((head.version, *what)))}"
