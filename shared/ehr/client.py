"""Ehr: the FHIR R4 REST client.

It is tolerant where servers differ (`docs/ehr.md`), and strict in what decisions depend on.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Any, Final, Literal, Self

from shared import instants
from shared.answers import Answer, Head, newest
from shared.ehr import responses, written
from shared.ehr.ahead import Question, answers, knowing, remembered, unasked
from shared.ehr.attachments import fetch
from shared.ehr.bases.value import Bases
from shared.ehr.capabilities import missing_at
from shared.ehr.guard.abilities import UNPROVEN, Abilities
from shared.ehr.guard.heads import Memory, heads
from shared.ehr.history.ways import Ways
from shared.ehr.http import Rest
from shared.ehr.pages import Params, get, is_wanted, pages, search_params
from shared.ehr.responses import Version
from shared.ehr.wire import answered
from shared.ehr.wire.failures import not_done
from shared.ehr.wire.response import Response
from shared.ehr.written import Written
from shared.errors import FhirError
from shared.json import Json
from shared.references import (
    ONE_STEP,
    local_reference,
    moment_of,
    relative,
    version_of,
)

__all__ = ["Ehr", "Version", "Written"]

Deleted = Literal["deleted"]
DELETED: Final = "deleted"
MINIMAL: Final = {"Prefer": "return=minimal"}


class Ehr:
    """One EHR. Safe to share between threads. Made by `shared.ehr.opening.open_ehr`.

    Attributes:
        base: its base URL, without a trailing slash.
        abilities: as it proved them; what is unproven is not used.
        memory: what this process remembers of heads there.
    """

    def __init__(self, rest: Rest, allowed_origins: frozenset[str] = frozenset()) -> None:
        self.base = rest.base
        self.abilities = UNPROVEN
        self.memory = Memory()
        self._rest = rest
        self._ways = Ways()
        self._moments: dict[str, str] | None = None
        self._allowed_origins = allowed_origins

    def close(self) -> None:
        """Close the connections."""
        self._rest.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def able(self, abilities: Abilities) -> Self:
        """Return the same EHR with these abilities."""
        copied = copy(self)
        copied.abilities = abilities
        return copied

    def noting(self, moments: dict[str, str]) -> Self:
        """Return the same EHR, noting `Type/id` -> `meta.lastUpdated` of each first read."""
        copied = copy(self)
        copied._moments = moments
        return copied

    def ahead(self, questions: Sequence[Question]) -> Self:
        """Ask several questions in one request, if the EHR answers batches.

        Returns:
            The same EHR, which knows the answers: each is given once, to the first who asks the
            very question, or to all (see `remembering`). All else goes to the EHR, and these, too,
            where it refuses the batch.

        Raises:
            Unavailable: the EHR does not answer. (What one answer is, its own caller hears.)
        """
        if not self.abilities.batches:
            return self
        distinct = unasked(self._rest, questions)
        if len(distinct) < 2:
            return self
        copied = copy(self)
        copied._rest = knowing(self._rest, distinct)
        return copied

    def remembering(self) -> Self:
        """Return the same EHR, which keeps the answers to what is asked ahead.

        For what shows one moment. Whoever has to know what stands later begins anew.
        """
        copied = copy(self)
        copied._rest = self._rest.remembering()
        return copied

    def remembered(self, question: Question) -> Sequence[Json]:
        """Return what the kept answer holds; see `shared.ehr.ahead.remembered`."""
        return remembered(self._rest, question)

    def batch(self, questions: Sequence[Question]) -> Mapping[str, Response]:
        """Ask several questions in one request; see `shared.ehr.ahead.answers`."""
        return answers(self._rest, questions)

    def read(self, reference: str) -> Json | None:
        """Read the current resource.

        Returns:
            None when it is gone (404, 410), when it is another system's, or when the reference is
            no `Type/id`, so that nothing can be there.
        """
        found = self.look_up(reference)
        return None if found == DELETED else found

    def look_up(self, reference: str) -> Json | Deleted | None:
        """Read this very resource; tell a deleted one from one never there."""
        place = relative(self.local(reference))
        # `Patient/..`, `#contained`, `urn:uuid:...`: as a path they would ask for something else.
        if not ONE_STEP.fullmatch(place):
            return None
        try:
            found = responses.resource_at(place, get(self._rest, place))
        except FhirError as error:
            if error.status not in (404, 410):
                raise
            return DELETED if error.status == 410 else None
        if self._moments is not None:
            self._moments.setdefault(place, moment_of(found))
        return found

    def search(self, kind: str, params: Params, *, subject: str | None = None) -> Iterator[Json]:
        """Yield every match over all pages, without cache and without included resources.

        A server may ignore a parameter. So `subject` and `identifier=system|value` are checked here
        on each hit.

        Args:
            subject: `Patient/id`; only resources of this patient.
        """
        seen: set[str] = set()
        for bundle in pages(self._rest, kind, search_params(params)):
            for resource in responses.matches(bundle, kind):
                if resource["id"] not in seen and is_wanted(resource, params, subject):
                    seen.add(resource["id"])
                    yield resource

    def history(self, kind: str, since: str) -> Iterator[Version]:
        """Yield every version of the type since the instant, each once.

        They come in the server's order (often newest first). Where there is no type history, a
        search by `_lastUpdated` stands in; it finds no deletes.
        """
        # sekmet compares instants as text: milliseconds and Z.
        start = instants.instant(instants.parse(since))

        seen: set[tuple[str, str, str]] = set()
        for version in self._ways.versions(self._rest, kind, start):
            # A number may come again with other content; HAPI does not date deletes.
            written = "deleted" if version.deleted else version.time
            mark = (version.reference, version.version, written)
            if mark not in seen:
                seen.add(mark)
                yield version

    def shows_deletes(self, kind: str) -> bool:
        """Tell whether `history` of the type shows deletes, as far as it is known."""
        return self._ways.shows_deletes(kind)

    def create(self, resource: Json, if_none_exist: str | None = None) -> Written:
        """POST a resource; with `if_none_exist` as a conditional create.

        The conditional create travels as a transaction of one entry: only there every server checks
        and writes in one step. `created` is False when the resource existed already.

        Args:
            if_none_exist: a query, `identifier=system|value`.
        """
        kind = resource["resourceType"]
        if if_none_exist is None:
            response = self._send("POST", kind, resource, MINIMAL)
            return written.of_response(response, self.read, created=True)

        request = {"method": "POST", "url": kind, "ifNoneExist": if_none_exist}
        entry = {"resource": resource, "request": request}
        entries = self.transact({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
        return written.of_entry(entries[0] if entries else {}, kind, self.read)

    def ensure(self, resource: Json, system: str, value: str) -> Written:
        """Find the resource with this identifier, or create it.

        The search comes first, because nearly always the resource exists.
        """
        for found in self.search(resource["resourceType"], {"identifier": f"{system}|{value}"}):
            return Written(local_reference(found), version_of(found), False)
        return self.create(resource, f"identifier={system}|{value}")

    def update(self, resource: Json, version: str) -> Written:
        """PUT a resource under If-Match; raises Conflict on 409 and 412."""
        reference = local_reference(resource)
        response = self._send("PUT", reference, resource, {**MINIMAL, "If-Match": f'W/"{version}"'})
        created = response.status == 201
        return written.of_response(response, self.read, created=created, reference=reference)

    def transact(self, bundle: Json) -> Sequence[Json]:
        """POST a transaction.

        Some servers run it as a batch, so the status of every entry is read. Relative fullUrls
        (`Task/7`) get our base in front: R4 wants them absolute.

        Returns:
            The response's entries. Their order may differ from the request's.

        Raises:
            Conflict: 409 or 412.
            FhirError, Conflict, Unavailable: of an entry, caused by PartlyWritten where others
                stand (`shared.ehr.guarded`).
        """
        entries = [
            entry | {"fullUrl": self._absolute(entry["fullUrl"])} if "fullUrl" in entry else entry
            for entry in map(self.abilities.guarded, bundle["entry"])
        ]
        response = self._send("POST", "", bundle | {"entry": entries}, MINIMAL)
        answers = responses.bundle_of(self._rest.resource(response, "POST")).get("entry", [])
        answered.check(entries, answers, response.headers, forwarded=self._rest.forwarded)
        return list(answers)

    def head(self, answer: Answer) -> Head | None:
        """Read the newest head of the answer, without cache."""
        return newest(self.heads(answer))

    def heads(self, answer: Answer) -> Sequence[Head]:
        """Read the heads of all revisions of the answer, without cache."""
        return heads(self, answer)

    def attachment(self, attachment: Mapping[str, Any], max_bytes: int) -> bytes:
        """Read the bytes of an Attachment.

        They are in its `data`, or at its `url`: a Binary of this EHR, relative or at any of its
        bases, or an allowed origin.

        Raises:
            NotYet: the Binary is not there (404).
            InvalidInput: too large, hash or size differs, an origin that is not allowed.
        """
        return fetch(self._rest, self._allowed_origins, attachment, max_bytes)

    def local(self, reference: str) -> str:
        """Return a reference to this EHR as a relative one, any other as it is.

        The references in what is read here are so already.
        """
        return self._rest.bases.local(reference)

    def bases(self) -> Bases:
        """Return the bases of this EHR, by its own account."""
        return self._rest.bases.learned()

    def operation(self, path: str, params: Params) -> Json:
        """GET an operation without side effects, `Subscription/7/$events`."""
        found = get(self._rest, path, params)
        is_read = ONE_STEP.fullmatch(path) and "$" not in path
        return responses.resource_at(path, found, shown=False) if is_read else found

    def capabilities(self) -> Json:
        """Read the CapabilityStatement."""
        return get(self._rest, "metadata")

    def missing(self, needs: Mapping[str, str]) -> list[str]:
        """List everything missing at this EHR, one sentence each; see `missing_at`."""
        return missing_at(self.operation, needs)

    def _absolute(self, url: str) -> str:
        return url if ":" in url else f"{self.base.rstrip('/')}/{url}"

    def _send(self, method: str, url: str, body: Json, headers: Mapping[str, str]) -> Response:
        response = self._rest.send(method, url, body=body, headers=headers)
        if error := not_done(response, f"{method} {url}".strip()):
            raise error
        return response
