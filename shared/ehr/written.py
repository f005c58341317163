"""The outcome of a write: place, version, and whether the resource is new."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.ehr.responses import version_in
from shared.ehr.wire.response import Response
from shared.errors import Unavailable
from shared.json import Json
from shared.references import local_reference, own_place, version_of

Read = Callable[[str], Json | None]


@dataclass(frozen=True)
class Written:
    """The outcome of a create or update."""

    reference: str
    version: str
    created: bool


def of_response(
    response: Response, read: Read, *, created: bool, reference: str | None = None
) -> Written:
    """Read the answer to a POST or PUT.

    Args:
        read: reads the resource, for a server that does not say its version.
        reference: where the resource is, if we know.
    """
    location = response.headers.get("Location") or response.headers.get("Content-Location")
    if reference is None and location:
        reference = own_place(location)

    return _written(reference, response.headers.get("ETag"), location, read, created=created)


def of_entry(entry: Json, kind: str, read: Read) -> Written:
    """Read the entry for a conditional create; arguments as in `of_response`."""
    answer, resource = entry.get("response", {}), entry.get("resource", {})
    location = answer.get("location")

    reference = own_place(location) if location else None
    if reference is None and resource.get("resourceType") == kind:
        reference = local_reference(resource)

    created = answer.get("status", "").startswith("201")
    return _written(reference, answer.get("etag"), location, read, created=created)


def _written(
    reference: str | None, etag: str | None, location: str | None, read: Read, *, created: bool
) -> Written:
    if reference is None:
        raise Unavailable("ehr", "a write was answered without saying where it went")

    version = version_in(etag, location)
    if version is None:
        version = version_of(read(reference) or {})
    return Written(reference, version, created)
