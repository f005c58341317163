"""The straight line of one event, between the event log and the EHR.

::

    case = line.take(event)       # consent, head, gather, basis; a word where it settled already
    findings = service.analyze([case.inputs], model)[0]
    line.put(case, findings)      # consent again, head, one guarded transaction

The runtime does this for many events at once. Every method may raise Conflict (somebody else wrote
first: call `take` again) and Unavailable.
"""

from dataclasses import dataclass, replace
from typing import Any

from shared.answers import Basis, digest
from shared.errors import ConsentDenied, NotAnalysed, Withdrawn
from shared.events import ResourceEvent
from shared.runtime.line.case import Case, Settled, open_case
from shared.runtime.line.refusal import refuse, refuse_late_input, write_failure
from shared.runtime.line.result import write_result
from shared.runtime.line.revision import open_head, undecided
from shared.runtime.line.subject import ask, with_consent
from shared.runtime.line.withdrawal import retract, return_to_signed, separate, withdraw_not_ours
from shared.runtime.line.workplace import Workplace


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
        case = open_case(self, event)
        if case.head is None and only_deletes and event.action == "delete":
            # Nothing is known of it and nothing was written about it: there is no consent to ask.
            return "not_ours"

        try:
            return self.gather(case)
        except Withdrawn:
            return retract(self, case)
        except NotAnalysed as refusal:
            return refuse(self, case, refusal)

    def gather(self, case: Case) -> Case | Settled:
        """Do the same for a case with its heads; raises NotAnalysed and Withdrawn."""
        case = with_consent(self, case)
        self.access_log(case.answer.input, case.patient)

        inputs = self.service.gather(case.event, self.ehr, self.settings)
        if inputs is None or not (cards := self.service.models_for(inputs, self.model)):
            return withdraw_not_ours(self, case)
        if inputs.subject != case.event.subject:
            # An old event or a corrected subject: the consent of the present patient decides.
            ask(self, inputs.subject)

        basis = Basis(digest(inputs.subject, inputs.content), tuple(c.digest for c in cards))
        if case.head and case.head.answers(basis):
            return "unchanged"
        if case.signed and case.signed.answers(basis):
            return return_to_signed(self, case, inputs, basis)

        separate(self, case, inputs.subject)
        return replace(case, inputs=inputs, basis=basis, cards=cards)

    def put(self, case: Case, findings: Any) -> Settled:
        """Write the result in one transaction, under the head from before gather."""
        if isinstance(findings, NotAnalysed):
            return refuse(self, case, findings)
        try:
            ask(self, case.inputs.subject)
        except ConsentDenied as refusal:
            return refuse(self, case, refusal)

        head = open_head(self, case, case.inputs.subject)
        write_result(self, case, findings, head, undecided(self.ehr, head))
        return "result"

    def give_up_waiting(self, event: ResourceEvent) -> Settled:
        """Settle an event after its input did not arrive in time."""
        return refuse_late_input(self, event)

    def fail(self, event: ResourceEvent, reason: str) -> Settled:
        """Settle a dead letter: the head says `failed`."""
        return write_failure(self, event, reason)
