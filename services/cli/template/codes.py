"""What this service reads: the codes, each with its source."""

from typing import Final

from shared.fhir import codes

LOINC_CODE: Final = "11524-6"
"""EKG study (LOINC 2.80). Put the code of what your service reads here."""
TOKEN: Final = f"{codes.LOINC}|{LOINC_CODE}"
"""The same as an event carries it: `system|code`."""
