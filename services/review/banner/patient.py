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

NOT_RECORDED: Final = "not recorded"
NO_RECORD: Final = "Patient without a record"
DEATH_UNREADABLE: Final = "Deceased, at a time that is not readable"
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
        deceased: what the record says of her death; empty: nothing.
        inactive: the record is marked as not in use.
        doubted: it is in use, and another record is said to replace it.
    """

    subject: str
    names: Names | None
    born: str
    age: str
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
    return Banner(
        subject=result.subject,
        names=names_of(patient, today) if patient else None,
        born=clock.day(date_time(known.get("birthDate"))) or NOT_RECORDED,
        age=_age(known, today, zone),
        sex=str(known.get("gender") or NOT_RECORDED),
        identifiers=identifiers_of(known, today),
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
