"""The ways to ask for changes, best first; a server's refusal leads on.

The type's history shows every version and delete. Where there is none, or not with these
parameters, less is asked for and the rest is done here. Which way a server takes is remembered for
each type, and the better ones are tried again after an hour: one refusal may be an accident.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from shared.ehr import responses
from shared.ehr.http import Rest
from shared.ehr.pages import HISTORY_PAGE, PAGE, Params, pages
from shared.ehr.responses import Version
from shared.errors import REFUSED, FhirError
from shared.instants import instant, parse
from shared.json import Json

log = logging.getLogger(__name__)
NO_TYPE_HISTORY: Final = frozenset({404, 405, 501})
KEPT_SEC: Final = 3600.0


@dataclass(frozen=True)
class Way:
    """One way to ask for the versions of a type.

    Attributes:
        name: for the log.
        of_history: it shows deletes, too.
        since: the parameter that bounds the time: `_since`, or a prefix of `_lastUpdated`; empty:
            everything is read, and what is older is dropped here.
        sized: with `_count`.
        sorted: with `_sort`. Without it the order is the publisher's.
    """

    name: str
    of_history: bool
    since: str = ""
    sized: bool = False
    sorted: bool = False

    def params(self, kind: str, since: str) -> Params:
        """Return the query."""
        found: dict[str, str] = {}
        if self.since == "_since":
            found["_since"] = since
        elif self.since == "gt":
            found["_lastUpdated"] = f"gt{instant(parse(since) - timedelta(milliseconds=1))}"
        elif self.since:
            found["_lastUpdated"] = f"{self.since}{since}"
        if self.sized:
            found["_count"] = HISTORY_PAGE.get(kind, PAGE) if self.of_history else PAGE
        return found | ({"_sort": "_lastUpdated"} if self.sorted else {})


WAYS: Final = (
    Way("its history", True, "_since", sized=True),
    Way("its history without _count", True, "_since"),
    Way("its history without _since", True, sized=True),
    Way("its history without parameters", True),
    Way("a search by _lastUpdated", False, "ge", sized=True, sorted=True),
    Way("a search without _sort", False, "ge", sized=True),
    Way("a search without _sort and _count", False, "ge"),
    Way("a search by _lastUpdated with gt", False, "gt", sized=True),
    Way("a search of everything", False, sized=True),
    Way("a search of everything without _count", False),
)
FIRST_SEARCH: Final = next(n for n, way in enumerate(WAYS) if not way.of_history)


@dataclass(frozen=True)
class Ways:
    """The ways that one EHR takes. Safe to share between threads."""

    _taken: dict[str, tuple[int, float]] = field(default_factory=dict)

    def shows_deletes(self, kind: str) -> bool:
        """Tell whether the type is read by its history, as far as it is known."""
        return WAYS[self._begin(kind)].of_history

    def versions(self, rest: Rest, kind: str, since: str) -> Iterator[Version]:
        """Yield the versions since the instant, some perhaps twice.

        Raises:
            FhirError: each way is refused, or a page after the first one.
        """
        number = self._begin(kind)
        while True:
            was_answered = False
            try:
                for bundle in pages(rest, *_request(WAYS[number], kind, since)):
                    if not was_answered:
                        was_answered = True
                        self._take(kind, number)
                    found = list(_versions(WAYS[number], bundle, kind, since))
                    recent = [v for v in found if WAYS[number].since or _is_in(v, since)]
                    yield from recent
                    if found and not recent and WAYS[number].of_history:
                        return  # newest first (R4 3.1.0.11): what follows is older
                return
            except FhirError as error:
                if was_answered:
                    raise  # the way is taken: a later page that is gone refuses none
                number = _next(number, error)

    def _begin(self, kind: str) -> int:
        number, until = self._taken.get(kind, (0, 0.0))
        return number if time.monotonic() < until else 0

    def _take(self, kind: str, number: int) -> None:
        before, until = self._taken.get(kind, (0, 0.0))
        if number == before and time.monotonic() < until:
            return
        self._taken[kind] = (number, time.monotonic() + KEPT_SEC)
        if number != before:
            way = WAYS[number]
            lack = "" if way.of_history else "; it shows no deletes"
            log.warning("the EHR lets %s be read by %s only%s", kind, way.name, lack)


def _request(way: Way, kind: str, since: str) -> tuple[str, Params, str | None]:
    url = f"{kind}/_history" if way.of_history else kind
    return url, way.params(kind, since), since if way.since == "_since" else None


def _versions(way: Way, bundle: Json, kind: str, since: str) -> Iterator[Version]:
    if way.of_history:
        yield from responses.versions(bundle, kind, since)
        return
    for resource in responses.matches(bundle, kind, named=False):
        yield responses.version_of(resource, kind)


def _is_in(version: Version, since: str) -> bool:
    try:
        return parse(version.time) >= parse(since)
    except (ValueError, TypeError, AttributeError, OverflowError):
        return True


def _next(number: int, error: FhirError) -> int:
    """Return the next way; raise where none is left, or another would not help."""
    is_history = WAYS[number].of_history
    if is_history and error.status in NO_TYPE_HISTORY:
        return FIRST_SEARCH
    if error.status not in REFUSED or number + 1 == len(WAYS):
        raise error
    return number + 1
