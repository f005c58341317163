"""The error for an answer without success (pure)."""

from typing import Final

from shared.ehr.responses import issues_of
from shared.ehr.wire.response import Response, json_or_none, retry_after
from shared.errors import CareloopError, Conflict, FhirError, Unavailable

REFUSED_FOR_NOW: Final = frozenset({429, 503})
"""The server did nothing."""
NOT_BEGUN: Final = frozenset({408, 421, 425})
"""The server did nothing with this request, and would with the same one later: it did not get all
of it (408, RFC 9110 15.5.9), not on this connection (421, 15.5.20), or too early (425, RFC 8470
5.2).
"""
MAYBE_DONE: Final = frozenset({499, 502, 504, *range(520, 528)})
"""A gateway lost the answer (499: nginx; 520 to 527: Cloudflare)."""
NOT_OURS: Final = frozenset({407, 426})
"""A gateway wants something of us, whatever the record: the service pauses."""
NEVER: Final = frozenset({501, 505})
"""Waiting does not help against these."""
DONE: Final = frozenset({200, 201, 204})
"""Of a write. 202 and its like say nothing about what became of it."""
PASSING: Final = frozenset(
    {"transient", "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled"}
)
"""Issue types that may pass (R4 issue-type: `transient` and what stands below it)."""
SERIOUS: Final = frozenset({"error", "fatal"})


def failure(response: Response, request: str, *, safe: bool, forwarded: bool) -> CareloopError:
    """Choose the error for an answer without success.

    Args:
        safe: the request may be repeated.
        forwarded: see `Rest`. With credentials of our own a 401 (after one renewal, see `smart`)
            says nothing about the record at hand: the service pauses until they are accepted
            again.
    """
    status = response.status
    if status == 401 and not forwarded:
        said = f"it does not accept our credentials (401 to {request})"
        return Unavailable("ehr", said, cause="401")
    if status in (409, 412):
        return Conflict(f"EHR answered {status} to {request}")
    if status in NOT_BEGUN:
        # When other records succeed meanwhile, this one is at fault.
        return Unavailable(
            "ehr",
            f"{status} to {request}",
            retry_after(response),
            suspect=True,
            fleeting=True,
            cause=str(status),
        )
    if status in REFUSED_FOR_NOW or (safe and status in MAYBE_DONE):
        return Unavailable("ehr", f"{status} to {request}", retry_after(response), fleeting=True)
    if status in MAYBE_DONE | NOT_OURS or (status >= 500 and status not in NEVER):
        return Unavailable(
            "ehr",
            f"{status} to {request}",
            retry_after(response),
            suspect=status == 500,
            cause="" if status in MAYBE_DONE else str(status),
        )
    return FhirError(status, request, issues_of(json_or_none(response)))


def not_done(response: Response, request: str) -> CareloopError | None:
    """Return the error of a write in spite of its status 2xx; None if it was done."""
    if response.status not in DONE:
        return Unavailable("ehr", f"{response.status} to {request} does not say that it was done")
    return refusal(json_or_none(response), response.status, request) if response.content else None


def refusal(body: object, status: int, request: str) -> CareloopError | None:
    """Return the error of an OperationOutcome under a success; else None.

    Some servers and gateways say 200 whatever happened.
    """
    if not isinstance(body, dict) or body.get("resourceType") != "OperationOutcome":
        return None
    issues = body.get("issue")
    listed = [i for i in issues if isinstance(i, dict)] if isinstance(issues, list) else []
    types = {str(i.get("code")) for i in listed if str(i.get("severity")) in SERIOUS}
    if not types:
        return None
    if types <= PASSING:
        said = f"{status} with an OperationOutcome to {request}"
        return Unavailable("ehr", said, suspect="exception" in types)
    if types <= PASSING | {"conflict"}:
        return Conflict(f"EHR answered {status} with a conflict to {request}")
    return FhirError(status, request, issues_of(body))
