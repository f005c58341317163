"""Least privilege: the SMART v2 scopes of a service (pure).

(HL7 smart-app-launch 2.2.) They follow from what the service declares that it reads and writes.

Letters are an ordered subset of `cruds`: create, read (and the history of one resource), update,
delete, search (and the history of a type).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from shared.service import Service

ORDER: Final = "cruds"
READ: Final = "rs"
WRITE: Final = "cru"
"""An update is made under the version that was read before; nothing is ever deleted."""
COMMON: Final[Mapping[str, str]] = {
    "Patient": "rs",
    "Consent": "rs",
    "Device": "crs",
    "Task": "crus",
    "Provenance": "cs",
    "DocumentReference": "crs",
    "AuditEvent": "c",
}
"""What every service needs: the patient, the consent, the Devices that are the authors, the head,
the sources, the model cards, the audit trail.
"""


TAKEN_BACK: Final[Mapping[str, str]] = {"Provenance": "crus"}
"""Asked for beyond the needs: a Provenance is written again where an EHR kept only half of a
transaction (`shared.ehr.guarded`). No EHR is refused for lacking it.
"""


def permissions(
    reads: Iterable[str], writes: Iterable[str], common: Mapping[str, str] = COMMON
) -> dict[str, str]:
    """Return resource type -> ordered letters, sorted by type."""
    found = {kind: set(letters) for kind, letters in common.items()}
    for kinds, letters in ((reads, READ), (writes, WRITE)):
        for kind in kinds:
            found.setdefault(kind, set()).update(letters)
    return {
        kind: "".join(letter for letter in ORDER if letter in found[kind]) for kind in sorted(found)
    }


def permissions_of(service: Service) -> dict[str, str]:
    """Return the permissions of this service, by resource type."""
    return permissions(service.reads, service.writes)


def scope_text(granted: Mapping[str, str]) -> str:
    """Write `system/Task.crus system/...`, as the token endpoint wants it."""
    return " ".join(f"system/{kind}.{letters}" for kind, letters in granted.items())


def scopes_of(service: Service) -> str:
    """Write the scopes of a service, for the token request and for registration."""
    asked = permissions(service.reads | service.may_read, service.writes)
    return scope_text({**asked, **TAKEN_BACK})


def permission_needed(method: str, place: str) -> tuple[str, str] | None:
    """Return the (type, letter) of a request.

    None for a request that belongs to no type (metadata, the transaction itself).

    Args:
        method: of the request or of a Bundle entry's request.
        place: the path on the base: `Task`, `Task/7`, `Task/_history`.
    """
    segments = place.split("?", maxsplit=1)[0].strip("/").split("/")
    kind = segments[0]
    if not kind[:1].isupper():
        return None
    if method == "GET":
        of_type = len(segments) == 1 or segments[1] == "_history"
        return kind, "s" if of_type else "r"
    return kind, {"POST": "c", "PUT": "u", "PATCH": "u", "DELETE": "d"}[method]


def v1_scopes(scopes: str) -> str:
    """Translate to the SMART v1 scopes of the same meaning.

    `system/Task.crus` becomes `system/Task.read system/Task.write`.
    """
    found: list[str] = []
    for scope in scopes.split():
        name, _, letters = scope.rpartition(".")
        if set(letters) & set("rs"):
            found.append(f"{name}.read")
        if set(letters) & set("cud"):
            found.append(f"{name}.write")
    return " ".join(dict.fromkeys(found))
