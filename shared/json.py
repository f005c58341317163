"""The type of a FHIR resource or any other JSON object."""

from typing import Any

Json = dict[str, Any]
