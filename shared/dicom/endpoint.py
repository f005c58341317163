"""The Endpoints of an ImagingStudy and of its series: the address of pixels."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from shared.fhir import codes
from shared.json import Json
from shared.references import relative

RETRIEVES: Final = "dicom-wado-rs"
"""The one connection type that answers RetrieveInstance (DICOM PS3.18 10.4); `dicom-qido-rs` and
`dicom-stow-rs` may be other servers.
"""


class Reader(Protocol):
    """The part of an EHR needed here."""

    def read(self, reference: str, /) -> Json | None: ...


def address_of(element: Mapping[str, Any], ehr: Reader) -> str | None:
    """Return the DICOMweb root at the first active WADO-RS Endpoint, or None.

    Args:
        element: a study or a series.
    """
    for reference in element.get("endpoint", []):
        endpoint = ehr.read(relative(str(reference.get("reference", "")))) or {}
        retrieves = codes.has_code(
            endpoint.get("connectionType"), codes.ENDPOINT_CONNECTION, RETRIEVES
        )
        if retrieves and endpoint.get("status") == "active" and endpoint.get("address"):
            return str(endpoint["address"])
    return None
