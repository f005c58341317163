"""The straight line of one event, between the event log and the EHR.

::

    case = line.take(event)       # consent, head, gather, basis; a word where it settled already
    findings = service.analyze([case.inputs], model)[0]
    line.put(case, findings)      # consent again, head, one guarded transaction

Where the EHR answers batches, the first look (heads, consent, input) is one request, and so is the
look before the write. The input then comes with the consent; where that denies, it is dropped
unread. A refusal needs one more look: an input and a consent from after the heads.

The runtime does this for many events at once. Every method may raise Conflict (somebody else wrote
first: call `take` again) and Unavailable.
"""

from dataclasses import dataclass, replace
from typing import Any

from shared.answers import Answer, Basis, digest
from shared.ehr.ahead import reading
from shared.ehr.guard import heads as heads_at
from shared.errors import NotAnalysed, NotYet, Withdrawn
from shared.events import ResourceEvent
from shared.privacy.access_log import once
from shared.references import is_a
from shared.runtime.line.case import Case, Settled, open_case, under
from shared.runtime.line.merged import (
    filed,
    in_use,
    is_answered,
    signed_elsewhere,
    withdraw_replaced,
)
from shared.runtime.line.refusal import refuse, refuse_late_input, write_failure
from shared.runtime.line.result import write_result
from shared.runtime.line.revision import (
    look_again,
    open_head,
    require_alone,
    require_same_input,
    undecided,
)
from shared.runtime.line.subject import owner, questions, require_consent, with_consent
from shared.runtime.line.withdrawal import (
    end_signed_elsewhere,
    retract,
    return_to_signed,
    separate,
    withdraw_not_ours,
)
from shared.runtime.line.workplace import TooHastyError, Workplace


@dataclass(frozen=True)
class Line(Workplace):
    """A service at work on an EHR, one event at a time."""

    def take(self, event: ResourceEvent, *, only_deletes: bool = True) -> Case | Settled:
        """Do everything before the model.

        Args:
            only_deletes: for a delete: no record of the same unit had something to analyse.

        Returns:
            A Case to analyse, or how the event settled.

        Raises:
            NotYet, Unavailable, Conflict, FhirError: see `shared.errors`.
        """
        ahead = self._looking_ahead(event)
        case = open_case(ahead, event)
        try:
            return ahead._take(case, only_deletes=only_deletes)
        except TooHastyError as error:
            # The answers of a batch may be of different moments: the head may be newer than the
            # input. A result is held against that before it is written, a refusal is not: it needs
            # answers from after the head.
            if self.service.per_patient:
                return self._take(open_case(self, event), only_deletes=only_deletes)
            return self._looking_again(case, error)._take(case, only_deletes=only_deletes)

    def _take(self, case: Case, *, only_deletes: bool) -> Case | Settled:
        event = case.event
        gone = only_deletes and event.action == "delete"
        if case.head is None and gone:
            # Nothing is known of it and nothing was written about it: there is no consent to ask.
            return "not_ours"

        try:
            case = in_use(self, case)
            if case.event.subject != event.subject:
                withdraw_replaced(self, case)
                return self._take(open_case(self, case.event), only_deletes=only_deletes)

            case = with_consent(self, case)
            return self.gather(case)
        except Withdrawn:
            return retract(self, case)
        except NotAnalysed as refusal:
            return refuse(self, case, refusal)

    def gather(self, case: Case) -> Case | Settled:
        """Do the same for a case with its heads and consent.

        Raises:
            NotAnalysed, Withdrawn: see `shared.errors`.
        """
        self.access_log(case.answer.input, case.patient)

        moments: dict[str, str] = {}
        inputs = self.service.gather(case.event, self.ehr.noting(moments), self.settings)
        if inputs is None or not (cards := self.service.models_for(inputs, self.model)):
            return withdraw_not_ours(self, case)

        person = owner(self, case, inputs)
        if person.gone:
            raise NotYet("the patient")
        inputs, case = filed(inputs, person), replace(case, person=person)

        if case.answer.input not in inputs.sources and not self.service.per_patient:
            raise ValueError(f"{case.answer.service}: Inputs.sources lacks the input itself")

        basis = Basis(digest(inputs.subject, inputs.content), tuple(c.digest for c in cards))
        if case.head and is_answered(case.head, person, inputs.content, basis):
            return "unchanged"
        if case.signed and is_answered(case.signed, person, inputs.content, basis):
            return return_to_signed(self, case, inputs, basis)
        if signed_elsewhere(self, case, inputs.content, basis):
            return end_signed_elsewhere(self, case, inputs, basis)

        separate(self, case, person.records)
        written = moments.get(case.answer.input, "")
        return replace(case, inputs=inputs, written=written, basis=basis, cards=cards)

    def put(self, case: Case, findings: Any) -> Settled:
        """Write the result in one transaction, under the head from before gather."""
        if isinstance(findings, NotAnalysed):
            require_same_input(self, case)
            return refuse(self, case, findings)

        assert case.person is not None  # gather found her
        head = open_head(self, case, case.inputs.subject)
        consents = [q for record in case.person.records for q in questions(record)]
        line = self.ahead([*consents, *look_again(case, head), reading(case.answer.input)])
        require_alone(line, case, head)
        known = require_same_input(line, case)
        try:
            require_consent(line, case, known)
        except NotAnalysed as refusal:
            return refuse(line, under(case, head), refusal)

        write_result(line, case, findings, head, undecided(line.ehr, head))
        return "result"

    def _looking_ahead(self, event: ResourceEvent) -> "Line":
        """Return the line with the answers to its first questions, asked at once."""
        if not self.ehr.abilities.batches:
            return self

        answer = Answer(self.service.name, self.service.input_of(event))
        patient = event.subject if is_a(event.subject, "Patient") else None
        line = replace(self._logged(answer.input, patient), is_hasty=True)

        asked = heads_at.questions(self.ehr, answer)
        return line.ahead([*asked, *questions(patient), reading(answer.input)])

    def _looking_again(self, case: Case, hasty: TooHastyError) -> "Line":
        """Return the line with answers from after the case's heads, asked at once."""
        if hasty.denied:
            return self.ahead(questions(case.patient))

        line = self._logged(case.answer.input, case.patient)
        return line.ahead([*questions(case.patient), reading(case.answer.input)])

    def _logged(self, input_: str, patient: str | None) -> "Line":
        """Log an input before it is fetched with the rest, and no second time."""
        line = replace(self, access_log=once(self.access_log))
        line.access_log(input_, patient)
        return line

    def give_up_waiting(self, event: ResourceEvent) -> Settled:
        """Settle an event after its input did not arrive in time."""
        return refuse_late_input(self, event)

    def fail(self, event: ResourceEvent, reason: str) -> Settled:
        """Settle a dead letter: the head says `failed`."""
        return write_failure(self, event, reason)
