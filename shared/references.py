"""References between resources.

`Type/id`, and what a resource says of itself (pure).

A server may ignore a search parameter, so every hit is checked by what the resource itself says.
"""

import re
from typing import Final

from shared.json import Json

TYPE: Final = re.compile(r"[A-Z][A-Za-z]{1,63}")
REFERENCE: Final = re.compile(r"[A-Z][A-Za-z]{1,63}/(?!\.{1,2}$)[A-Za-z0-9\-.]{1,64}")
"""`Type/id` as R4 2.24.0.1 writes ids; `.` and `..` would be steps in a path."""
ONE_STEP: Final = re.compile(r"[A-Za-z]+/(?!\.{1,2}$)[^\s/?#%\\]+")
"""What a path may be made of: as `REFERENCE`, but an id with characters that R4 does not allow
(some servers give out `a_1`) still leads to its resource.
"""
OTHER_SYSTEM: Final = "The subject names a patient of another system."
PATIENT_ELEMENTS: Final = (
    "subject",
    "patient",
    "for",
    "beneficiary",
)  # R4's names for it, in the order they are looked for


def relative(reference: str) -> str:
    """Return `Type/id` of a relative reference, without its version.

    A reference with a host leads to another system, and keeps it: `Ehr` has made all those relative
    that lead to this EHR.
    """
    path = reference.split("?", maxsplit=1)[0].split("/_history/", maxsplit=1)[0].rstrip("/")
    return path if path.count("/") == 1 or is_elsewhere(path) else reference


def own_place(location: str) -> str:
    """Return `Type/id` of an address given by the EHR to its own resource.

    Only for what is the EHR's own for sure: locations, fullUrls, entries of its histories, the foci
    of its notifications. There servers name hosts that they don't have.
    """
    path = location.split("?", maxsplit=1)[0].split("/_history/", maxsplit=1)[0]

    return path if path.startswith(("urn:", "#")) else "/".join(path.rstrip("/").split("/")[-2:])


def is_elsewhere(reference: str | None) -> bool:
    """Tell whether it leads out of this EHR.

    It has a host, or a path from the host's root.
    """
    return reference is not None and reference.lower().startswith(("http:", "https:", "/"))


def local_reference(resource: Json) -> str:
    """Return `Type/id` of a resource."""
    return f"{resource['resourceType']}/{resource['id']}"


def version_of(resource: Json) -> str:
    """Return `meta.versionId` of a resource; empty where the server keeps none."""
    return str((resource.get("meta") or {}).get("versionId", ""))


def moment_of(resource: Json) -> str:
    """Return `meta.lastUpdated` of a resource; empty where the server shows none."""
    return str((resource.get("meta") or {}).get("lastUpdated", ""))


def why_nobody(subject: str | None, otherwise: str) -> str:
    """Say why a subject is no Patient here: another system's, or `otherwise`."""
    foreign = subject is not None and is_elsewhere(subject) and type_of(subject) == "Patient"
    return OTHER_SYSTEM if foreign else otherwise


def type_of(reference: str) -> str:
    """Return the resource type of a `Type/id`, with a host or without."""
    return reference.rsplit("/", 2)[-2] if is_elsewhere(reference) else reference.split("/", 1)[0]


def is_a(reference: str | None, kind: str) -> bool:
    """Tell whether a `Type/id` names a resource of this type, here and not elsewhere."""
    return reference is not None and reference.startswith(f"{kind}/")


def subject_of(resource: Json) -> str | None:
    """`Type/id` of what the resource is about (a Patient is about itself).

    None where it names nobody by reference.

    The type may be another than Patient (a Group, a Device), and the resource one of another system
    (then with its host): the caller decides what to do with that.
    """
    if resource.get("resourceType") == "Patient" and "id" in resource:
        return f"Patient/{resource['id']}"
    for element in PATIENT_ELEMENTS:
        target = resource.get(element)
        reference = target.get("reference") if isinstance(target, dict) else None
        if isinstance(reference, str) and not reference.startswith(("urn:", "#")):
            return relative(reference)
    return None


def has_identifier(resource: Json, system: str, value: str) -> bool:
    """The resource carries this identifier.

    Some kinds keep a list of them, some a single one (Composition).
    """
    return any(
        i.get("system") == system and i.get("value") == value for i in identifiers_of(resource)
    )


def identifiers_of(resource: Json) -> list[Json]:
    """Return the identifiers of a resource; what is no Identifier is skipped."""
    found = resource.get("identifier")
    listed = found if isinstance(found, list) else [found]
    return [identifier for identifier in listed if isinstance(identifier, dict)]
