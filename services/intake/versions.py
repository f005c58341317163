"""From a version of a resource, as the EHR tells it, to its event (pure)."""

from dataclasses import replace
from typing import Final

from shared.ehr.client import Version
from shared.errors import PoisonRecord
from shared.events import ResourceEvent, decode, encode
from shared.fhir.summary import answer_of, event_of
from shared.instants import instant, parse
from shared.json import Json
from shared.references import is_a

MALFORMED: Final = (KeyError, TypeError, AttributeError, ValueError)
"""What reading a resource raises that is not shaped as R4 says."""


def event_of_version(version: Version) -> ResourceEvent:
    """Return the event of this version.

    That of a delete names no subject but a Patient's own.

    Raises:
        MALFORMED: one of these, where the resource is not shaped as R4 says.
    """
    if version.resource is None and not version.deleted:
        raise ValueError("the EHR does not show it")
    if version.resource is None:
        subject = version.reference if is_a(version.reference, "Patient") else None
        return ResourceEvent(
            version.reference, version.version, "delete", subject=subject, time=utc(version.time)
        )

    event = event_of(version.resource, "create" if version.version == "1" else "update")
    event = replace(event, version=version.version, time=utc(version.time))
    try:
        return decode(encode(event, "")[1])
    except PoisonRecord as error:  # such as a code that is no text: no service could read it
        raise ValueError(str(error)) from None


def is_written_by_us(resource: Json | None) -> bool:
    """Tell whether careloop wrote the resource; False if its shape is not R4's."""
    try:
        return resource is not None and answer_of(resource) is not None
    except MALFORMED:
        return False


def utc(time: str) -> str:
    """Return the instant in UTC with milliseconds.

    Empty where the server gave none to read.
    """
    try:
        return instant(parse(time))
    except (ValueError, TypeError, AttributeError, OverflowError):
        # the last one: a time at the end of all years, in another zone
        return ""
