"""Replaced documents.

R4 asks that the old one becomes `superseded`, and not every system does it.
"""

from collections.abc import Iterator
from typing import Final

from shared.ehr.client import Ehr
from shared.errors import NO_SEARCH, FhirError
from shared.fhir.summary import replaces
from shared.json import Json
from shared.references import is_a, local_reference, subject_of

PAGE: Final = "25"
"""A server that ignores `relatesto` answers with all documents of the patient, files inline."""


def is_replaced(document: Json, ehr: Ehr) -> bool:
    """Tell whether a current document of the same patient replaces this one.

    This document's own status does not matter.

    Raises:
        Unavailable, FhirError: the EHR did not answer, or refused.
    """
    own, subject = local_reference(document), subject_of(document)
    if subject is None or not is_a(subject, "Patient"):
        return False

    return any(
        _is_current(other) and own in replaces(other) for other in _others(own, subject, ehr)
    )


def _is_current(document: Json) -> bool:
    return document.get("status") == "current" and document.get("docStatus") != "entered-in-error"


def _others(own: str, subject: str, ehr: Ehr) -> Iterator[Json]:
    """Search the possible successors of a document.

    A server without the parameter ignores it, or refuses: then all documents of the patient are
    searched.
    """
    every = {"patient": subject.split("/")[1], "_count": PAGE}
    try:
        found = list(ehr.search("DocumentReference", every | {"relatesto": own}, subject=subject))
    except FhirError as error:
        if error.status not in NO_SEARCH:
            raise
        found = list(ehr.search("DocumentReference", every, subject=subject))
    return (other for other in found if local_reference(other) != own)
