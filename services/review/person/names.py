"""A person's name by its use and period (pure).

R4's uses, the best first: the official name, then the usual one, then one without a use. An `old`
or `maiden` name, and one whose period is over, is a former name and never the name. Of several of
one rank the one that began last counts, then the first in the alphabet: so it is always the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from services.review.person.periods import has_ended, is_current, newest_first
from shared.fhir.times.stated import items
from shared.json import Json

NO_NAME: Final = "Name not recorded"
SOMEBODY: Final = "somebody whose name is not recorded"
"""In a sentence, of who did something: ids are for machines."""
USES: Final = ("official", "usual", "", "nickname", "temp", "anonymous")
FORMER: Final = frozenset({"old", "maiden"})


@dataclass(frozen=True)
class Names:
    """What a person is called.

    Attributes:
        shown: the name; `NO_NAME` where none is in use.
        formerly: names that are no longer in use.
        also: other names in use.
    """

    shown: str
    formerly: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


def names_of(person: Mapping[str, Any] | None, on: date) -> Names:
    """Read the names of a Patient or Practitioner, as they are in use on a day."""
    named = [n for n in items((person or {}).get("name")) if text_of(n)]
    ranked = sorted(named, key=lambda n: (_rank(n), newest_first(n), text_of(n)))
    former = [n for n in ranked if n.get("use") in FORMER or has_ended(n, on)]
    current = [n for n in ranked if n not in former and is_current(n, on)]

    shown, *also = _once(current) or (NO_NAME,)
    formerly = (text for text in _once(former) if text != shown)
    return Names(shown, tuple(formerly), tuple(also))


def text_of(name: Json) -> str:
    """Write a HumanName as it is said; empty where it says nothing."""
    if text := str(name.get("text") or "").strip():
        return text
    parts = [*_words(name, "prefix"), *_words(name, "given"), name.get("family")]
    return " ".join(p for p in [*parts, *_words(name, "suffix")] if isinstance(p, str) and p)


def _words(name: Json, element: str) -> list[object]:
    found = name.get(element)
    return found if isinstance(found, list) else []


def _rank(name: Json) -> int:
    use = name.get("use", "")
    return USES.index(use) if use in USES else USES.index("")


def _once(names: Iterable[Json]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(text_of, names)))
