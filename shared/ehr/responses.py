"""Answers of servers, read tolerantly in every shape met so far (pure).

Next links, matches, versions, locations and ETags.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from shared.errors import Unavailable
from shared.json import Json
from shared.references import is_a, own_place, type_of
from shared.references import version_of as version_id

CODE: Final = re.compile(r"[a-z-]{1,40}")
PARTS: Final = ("resource", "search", "request", "response")
EXPRESSION: Final = re.compile(r"[A-Za-z/][\w./:\[\]()-]{0,199}")


@dataclass(frozen=True)
class Version:
    """One entry of a history: a version of a resource.

    `resource` is None for a delete, whose `time` may be later than the truth (see `versions`), and
    for a version that the server does not show. A resource without id or type is there too, for
    the reader to count: under the reference that its entry gives it, or a bare `Type/`.
    """

    reference: str
    version: str
    time: str
    deleted: bool
    resource: Json | None


def bundle_of(body: Json) -> Json:
    """Check the outer shape of a Bundle against the types of R4.

    Raises:
        Unavailable: it has not. A server or a gateway in trouble says nothing about the request.
    """
    entries, links = body.get("entry", []), body.get("link", [])
    if body.get("resourceType") != "Bundle":
        raise Unavailable("ehr", "no Bundle", cause="shape")
    if not _all_objects(entries) or not _all_objects(links):
        raise Unavailable("ehr", "no Bundle: its entries or links are no objects", cause="shape")
    if not all(map(_is_entry, entries)):
        raise Unavailable("ehr", "no Bundle: an entry is not one", cause="shape")
    if not _has_meta(body):
        raise Unavailable("ehr", "no Bundle: its meta is not one", cause="shape")
    if not all(_all_texts(link, ("relation", "url")) for link in links):
        raise Unavailable("ehr", "no Bundle: a link is not one", cause="shape")
    return body


def _all_objects(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(item, dict) for item in found)


def _all_texts(node: Json, names: Sequence[str]) -> bool:
    return all(isinstance(node.get(name, ""), str) for name in names)


def _has_meta(resource: Json) -> bool:
    meta = resource.get("meta") or {}
    return isinstance(meta, dict) and _all_texts(meta, ("lastUpdated",))


def _is_entry(entry: Json) -> bool:
    parts = [entry[part] for part in PARTS if part in entry]
    return (
        parts != []
        and _all_objects(parts)
        and _all_texts(entry, ("fullUrl",))
        and _all_texts(entry.get("resource", {}), ("resourceType", "id"))
        and _has_meta(entry.get("resource", {}))
        and _all_texts(entry.get("request", {}), ("method", "url"))
        and _all_texts(entry.get("response", {}), ("status", "location", "etag", "lastModified"))
    )


def resource_at(place: str, body: Json, *, shown: bool = True) -> Json:
    """Check that a body is the resource at this place, `Type/id`.

    Args:
        shown: its id must be there: elements were not chosen.

    Raises:
        Unavailable: it is another, or none.
    """
    kind, own = place.split("/")
    named = body.get("resourceType"), body.get("id", None if shown else own)
    if named != (kind, own) or not _has_meta(body):
        # The EHR may fail at this one alone: then this record is at fault.
        raise Unavailable(
            "ehr", f"a read of a {kind} answered with something else", cause="shape", suspect=True
        )
    return body


def next_link(bundle: Json) -> str | None:
    """Return the URL of the next page, as the server wrote it.

    Its host must not be used, see `onto`.
    """
    nexts = (link for link in bundle.get("link", []) if link.get("relation") == "next")
    found = next(nexts, None)
    return found.get("url") or None if found else None


def onto(base: str, link: str, kind: str) -> str:
    """Put a link's path and query on our base, whatever host the server believes in.

    A proxy may map any prefix to any other, so only the end of the path counts, from the resource
    type on. A link without a type is one on the base itself (HAPI: `{base}?_getpages=...`), unless
    it goes on from our own path.
    """
    parts = urlsplit(link)
    tail = _from(kind, parts.path.split("/")) or _beneath(base, link)
    return base + tail + (f"?{parts.query}" if parts.query else "")


def _from(kind: str, segments: Sequence[str]) -> str:
    """Return the path from the last segment of this name on; empty without one."""
    if kind not in segments:
        return ""
    return "/" + "/".join(segments[len(segments) - 1 - segments[::-1].index(kind) :])


def _beneath(base: str, link: str) -> str:
    """Return the part of a link's path below our base's path.

    Some servers page under a path of their own. At a root any path would seem to go on from ours:
    there the link must name our host.
    """
    ours, parts = urlsplit(base), urlsplit(link)
    own = ours.path.rstrip("/")
    if not parts.netloc and not parts.path.startswith("/"):
        return f"/{parts.path}" if parts.path else ""
    adds = (
        parts.path.startswith(f"{own}/")
        and (own or parts.netloc == ours.netloc)
        and "_getpages" not in dict(parse_qsl(parts.query))
    )
    return parts.path[len(own) :] if adds else ""


def with_since(link: str, since: str) -> str:
    """Put `_since` into the next link of a history: sekmet's links lose it."""
    parts = urlsplit(link)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if not parts.path.endswith("/_history") or any(k == "_since" for k, _ in query):
        return link
    return parts._replace(query=urlencode([*query, ("_since", since)])).geturl()


def matches(bundle: Json, kind: str, *, named: bool = True) -> Iterator[Json]:
    """Yield the search's own matches of this type: no includes, no outcomes.

    Args:
        named: each must have an id.

    Raises:
        Unavailable: an entry has no resource, or a match has no id.
    """
    for entry in bundle.get("entry", []):
        if "resource" not in entry:
            raise Unavailable(
                "ehr", "no Bundle: an entry of a search without a resource", cause="shape"
            )
        resource = entry["resource"]
        if (
            entry.get("search", {}).get("mode", "match") == "match"
            and resource.get("resourceType") == kind
        ):
            if named and not resource.get("id"):
                raise Unavailable("ehr", f"no Bundle: a {kind} without an id", cause="shape")
            yield resource


def versions(bundle: Json, kind: str, since: str) -> Iterator[Version]:
    """Yield the entries of a history Bundle about this type.

    HAPI does not say when a delete happened. It then counts as of the entry before it (histories
    are newest first), or of the answer itself, or of the beginning of what was asked for: never
    later than the server's own now, never without a time.
    """
    last = (bundle.get("meta") or {}).get("lastUpdated") or since
    for entry in bundle.get("entry", []):
        version = _version(entry, kind)
        if type_of(version.reference) == kind:
            version = version if version.time else replace(version, time=last)
            last = version.time
            yield version


def _version(entry: Json, kind: str) -> Version:
    resource = entry.get("resource")
    request, response = entry.get("request", {}), entry.get("response", {})
    if resource is not None and request.get("method") != "DELETE":
        return version_of(resource, kind, entry.get("fullUrl") or "")

    place = entry.get("fullUrl") or request.get("url") or ""
    named = place if "/_history/" in place else request.get("url", "")
    version = version_in(response.get("etag"), response.get("location") or named) or ""
    # Some leave out what one may not see: that is no delete.
    deleted = request.get("method", "DELETE") == "DELETE"
    return Version(own_place(place), version, response.get("lastModified", ""), deleted, None)


def version_of(resource: Json, kind: str, place: str = "") -> Version:
    """Read the version of a resource of this type.

    Args:
        place: where it was read, for one without an id.
    """
    if "id" in resource:
        reference = f"{resource.get('resourceType', kind)}/{resource['id']}"
    else:
        named = own_place(place)
        reference = named if is_a(named, kind) else f"{kind}/"

    time = (resource.get("meta") or {}).get("lastUpdated", "")
    return Version(reference, version_id(resource), time, False, resource)


def version_in(etag: str | None, location: str | None) -> str | None:
    """Return the version id in an ETag or else in a location; None without one.

    ETags: `W/"1"`, `"1"` or a bare `1`. Location: `.../Task/7/_history/1`.
    """
    if etag:
        return etag.strip().removeprefix("W/").strip('"') or None
    if location and "/_history/" in location:
        return location.split("/_history/")[1].split("?")[0].strip("/") or None
    return None


def issues_of(outcome: object) -> tuple[str, ...]:
    """Summarise each issue of an OperationOutcome: `code` or `code at expression`.

    Its free text may quote patient data and is never read.
    """
    if not isinstance(outcome, dict) or outcome.get("resourceType") != "OperationOutcome":
        return ()
    return tuple(_issue(issue) for issue in _listed(outcome, "issue") if isinstance(issue, dict))


def _issue(issue: Json) -> str:
    code = issue.get("code")
    places = [*_listed(issue, "expression"), *_listed(issue, "location")]
    place = next((p for p in places if isinstance(p, str) and EXPRESSION.fullmatch(p)), None)
    shown = code if isinstance(code, str) and CODE.fullmatch(code) else "unknown"
    return f"{shown} at {place}" if place else shown


def _listed(node: Json, name: str) -> list[object]:
    """Return the list under this name; empty for anything else."""
    found = node.get(name)
    return found if isinstance(found, list) else []
