"""A patient's identifiers by type, use and period (pure).

The medical record number comes first, the official before the usual. One that is `old` or whose
period is over is shown only where there is no other, and says so.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from services.review.person.periods import is_current, newest_first
from shared.fhir import codes
from shared.fhir.times.stated import items
from shared.json import Json

V2_0203: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
RECORD_NUMBER: Final = "MR"
USES: Final = ("official", "usual", "", "secondary", "temp", "old")
MOST: Final = 3


@dataclass(frozen=True)
class Identifier:
    """One identifier for people.

    Attributes:
        doubt: what is to be known of it: it is temporary, or no longer valid; else empty.
    """

    label: str
    value: str
    doubt: str = ""


def identifiers_of(patient: Json, on: date) -> list[Identifier]:
    """Return the first few identifiers that are valid on a day, the best first."""
    named = [i for i in items(patient.get("identifier")) if i.get("value")]
    ranked = sorted(named, key=lambda i: (_rank(i), newest_first(i), _label(i), str(i["value"])))

    valid = [i for i in ranked if _is_valid(i, on)]
    if valid:
        return [_identifier(i, _temporary(i)) for i in valid[:MOST]]
    return [_identifier(i, "no longer valid") for i in ranked[:1]]


def _is_valid(identifier: Json, on: date) -> bool:
    return identifier.get("use") != "old" and is_current(identifier, on)


def _rank(identifier: Json) -> tuple[bool, int]:
    use = identifier.get("use", "")
    is_number = codes.has_code(identifier.get("type"), V2_0203, RECORD_NUMBER)
    return not is_number, USES.index(use) if use in USES else USES.index("")


def _identifier(identifier: Json, doubt: str) -> Identifier:
    return Identifier(_label(identifier), str(identifier["value"]), doubt)


def _temporary(identifier: Json) -> str:
    return "temporary" if identifier.get("use") == "temp" else ""


def _label(identifier: Json) -> str:
    kind = identifier.get("type")
    text = kind.get("text") if isinstance(kind, dict) else None
    displays = (c["display"] for c in codes.codings(kind) if c.get("display"))
    number = "MRN" if codes.has_code(kind, V2_0203, RECORD_NUMBER) else "Identifier"
    return str(text or next(displays, number))
