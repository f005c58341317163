"""Errors, classed by the next action of the runtime.

    CareloopError
    ├── NotAnalysed        head `rejected` with the reason; commit
    │   ├── InvalidInput   the same: malformed, truncated, not what its type says
    │   ├── NoPatient      the same: about nobody of this EHR; the head names no patient
    │   └── ConsentDenied  the same, and a security alert in the audit trail
    ├── Withdrawn          the input is gone, entered in error or superseded: retract; commit
    ├── NotYet             pixels or Binary not there yet: this lane waits, then not analysed
    ├── PoisonRecord       undecodable record: dead letter; commit once it is stored
    ├── Unavailable        a dependency is down: pause (EHR, broker) or wait with the lane (PACS,
    │                      URL)
    ├── Conflict           409 or 412: start again from the head
    ├── Fenced             another member owns the partition now: drop its lanes
    ├── FhirError          the EHR refused a request: dead letter after one attempt (400, 422, ...),
    │                      or after several, where that may pass (403, 406, 423, ...)
    ├── InvalidResource    a resource that we built breaks a rule: a bug of ours, dead letter after
    │                      one attempt
    ├── DeadLetterLimit    a burst of dead letters: pause the service, commit nothing
    └── Misconfigured      a setting, a missing topic or an unsuitable EHR: do not start; the
                           message says what to do

Any other exception is tried three times, then becomes a dead letter. No message holds patient data:
a reason names a place (`SOPClassUID`, `line 12`, `Patient/17`), never a value that came from a
person.
"""

from collections.abc import Sequence
from typing import Final


class CareloopError(Exception):
    """The root of the tree above."""


class NotAnalysed(CareloopError):
    """The service understands the input, and will not analyse it.

    Args:
        reason: one sentence for the clinician; it becomes `Task.statusReason.text`, so it must be
            the same each time.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidInput(NotAnalysed):
    """The input is malformed or of another type than it claims."""


class NoPatient(NotAnalysed):
    """The input is about no Patient of this EHR.

    Whoever an older event named has nothing to do with it.
    """


class ConsentDenied(NotAnalysed):
    """The patient's consent does not permit the analysis.

    Args:
        consent: `Consent/id`, or None where the setting for silence denies.
        subject: `Patient/id` of the patient who was asked.
        also: further records of the same person.
    """

    def __init__(self, consent: str | None, subject: str, also: Sequence[str] = ()) -> None:
        super().__init__("The patient's consent does not permit this analysis.")
        self.consent = consent
        self.subject = subject
        self.records = (subject, *also)


class Withdrawn(CareloopError):
    """The input was deleted, entered in error or superseded."""


class NotYet(CareloopError):
    """The input announced by the event has not arrived yet."""


class PoisonRecord(CareloopError):
    """The record on the event log can't be decoded.

    The message names the place, never the value.
    """


class Unavailable(CareloopError):
    """A dependency does not answer, or refuses for now.

    Args:
        dependency: `ehr`, `broker`, `pacs` or `url`. The first two pause the whole service, the
            others only their lanes.
        retry_after_sec: what the server asked for, if it did.
        suspect: it answered 500, 408, 421 or 425 to this very request: when others succeed
            meanwhile, the record is at fault.
        fleeting: worth another try within the very request; nothing was done, or it may be done
            twice.
        cause: a word for the log (`shared.web.outages`), where it is not plainly away: a status, or
            an answer of no known shape.
    """

    def __init__(
        self,
        dependency: str,
        message: str = "",
        retry_after_sec: float | None = None,
        *,
        suspect: bool = False,
        fleeting: bool = False,
        cause: str = "",
    ) -> None:
        super().__init__(f"{dependency} is not available{': ' + message if message else ''}")
        self.dependency = dependency
        self.retry_after_sec = retry_after_sec
        self.suspect = suspect
        self.fleeting = fleeting
        self.cause = cause

    @property
    def outage(self) -> dict[str, str]:
        """Return the marks of a line of the log about it."""
        return {"away": self.dependency, "cause": self.cause}


class Conflict(CareloopError):
    """409 or 412: somebody else wrote first."""


class Fenced(CareloopError):
    """These partitions belong to another member of the group now."""

    def __init__(self, partitions: Sequence[int]) -> None:
        super().__init__(f"partitions {sorted(partitions)} belong to another member now")
        self.partitions = frozenset(partitions)


FINAL: Final = frozenset({400, 404, 405, 410, 411, 413, 414, 415, 416, 417, 422, 428, 431, 451})
"""Refusals of the very request. Any other 4xx may pass: a right, a lock, a rule of a gateway."""


REFUSED: Final = frozenset({400, 422})
"""Not with these parameters."""
NO_SEARCH: Final = REFUSED | {404, 501}
"""Answers to a search by a parameter that the server does not have."""


class FhirError(CareloopError):
    """The EHR refused a request.

    Args:
        status: the HTTP status.
        request: method and path without its query, which may identify a person.
        issues: `code` and `expression` of each issue of the OperationOutcome; free text may quote
            patient data and stays out.
    """

    def __init__(self, status: int, request: str, issues: Sequence[str] = ()) -> None:
        super().__init__(
            f"EHR answered {status} to {request}: {'; '.join(issues) or 'no OperationOutcome'}"
        )
        self.status = status
        self.request = request
        self.issues = tuple(issues)

    @property
    def may_pass(self) -> bool:
        """Tell whether the same request may succeed later."""
        return 400 <= self.status < 500 and self.status not in FINAL


class InvalidResource(CareloopError):
    """A resource built by careloop breaks FHIR's rules or its own."""


class DeadLetterLimit(CareloopError):
    """Too many dead letters in the window: a bad deploy must not empty the topic."""


class Misconfigured(CareloopError):
    """A setting is wrong; the message names it and the remedy."""
