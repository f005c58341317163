"""The banner: who the patient is, and what a signer must know of her."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from typing import Final

from services.review import clock
from services.review.banner.allergies import Allergies, read_allergies
from services.review.person.ages import age
from services.review.person.identifiers import Identifier, identifiers_of
from services.review.person.names import Names, names_of
from services.review.result.result import Result
from shared import instants
from shared.ehr.client import Ehr
from shared.fhir.times.stated import date_time
from shared.json import Json
from shared.references import is_a
from shared.text.unseen import has_unseen

NOT_RECORDED: Final = "not recorded"
NO_RECORD: Final = "Patient without a record"
DEATH_UNREADABLE: Final = "Deceased, at a time that is not readable"
NOT_READABLE: Final = "not readable"
BORN_UNREADABLE: Final = "look the birth date up in the record"
BORN_LATER: Final = "the birth date is in the future: check it in the record"
BORN_AFTER_DEATH: Final = "the birth date is after the death: check it in the record"
DEATH_NOT_SEEN: Final = (
    "The record says that the patient has died. Tick that you know it, or reject the result."
)


@dataclass(frozen=True)
class Banner:
    """Who the patient is.

    Attributes:
        names: None where there is no such record.
        born: the birth date in words.
        age: today's, or at death; empty where it is not known.
        birth_doubt: what is wrong with the birth date; empty: nothing.
        unseen: a name or an identifier holds characters that nobody can see.
        deceased: what the record says of her death; empty: nothing.
        inactive: the record is marked as not in use.
        doubted: it is in use, and another record is said to replace it.
    """

    subject: str
    names: Names | None
    born: str
    age: str
    birth_doubt: str
    unseen: bool
    sex: str
    identifiers: Sequence[Identifier]
    deceased: str
    inactive: bool
    doubted: bool
    allergies: Allergies

    @property
    def name(self) -> str:
        """Return what she is called."""
        if self.names:
            return self.names.shown
        return NO_RECORD if is_a(self.subject, "Patient") else "No patient named"


def banner_of(ehr: Ehr, result: Result, zone: tzinfo) -> Banner:
    """Build the banner of a result, as of today in the hospital's zone."""
    patient, today = result.patient, instants.today(zone)
    known = patient or {}
    names, identifiers = names_of(known, today), identifiers_of(known, today)
    return Banner(
        subject=result.subject,
        names=names if patient else None,
        born=_born(known),
        age=_age(known, today, zone),
        birth_doubt=_birth_doubt(known, today, zone),
        unseen=_has_unseen(names, identifiers),
        sex=str(known.get("gender") or NOT_RECORDED),
        identifiers=identifiers,
        deceased=deceased(known, zone),
        inactive=result.is_inactive,
        doubted=result.is_doubted,
        allergies=replace(
            read_allergies(result.at(ehr), result.records), partial=_is_partial(result)
        ),
    )


def deceased(patient: Json, zone: tzinfo) -> str:
    """Tell what the record says of her death; empty where it says nothing."""
    if (time := patient.get("deceasedDateTime")) is not None:
        stated = date_time(time) or ""
        word = "on" if len(stated) >= len("2020-05-01") else "in"
        return f"Deceased {word} {clock.day(stated, zone)}" if stated else DEATH_UNREADABLE
    return "Deceased" if patient.get("deceasedBoolean") is True else ""


def is_deceased(patient: Json | None) -> bool:
    """Tell whether the record says that she has died."""
    known = patient or {}
    return known.get("deceasedDateTime") is not None or known.get("deceasedBoolean") is True


def unseen_death(result: Result, form: Mapping[str, str], kind: str) -> str:
    """Tell what a signer has to do first; empty: nothing.

    For a patient who has died a signature needs a tick; a rejection does not.
    """
    asks = kind != "rejected" and is_deceased(result.patient)
    return DEATH_NOT_SEEN if asks and form.get("deceased") != "yes" else ""


def _is_partial(result: Result) -> bool:
    """Tell whether another record may be hers, of which nothing is read."""
    person = result.person
    if person is None:
        return bool(result.unclear)
    return person.beyond or person.unreadable or bool(person.doubtful or person.successors)


def _age(patient: Json, today: date, zone: tzinfo) -> str:
    """Tell the age of today, of a patient who has died that at her death."""
    birth = date_time(patient.get("birthDate"))
    if not is_deceased(patient):
        return age(birth, today) or ""
    died = clock.date_in(date_time(patient.get("deceasedDateTime")), zone)
    found = age(birth, died) if died else None
    return f"{found} at death" if found else ""


def _born(patient: Json) -> str:
    missing = NOT_RECORDED if patient.get("birthDate") is None else NOT_READABLE
    return clock.day(date_time(patient.get("birthDate"))) or missing


def _birth_doubt(patient: Json, today: date, zone: tzinfo) -> str:
    """Tell what is wrong with the birth date; nothing where none is recorded."""
    if patient.get("birthDate") is None:
        return ""
    span = instants.days(date_time(patient["birthDate"]) or "")
    died = clock.date_in(date_time(patient.get("deceasedDateTime")), zone)
    if span is None:
        return BORN_UNREADABLE
    if span[0] > today:
        return BORN_LATER
    return BORN_AFTER_DEATH if died and span[0] > died else ""


def _has_unseen(names: Names, identifiers: Sequence[Identifier]) -> bool:
    said = [names.shown, *names.formerly, *names.also]
    said += [text for each in identifiers for text in (each.label, each.value)]
    return any(map(has_unseen, said))
