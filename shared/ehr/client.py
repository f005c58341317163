"""Ehr: the FHIR R4 REST client.

Tolerant of how servers differ (`docs/ehr.md`), strict about what a decision hangs on.
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from shared import instants
from shared.answers import Answer, Head, newest
from shared.ehr import responses
from shared.ehr.attachments import fetch
from shared.ehr.capabilities import missing_capabilities, unlisted_types
from shared.ehr.http import FHIR_JSON, Before, Query, Rest, json_object
from shared.ehr.responses import Version
from shared.ehr.smart import Bearer, auth_of
from shared.errors import FhirError, Misconfigured, Unavailable
from shared.fhir import codes
from shared.fhir.heads import head_of
from shared.json import Json
from shared.references import ONE_STEP, has_identifier, relative, subject_of
from shared.settings import Settings

__all__ = ["Ehr", "Json", "Version", "Written", "open_ehr"]
Params = Mapping[str, str | Sequence[str]]

NO_CACHE: Final = {
    "Cache-Control": "no-cache"
}  # some servers answer the same search from a cache for a minute
MINIMAL: Final = {"Prefer": "return=minimal"}
PAGE: Final = "200"
HISTORY_PAGE: Final = {
    "DocumentReference": "25",
    "DiagnosticReport": "50",
}  # they may carry files inline: a page must fit into memory
NO_TYPE_HISTORY: Final = frozenset({400, 404, 405, 501})
# some servers close an idle connection after 5 s: a write on it would be lost without an answer
KEEPALIVE_SEC: Final = 3.0


@dataclass(frozen=True)
class Written:
    """What a create or update did."""

    reference: str
    version: str
    created: bool


class Ehr:
    """One EHR. Safe to share between threads. Made by `open_ehr`.

    Attributes:
        base: its base URL, without a trailing slash.
    """

    def __init__(self, rest: Rest, allowed_origins: frozenset[str] = frozenset()) -> None:
        self.base = rest.base
        self._rest = rest
        self._allowed_origins = allowed_origins

    def close(self) -> None:
        """Close the connections."""
        self._rest.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, reference: str) -> Json | None:
        """The current resource; None when it is gone (404, 410), or when the reference is no
        `Type/id`, so that nothing can stand there.
        """
        if not ONE_STEP.fullmatch(relative(reference)):
            # `Patient/..`, `#contained`, `urn:uuid:...`: sent as a path, they would ask for
            # something else
            return None
        response = self._rest.send(
            "GET", relative(reference), headers=NO_CACHE, missing_is_none=True
        )
        return None if response is None else json_object(response)

    def search(self, kind: str, params: Params, *, subject: str | None = None) -> Iterator[Json]:
        """Every match over all pages: no-cache, `search.mode` match only; with `subject`, only
        resources of this patient (checked here on each hit, since a server may ignore a parameter).
        The same holds for `identifier=system|value`."""
        wanted = params.get("identifier")
        system, bar, value = (
            wanted.partition("|") if isinstance(wanted, str) and "," not in wanted else ("", "", "")
        )
        seen: set[str] = set()
        for bundle in self._pages(kind, {"_count": PAGE, **params}):
            for resource in responses.matches(bundle, kind):
                fits = (subject is None or subject_of(resource) == subject) and (
                    not bar or has_identifier(resource, system, value)
                )
                if fits and resource["id"] not in seen:
                    seen.add(resource["id"])
                    yield resource

    def history(self, kind: str, since: str) -> Iterator[Version]:
        """Every version of every resource of the type since the instant; falls back to
        `_lastUpdated` where there is no type history.

        In the server's order (often newest first), each version once. Deletes are seen only where
        there is a type history.
        """
        start = instants.instant(
            instants.parse(since)
        )  # one server compares instants as text: milliseconds and Z
        seen: set[tuple[str, str]] = set()
        for version in self._versions(kind, start):
            if (version.reference, version.version) not in seen:
                seen.add((version.reference, version.version))
                yield version

    def create(self, resource: Json, if_none_exist: str | None = None) -> Written:
        """POST; with `if_none_exist` (a query, `identifier=system|value`) a conditional create.

        The conditional one travels as a transaction of one entry: there alone every server checks
        and writes in one step. `created` is False when the resource stood there already.
        """
        if if_none_exist is None:
            return self._written(
                self._send("POST", resource["resourceType"], resource, MINIMAL), True
            )
        request = {"method": "POST", "url": resource["resourceType"], "ifNoneExist": if_none_exist}
        entries = self.transact(
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [{"resource": resource, "request": request}],
            }
        )
        return self._written_entry(entries[0] if entries else {}, resource["resourceType"])

    def ensure(self, resource: Json, system: str, value: str) -> Written:
        """The resource that carries this identifier, created if there is none: a search first,
        since nearly always it is there.
        """
        for found in self.search(resource["resourceType"], {"identifier": f"{system}|{value}"}):
            version = responses.version_of(found, found["resourceType"])
            return Written(version.reference, version.version, False)
        return self.create(resource, f"identifier={system}|{value}")

    def update(self, resource: Json, version: str) -> Written:
        """PUT under If-Match. Raises Conflict on 409 and 412."""
        reference = f"{resource['resourceType']}/{resource['id']}"
        response = self._send("PUT", reference, resource, {**MINIMAL, "If-Match": f'W/"{version}"'})
        return self._written(response, response.status_code == 201, reference)

    def transact(self, bundle: Json) -> Sequence[Json]:
        """POST a transaction; the response's entries, never to be mapped by index. Raises Conflict
        on 409 and 412.

        Relative fullUrls (`Task/7`) are put on our base on the way: R4 wants them absolute.
        """
        entries = [
            e | {"fullUrl": self._absolute(e["fullUrl"])} if "fullUrl" in e else e
            for e in bundle["entry"]
        ]
        answered = json_object(self._send("POST", "", bundle | {"entry": entries}, MINIMAL)).get(
            "entry", []
        )
        return list(answered)

    def head(self, answer: Answer) -> Head | None:
        """The newest head of the answer, read without cache."""
        return newest(self.heads(answer))

    def heads(self, answer: Answer) -> Sequence[Head]:
        """The heads of all its revisions, read without cache."""
        tasks = self.search("Task", {"identifier": f"{codes.ANSWER}|{answer.uuid}"})
        return [head_of(task) for task in tasks]

    def attachment(self, attachment: Mapping[str, Any], max_bytes: int) -> bytes:
        """The bytes of an Attachment: `data`, or `url` (a Binary of this EHR, relative or absolute,
        or an allowed origin).

        Raises:
            NotYet: the Binary is not there (404). InvalidInput: too large, hash or size differs, an
                origin that is not allowed.
        """
        return fetch(self._rest, self._allowed_origins, attachment, max_bytes)

    def operation(self, path: str, params: Params) -> Json:
        """GET of an operation without side effects, `Subscription/7/$events`."""
        return self._get(path, params)

    def capabilities(self) -> Json:
        """The CapabilityStatement."""
        return self._get("metadata")

    def missing(self, needs: Mapping[str, str]) -> list[str]:
        """What this EHR lacks for `needs` (resource type -> letters of `cruds`), one sentence each;
        empty when nothing is.

        A type that the CapabilityStatement does not list is asked for before it counts as missing:
        some lists are incomplete.
        """
        statement = self.capabilities()
        unlisted = unlisted_types(statement, needs)
        return missing_capabilities(
            statement, needs, frozenset(kind for kind in unlisted if self._knows(kind))
        )

    def _knows(self, kind: str) -> bool:
        try:
            self._get(kind, {"_summary": "count"})
        except FhirError as error:
            return error.status in (
                401,
                403,
            )  # our scopes may leave out this search; an unknown type is 404
        return True

    def _absolute(self, url: str) -> str:
        return url if ":" in url else f"{self.base.rstrip('/')}/{url}"

    def _send(
        self, method: str, url: str, body: Json, headers: Mapping[str, str]
    ) -> httpx.Response:
        response = self._rest.send(method, url, body=body, headers=headers)
        assert response is not None  # only missing_is_none gives None
        return response

    def _get(self, url: str, params: Params | None = None) -> Json:
        query: Query = [
            (k, v)
            for k, values in (params or {}).items()
            for v in ([values] if isinstance(values, str) else values)
        ]
        response = self._rest.send("GET", url, params=query or None, headers=NO_CACHE)
        assert response is not None
        return json_object(response)

    def _pages(self, url: str, params: Params, since: str | None = None) -> Iterator[Json]:
        """The Bundle at the URL and those that its next links lead to; a link that was followed
        before ends it.
        """
        kind = url.split("/", 1)[0]
        bundle = self._get(url, params)
        followed: set[str] = set()
        while True:
            yield bundle
            link = responses.next_link(bundle)
            if link is None or link in followed:
                return
            followed.add(link)
            place = responses.onto(self.base, link, kind)
            bundle = self._get(place if since is None else responses.with_since(place, since))

    def _versions(self, kind: str, since: str) -> Iterator[Version]:
        try:
            for bundle in self._pages(
                f"{kind}/_history", {"_since": since, "_count": HISTORY_PAGE.get(kind, PAGE)}, since
            ):
                yield from responses.versions(bundle, kind, since)
        except FhirError as error:
            if error.status not in NO_TYPE_HISTORY:
                raise
            for bundle in self._pages(
                kind, {"_count": PAGE, "_lastUpdated": f"ge{since}", "_sort": "_lastUpdated"}
            ):
                yield from (
                    responses.version_of(resource, kind)
                    for resource in responses.matches(bundle, kind)
                )

    def _written(
        self, response: httpx.Response, created: bool, reference: str | None = None
    ) -> Written:
        location = response.headers.get("Location") or response.headers.get("Content-Location")
        return self._complete(
            reference or (relative(location) if location else None),
            response.headers.get("ETag"),
            location,
            created,
        )

    def _written_entry(self, entry: Json, kind: str) -> Written:
        answer, resource = entry.get("response", {}), entry.get("resource", {})
        location = answer.get("location")
        own = f"{kind}/{resource['id']}" if resource.get("resourceType") == kind else None
        return self._complete(
            relative(location) if location else own,
            answer.get("etag"),
            location,
            answer.get("status", "").startswith("201"),
        )

    def _complete(
        self, reference: str | None, etag: str | None, location: str | None, created: bool
    ) -> Written:
        if reference is None:
            raise Unavailable("ehr", "a write was answered without saying where it went")
        version = responses.version_in(etag, location)
        if version is None:
            version = str(((self.read(reference) or {}).get("meta") or {}).get("versionId", ""))
        return Written(reference, version, created)


def open_ehr(
    settings: Settings,
    scopes: str | None = None,
    bearer: str | None = None,
    before: Before | None = None,
) -> Ehr:
    """The EHR of the settings. Connects with the first request.

    Args:
        scopes: what to ask the SMART token endpoint for (`shared.fhir.scopes.scopes_of`); the
            setting wins.
        bearer: a caller's own access token, forwarded instead of ours.
        before: see `shared.fhir.http.Rest`.

    Raises:
        Misconfigured: the URL is no http(s) URL, the CA file or the private key can't be read.
    """
    base = settings.fhir_url.rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise Misconfigured("CARELOOP_FHIR_URL: an http or https URL without a query is needed")
    verify = tls_context(settings)
    auth = Bearer(bearer, base) if bearer else auth_of(settings, base, scopes, verify)
    limits = httpx.Limits(
        max_connections=64, max_keepalive_connections=16, keepalive_expiry=KEEPALIVE_SEC
    )
    client = httpx.Client(
        auth=auth, verify=verify, limits=limits, headers={"Accept": FHIR_JSON}, trust_env=False
    )
    allowed = frozenset(
        origin.strip().rstrip("/")
        for origin in settings.dicomweb_allowed_origins.split(",")
        if origin.strip()
    )
    return Ehr(
        Rest(client, base, settings.fhir_timeout_sec, before, forwarded=bearer is not None), allowed
    )


def tls_context(settings: Settings) -> ssl.SSLContext:
    """The certificates to trust. Raises Misconfigured."""
    try:
        return ssl.create_default_context(cafile=settings.fhir_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(
            f"CARELOOP_FHIR_CA_FILE: {type(error).__name__}, a PEM file is needed"
        ) from None
