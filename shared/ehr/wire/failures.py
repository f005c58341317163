"""The error for an answer without success (pure)."""

from typing import Final

from shared.ehr.responses import issues_of
from shared.ehr.wire.response import Response, json_or_none, retry_after
from shared.errors import CareloopError, Conflict, FhirError, Unavailable

REFUSED_FOR_NOW: Final = frozenset({429, 503})
"""The server did nothing."""
MAYBE_DONE: Final = frozenset({502, 504})
"""A gateway lost the answer."""
NEVER: Final = frozenset({501, 505})
"""Waiting does not help against these."""


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
        return Unavailable("ehr", f"it does not accept our credentials (401 to {request})")
    if status in (409, 412):
        return Conflict(f"EHR answered {status} to {request}")
    if status in REFUSED_FOR_NOW or (safe and status in MAYBE_DONE):
        return Unavailable("ehr", f"{status} to {request}", retry_after(response), fleeting=True)
    if status >= 500 and status not in NEVER:
        return Unavailable(
            "ehr", f"{status} to {request}", retry_after(response), suspect=status == 500
        )
    return FhirError(status, request, issues_of(json_or_none(response)))
