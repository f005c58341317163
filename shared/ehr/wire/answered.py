"""The answer to a transaction, entry by entry (pure).

Some servers run a transaction as a batch: they answer 200, and each entry has a status of its own.
The worst one decides:

1. FhirError: nobody can mend it by waiting;
2. Conflict: start again from the head;
3. Unavailable: wait, the longest `Retry-After` of all.

A refused entry that points at another refused one is a consequence. It decides only where no other
does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from shared.ehr.responses import version_in
from shared.ehr.wire.failures import DONE, failure, refusal
from shared.ehr.wire.response import Response
from shared.errors import CareloopError, Conflict, FhirError, Unavailable
from shared.json import Json
from shared.references import own_place

RANKS: Final = (Unavailable, Conflict, FhirError)
STATUS: Final = re.compile(r"\s*(\d{3})(?!\d)")
FAILED_DEPENDENCY: Final = 424
UNCLEAR: Final = "an entry's answer does not say what became of it"


@dataclass(frozen=True)
class Accepted:
    """An entry written by the server.

    Attributes:
        version: empty where the answer does not say it.
        created: it is new.
    """

    reference: str
    version: str
    created: bool


class PartlyWritten(CareloopError):
    """A transaction was refused, and entries of it stand: the cause beside its error."""

    def __init__(self, accepted: Sequence[Accepted]) -> None:
        super().__init__(f"{len(accepted)} entries of a refused transaction stand")
        self.accepted = tuple(accepted)


@dataclass(frozen=True)
class Answered:
    """A request of the Bundle (empty if it is not known) and its answer."""

    sent: Json
    answer: Json

    @property
    def request(self) -> str:
        """Name the request, without a query."""
        asked = self.sent.get("request", {})
        url = str(asked.get("url", "")).split("?")[0]
        return f"{asked.get('method', 'an entry')} {url}".strip()

    @property
    def status(self) -> int | None:
        """Read the status; None without one."""
        found = STATUS.match(str(self.answer.get("status", "")))
        return int(found[1]) if found else None

    def error(self, headers: Mapping[str, str], *, forwarded: bool) -> CareloopError | None:
        """Return the error of this entry; None if it was done."""
        status, outcome = self.status, self.answer.get("outcome")
        if status is None or (status not in DONE and 100 <= status < 300):
            return Unavailable("ehr", UNCLEAR)
        if status in DONE:
            return refusal(outcome, status, self.request)
        response = Response(status, headers, orjson.dumps(outcome))
        return failure(response, self.request, safe=False, forwarded=forwarded)

    def accepted(self) -> Accepted | None:
        """Return the written entry; None if its place is unknown, or it was there before."""
        asked, location = self.sent.get("request", {}), self.answer.get("location")
        place = location or (asked.get("url") if asked.get("method") == "PUT" else None)
        found = asked.get("method") == "POST" and self.status == 200
        if not place or found:
            return None
        version = version_in(self.answer.get("etag"), location) or ""
        return Accepted(own_place(place), version, self.status == 201)


def check(
    sent: Sequence[Json], answers: Sequence[Json], headers: Mapping[str, str], *, forwarded: bool
) -> None:
    """Check the entries of an answer to a transaction.

    Args:
        headers: of the whole answer.
        forwarded: see `Rest`.

    Raises:
        FhirError, Conflict, Unavailable: the worst of the entries; caused by PartlyWritten where
            others of them stand.
    """
    # HAPI gives one answer to two creates under one token: which one belongs where is not known.
    known = len(sent) == len(answers)
    entries = [
        Answered(sent[i] if known else {}, answer.get("response", {}))
        for i, answer in enumerate(answers)
    ]
    errors = {
        i: error
        for i, entry in enumerate(entries)
        if (error := entry.error(headers, forwarded=forwarded))
    }
    decisive = list(_causes(entries, errors).values()) or list(errors.values())
    if len(answers) < fewest(sent):
        decisive.append(Unavailable("ehr", f"{len(answers)} answers to {len(sent)} entries"))
    if not decisive:
        return

    standing = (entry.accepted() for i, entry in enumerate(entries) if i not in errors)
    if accepted := [entry for entry in standing if entry]:
        raise worst(decisive) from PartlyWritten(accepted)
    raise worst(decisive)


def fewest(sent: Sequence[Json]) -> int:
    """Count the answers due: creates of one type under one token may share one."""
    requests = [entry["request"] for entry in sent]
    tokens = [(r["url"], r["ifNoneExist"]) for r in requests if r.get("ifNoneExist")]
    return len(requests) - len(tokens) + len(set(tokens))


def worst(errors: Sequence[CareloopError]) -> CareloopError:
    """Choose the worst error, in the module's order."""
    return max(errors, key=_severity)


def _severity(error: CareloopError) -> tuple[int, float]:
    rank = next(i for i, kind in enumerate(RANKS) if isinstance(error, kind))
    asked = error.retry_after_sec if isinstance(error, Unavailable) else None
    return rank, asked or 0.0


def _causes(
    entries: Sequence[Answered], errors: Mapping[int, CareloopError]
) -> Mapping[int, CareloopError]:
    """Return the errors of entries pointing at no other refused entry."""
    urls = {i: str(entries[i].sent.get("fullUrl", "")).encode() for i in errors}
    texts = {i: orjson.dumps(entries[i].sent.get("resource")) for i in errors}
    return {
        i: error
        for i, error in errors.items()
        if entries[i].status != FAILED_DEPENDENCY
        and not any(url and url in texts[i] for j, url in urls.items() if j != i)
    }
