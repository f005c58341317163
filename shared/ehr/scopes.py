"""Least privilege: which SMART v2 scopes a service needs, from what it declares that it reads and
writes (HL7 smart-app-launch 2.2) (pure).

Letters are an ordered subset of `cruds`: create, read (and the history of one resource), update,
delete, search (and the history of a type).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from shared.service import Service

ORDER: Final = "cruds"
READ: Final = "rs"
WRITE: Final = (
    "cru"  # an update is made under the version that was read before; nothing is ever deleted
)

COMMON: Final[
    Mapping[str, str]
    # whose record it is, may it be read, who speaks, the head, what it rests on, the card, the
    # audit
    # trail
] = {
    "Patient": "rs",
    "Consent": "rs",
    "Device": "crs",
    "Task": "crus",
    "Provenance": "cs",
    "DocumentReference": "crs",
    "AuditEvent": "c",
}


def permissions(
    reads: Iterable[str], writes: Iterable[str], common: Mapping[str, str] = COMMON
) -> dict[str, str]:
    """Resource type -> ordered letters, sorted by type."""
    found = {kind: set(letters) for kind, letters in common.items()}
    for kinds, letters in ((reads, READ), (writes, WRITE)):
        for kind in kinds:
            found.setdefault(kind, set()).update(letters)
    return {
        kind: "".join(letter for letter in ORDER if letter in found[kind]) for kind in sorted(found)
    }


def permissions_of(service: Service) -> dict[str, str]:
    """What this service may do, by resource type."""
    return permissions(service.reads, service.writes)


def scope_text(granted: Mapping[str, str]) -> str:
    """`system/Task.crus system/...`: as the token endpoint wants it."""
    return " ".join(f"system/{kind}.{letters}" for kind, letters in granted.items())


def scopes_of(service: Service) -> str:
    """The scopes of a service, for the token request and for whoever registers the client."""
    return scope_text(permissions_of(service))


def permission_needed(method: str, place: str) -> tuple[str, str] | None:
    """The (type, letter) that a request needs; None for the ones that belong to no type (metadata,
    the transaction itself).

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
