"""The answer to a batch, entry by entry (pure).

Only the order says which entry answers which question (R4 3.1.0.11.2), and not every server keeps
it. So each entry is held against its question.
"""

from typing import Final

from shared.ehr.responses import bundle_of
from shared.ehr.wire.response import Response
from shared.errors import NO_SEARCH, Unavailable
from shared.json import Json

GONE: Final = frozenset({404, 410})
OUTCOME: Final = "OperationOutcome"


def of_entry(entry: Json, place: str, *, is_search: bool) -> Response:
    """Read an entry as the answer to its question alone.

    Args:
        place: `Type/id` of a read, the type of a search.

    Raises:
        Unavailable: it has no status, or answers another question.
    """
    answer = entry.get("response", {})
    body = entry.get("resource") or answer.get("outcome")
    status = str(answer.get("status", ""))[:3]
    if not status.isdigit():
        raise misfit("answered with an entry without a status")

    found = body if isinstance(body, dict) else {}
    if status.startswith("2") and not _fits(found, place, is_search=is_search):
        raise misfit("answered in another order")
    return Response(int(status), parsed=body)


def misfit(how: str) -> Unavailable:
    """Return the error of a batch answered in another way."""
    return Unavailable("ehr", f"a batch was {how}", cause="shape")


def holds(answer: Response, *, is_search: bool) -> bool:
    """Tell whether the question alone would be answered the same.

    Some servers refuse in a batch what they answer alone.
    """
    if answer.is_success:
        return _kind(answer.parsed) != OUTCOME
    return answer.status in (NO_SEARCH if is_search else GONE)


def _fits(resource: Json, place: str, *, is_search: bool) -> bool:
    kind = _kind(resource)
    if kind == OUTCOME:
        return True
    if is_search:
        return kind == "Bundle" and _matched(resource) <= {place}
    return f"{kind}/{resource.get('id')}" == place


def _matched(bundle: Json) -> set[str]:
    """Return the types of a search's own matches."""
    entries = bundle_of(bundle).get("entry", [])
    found = (e for e in entries if e.get("search", {}).get("mode", "match") == "match")
    return {_kind(e.get("resource")) for e in found} - {OUTCOME}


def _kind(resource: object) -> str:
    return str(resource.get("resourceType", "")) if isinstance(resource, dict) else ""
