"""Ask the EHR whether another document replaces this one.

R4 asks that the old one becomes `superseded`, and not every system does it.
"""

from collections.abc import Iterator
from typing import Final

from shared.ehr.client import Ehr
from shared.errors import FhirError
from shared.fhir.summary import replaces
from shared.json import Json
from shared.references import subject_of

# a server that ignores `relatesto` answers with all documents of the patient, files inline
PAGE: Final = "25"


def is_replaced(document: Json, ehr: Ehr) -> bool:
    """Another document of the same patient that is current says that it replaces this one, whatever
    this one's status says.

    Raises:
        Unavailable, FhirError: the EHR did not answer, or refused.
    """
    own, subject = f"DocumentReference/{document['id']}", subject_of(document)
    if subject is None or not subject.startswith("Patient/"):
        return False
    return any(_stands(other) and own in replaces(other) for other in _others(own, subject, ehr))


def _stands(document: Json) -> bool:
    return document.get("status") == "current" and document.get("docStatus") != "entered-in-error"


def _others(own: str, subject: str, ehr: Ehr) -> Iterator[Json]:
    """What may replace it.

    A server without the parameter ignores it, or refuses (400): then all of the patient's are
    looked at.
    """
    every = {"patient": subject.split("/")[1], "_count": PAGE}
    try:
        found = list(ehr.search("DocumentReference", every | {"relatesto": own}, subject=subject))
    except FhirError as error:
        if error.status != 400:
            raise
        found = list(ehr.search("DocumentReference", every, subject=subject))
    return (other for other in found if f"DocumentReference/{other['id']}" != own)
