"""The allergies of a patient, as the banner names them.

They stand there always: also that none is recorded, that somebody coded that none is known, and
that they could not be read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.review import present
from shared.ehr.ahead import Question, searching
from shared.ehr.client import Ehr
from shared.errors import FhirError, Unavailable
from shared.fhir import codes
from shared.fhir.times.stated import items, mapping
from shared.json import Json
from shared.references import is_a, subject_of

PAST: Final = frozenset({"inactive", "resolved", "refuted", "entered-in-error"})
NONE_KNOWN: Final = {  # SNOMED CT
    "716186003": "no known allergies",
    "409137002": "no known drug allergies",
    "429625007": "no known food allergies",
    "428607008": "no known environmental allergies",
    "716220001": "no known animal allergies",
    "1003774007": "no known latex allergy",
}
NOTHING: Final = "no known allergies"
ASK: Final = "none recorded: ask the patient"
UNREADABLE: Final = "could not be read: look them up in the record"
CONTRADICTS: Final = f"the record contradicts itself: it also says {NOTHING}"
UNNAMED: Final = "an allergy without a name"
MOST: Final = 12
PAGE: Final = "100"


@dataclass(frozen=True)
class Allergy:
    """One active allergy.

    Attributes:
        doubt: `unconfirmed`, `presumed`; else empty.
        is_high: the record calls it of high criticality.
    """

    name: str
    doubt: str = ""
    is_high: bool = False

    @property
    def words(self) -> str:
        """Name it, with what is to be known of it."""
        high = " (high risk)" if self.is_high else ""
        return f"{self.name}{high}" + (f" ({self.doubt})" if self.doubt else "")


@dataclass(frozen=True)
class Allergies:
    """What is known of a patient's allergies.

    Attributes:
        listed: the active ones, those of high criticality first.
        none_known: what is coded as not known: `no known drug allergies`.
        unreadable: they could not be read.
        partial: there may be another record of the patient, of which nothing was read.
    """

    listed: Sequence[Allergy] = ()
    none_known: Sequence[str] = ()
    unreadable: bool = False
    partial: bool = False

    @property
    def first(self) -> Sequence[Allergy]:
        """Return those that the banner names."""
        return self.listed[:MOST]

    @property
    def more(self) -> int:
        """Count those that it does not name."""
        return max(0, len(self.listed) - MOST)

    @property
    def also(self) -> str:
        """Say what is coded as not known; beside an allergy that may contradict it."""
        if not self.listed:
            return ", ".join(self.none_known) or ASK
        if NOTHING in self.none_known:
            return CONTRADICTS
        return f"also recorded: {', '.join(self.none_known)}" if self.none_known else ""

    @property
    def words(self) -> str:
        """Say all of it, as paper does: every allergy is named."""
        if self.unreadable:
            return UNREADABLE
        named = ", ".join(allergy.words for allergy in self.listed)
        partial = " (under this record alone)" if self.partial else ""
        return "; ".join(filter(None, [named, self.also])) + partial


def read_allergies(ehr: Ehr, records: Iterable[str]) -> Allergies:
    """Read the allergies under all records of a patient."""
    try:
        return allergies_of(_search(ehr, [r for r in records if is_a(r, "Patient")]))
    except (FhirError, Unavailable):
        return Allergies(unreadable=True)


def _search(ehr: Ehr, records: Sequence[str]) -> list[Json]:
    """Search each record; a server may ignore the parameter, so each hit is checked."""
    return [
        found
        for record in records
        for found in ehr.search("AllergyIntolerance", _query(record), subject=record)
        if found.get("resourceType") == "AllergyIntolerance" and subject_of(found) == record
    ]


def question(record: str) -> Question:
    """Return the question of `read_allergies`, for one record."""
    return searching("AllergyIntolerance", _query(record))


def _query(record: str) -> Mapping[str, str]:
    return {"patient": record.split("/")[1], "_count": PAGE}


def allergies_of(resources: Iterable[Json]) -> Allergies:
    """Sort the allergies that stand (pure)."""
    standing = [r for r in resources if not _states(r) & PAST]
    denials = [_denial(r) for r in standing]
    listed = {_allergy(r) for r, denial in zip(standing, denials, strict=True) if denial is None}

    ranked = sorted(listed, key=lambda a: (not a.is_high, bool(a.doubt), a.name.casefold()))
    return Allergies(tuple(ranked), tuple(sorted({d for d in denials if d is not None})))


def _states(resource: Json) -> frozenset[str]:
    elements = (resource.get(e) for e in ("clinicalStatus", "verificationStatus"))
    return frozenset(str(c["code"]) for e in elements for c in codes.codings(e) if "code" in c)


def _denial(resource: Json) -> str | None:
    coded = (c.get("code") for c in codes.codings(resource.get("code")) if _is_snomed(c))
    return next((NONE_KNOWN[str(c)] for c in coded if str(c) in NONE_KNOWN), None)


def _is_snomed(coding: Json) -> bool:
    return coding.get("system") == codes.SNOMED


def _allergy(resource: Json) -> Allergy:
    doubts = _states(resource) & {"unconfirmed", "presumed"}
    return Allergy(
        name=next(_names(resource), UNNAMED),
        doubt=", ".join(sorted(doubts)),
        is_high=resource.get("criticality") == "high",
    )


def _names(resource: Json) -> Iterator[str]:
    """Yield its name, else the substances of its reactions."""
    reactions = (mapping(r.get("substance")) for r in items(resource.get("reaction")))
    for concept in (mapping(resource.get("code")), *reactions):
        if text := present.concept_text(concept):
            yield text
