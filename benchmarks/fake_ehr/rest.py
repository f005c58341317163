"""The FHIR REST API over the store.

One request in, one answer out, in the manner of its habits.
"""

import base64
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

from benchmarks.fake_ehr import rules, search
from benchmarks.fake_ehr.habits import Habits
from benchmarks.fake_ehr.pages import Answer, Pages, Query, Request
from benchmarks.fake_ehr.rules import UNGUARDED, Guard, Refusal
from benchmarks.fake_ehr.statement import KINDS, capability_statement, smart_configuration
from benchmarks.fake_ehr.store import Store, Stored
from benchmarks.fake_ehr.subscriptions import shown
from shared.instants import instant
from shared.json import Json


class Rest(Pages):
    """One FHIR server.

    Args:
        base: where clients reach it; what it says of itself is `habits.advertised_base`.
        committed: gets every version that was written, once it holds.
    """

    def __init__(
        self, habits: Habits, base: str, committed: Callable[[list[Stored]], None]
    ) -> None:
        super().__init__(habits, base, Store(habits.ids == "number"))
        self._committed = committed
        self._searches: dict[str, tuple[float, list[Json]]] = {}

    def answer(self, request: Request) -> Answer:
        """The answer to any request; refusals are answers, too."""
        try:
            return self._dispatch(request)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.outcome)

    def _dispatch(self, request: Request) -> Answer:
        segments = [s for s in request.path.split("/") if s]
        if request.method == "GET":
            return self._get(segments, request)
        if not segments or segments[0] not in KINDS:
            raise Refusal(404, "not-supported")
        return self._change(segments, request)

    def _get(self, segments: list[str], request: Request) -> Answer:
        special = {
            "": lambda: self.stored_page(dict(request.query)),
            "metadata": lambda: Answer(200, capability_statement(self.habits)),
        }
        if self.habits.smart_configuration:
            special[".well-known/smart-configuration"] = lambda: Answer(
                200, smart_configuration(self.base)
            )
        if found := special.get("/".join(segments)):
            return found()
        if segments[0] not in KINDS:
            raise Refusal(404, "not-supported")
        match segments:
            case [kind]:
                return self.search(kind, request.query, request.headers)
            case [kind, "_history"] if "_history" in self.habits.refuses:
                raise Refusal(405, "not-supported")
            case [kind, "_history"]:
                self._refuse(request.query)
                return self.history(kind, None, request.query)
            case [kind, resource_id, "_history"]:
                return self.history(kind, resource_id, request.query)
            case [kind, resource_id, "_history", version]:
                return self._vread(kind, resource_id, version)
        return self._read(segments[0], segments[1], request.headers.get("accept", ""))

    def _change(self, segments: list[str], request: Request) -> Answer:
        match request.method, segments:
            case "POST", [kind]:
                return self.create(kind, request.body, request.headers.get("if-none-exist"))
            case "PUT", [kind]:
                return self._conditional_update(kind, request.query, request.body)
            case "PUT", [kind, resource_id]:
                return self.update(kind, resource_id, request.body, Guard.of(request.headers))
            case "DELETE", [kind, resource_id]:
                return self.delete(kind, resource_id)
        raise Refusal(404, "not-supported")

    # --- reading

    def _read(self, kind: str, resource_id: str, accept: str) -> Answer:
        versions = self.store.versions(kind, resource_id)
        if not versions:
            raise Refusal(404, "not-found")
        if versions[-1].resource is None:
            raise Refusal(410, "deleted")
        return self._shown(versions[-1], accept)

    def _vread(self, kind: str, resource_id: str, version: str) -> Answer:
        found = [s for s in self.store.versions(kind, resource_id) if str(s.version) == version]
        if not found or found[0].resource is None:
            raise Refusal(410 if found else 404, "not-found")
        return self._shown(found[0], "")

    def _shown(self, stored: Stored, accept: str) -> Answer:
        resource = shown(self.habits, stored.resource or {"resourceType": stored.kind})
        first = accept.split(",", maxsplit=1)[0].split(";", maxsplit=1)[0].strip()
        if (
            stored.kind == "Binary"
            and not self.habits.validates
            and first == resource.get("contentType")
        ):
            return Answer(
                200, None, {"Content-Type": first}, base64.b64decode(resource.get("data", ""))
            )
        return Answer(200, resource, {"ETag": f'W/"{stored.version}"'})

    def search(self, kind: str, query: Query, headers: Mapping[str, str]) -> Answer:
        """Search: refuse, or answer with an outcome entry about what is ignored."""
        if kind not in KINDS:
            raise Refusal(404, "not-supported")
        if any(name == "_lastUpdated" for name, _ in query):
            self._refuse(query)
        if not self.habits.heeds_last_updated:
            query = [(name, value) for name, value in query if name != "_lastUpdated"]
        ignored = [
            name for name, _ in query if not search.supported(self.habits, kind, name.split(":")[0])
        ]
        if ignored and (
            self.habits.refuses_unknown_parameters or "handling=strict" in headers.get("prefer", "")
        ):
            raise Refusal(400, "not-supported")
        no_cache = "no-cache" in headers.get("cache-control", "")
        hits = self._indexed(kind, self._hits(kind, query, no_cache=no_cache))
        return self.page(kind, query, [shown(self.habits, hit) for hit in hits], ignored)

    def _refuse(self, query: Query) -> None:
        """Refuse a query with parameters unknown to it."""
        named = {name for name, _ in query}
        named |= {"ge" for name, v in query if name == "_lastUpdated" and v.startswith("ge")}
        if named & self.habits.refuses:
            raise Refusal(400, "not-supported")

    def _hits(self, kind: str, query: Query, *, no_cache: bool) -> list[Json]:
        key, now = f"{kind}?{urlencode(query)}", time.monotonic()
        cached = self._searches.get(key)
        if cached and not no_cache and now - cached[0] < self.habits.search_cache_sec:
            return cached[1]
        with self.store.lock:
            hits = search.find(self.store, self.habits, kind, query)
        if self.habits.search_cache_sec:
            self._searches[key] = (now, hits)
        return hits

    def _indexed(self, kind: str, hits: list[Json]) -> list[Json]:
        """Return the hits of an index behind the writes."""
        if not self.habits.index_late_sec:
            return hits
        until = instant(datetime.now(UTC) - timedelta(seconds=self.habits.index_late_sec))
        histories = (self.store.versions(kind, hit["id"]) for hit in hits)
        known = ([s for s in versions if s.time <= until] for versions in histories)
        return [s[-1].resource for s in known if s and s[-1].resource is not None]

    # --- writing

    def create(
        self,
        kind: str,
        resource: object,
        if_none_exist: str | None = None,
        *,
        resource_id: str | None = None,
        follow_references: bool = True,
    ) -> Answer:
        """POST; conditional with `if_none_exist`.

        Unless the habit says so, the search and the write are two steps.
        """
        checked = rules.check(self.habits, kind, resource)
        with self.store.lock if self.habits.atomic_conditional_create else nullcontext():
            found = self.single_match(kind, if_none_exist) if if_none_exist else None
            if found is not None:
                return self.standing(kind, found["id"])
            with self.store.transaction(self._committed):
                if follow_references:
                    rules.check_references(self.habits, self.store, checked, self.shown_base)
                stored = self.store.write(
                    kind,
                    resource_id or self.store.new_id(),
                    rules.kept(self.habits, checked, None),
                    "POST",
                )
        return self._done(201, stored)

    def standing(self, kind: str, resource_id: str) -> Answer:
        """What a conditional create answers where the resource is there already."""
        return self._done(200, self.store.versions(kind, resource_id)[-1])

    def single_match(self, kind: str, condition: str) -> Json | None:
        """What a conditional verb means.

        Raises Refusal: 400 where the server can't search so, 412 where several match.
        """
        query = parse_qsl(urlsplit(condition).query or condition, keep_blank_values=True)
        if not query or any(not search.supported(self.habits, kind, name) for name, _ in query):
            raise Refusal(400, "not-supported")
        with self.store.lock:
            hits = search.find(self.store, self.habits, kind, query)
        if not self.habits.atomic_conditional_create:
            hits = self._indexed(kind, hits)
        if len(hits) > 1:
            raise Refusal(412, "multiple-matches")
        return hits[0] if hits else None

    def update(
        self,
        kind: str,
        resource_id: str,
        resource: object,
        guard: Guard = UNGUARDED,
        *,
        follow_references: bool = True,
    ) -> Answer:
        """Answer a PUT, under its guard if it has one."""
        checked = rules.check(self.habits, kind, resource)
        if checked.get("id", resource_id) != resource_id:
            raise Refusal(400, "invalid")
        with self.store.transaction(self._committed):
            versions = self.store.versions(kind, resource_id)
            before = versions[-1].resource if versions else None
            current = str(versions[-1].version) if before is not None else ""
            if guard.refuses(current, self.habits):
                raise Refusal(self.habits.stale_if_match, "conflict")
            if self.habits.orders_read_only and kind == "MedicationRequest":
                self._refuse_order(before)
            if follow_references:
                rules.check_references(self.habits, self.store, checked, self.shown_base)
            kept = rules.kept(self.habits, {**checked, "id": resource_id}, before)
            if (
                before is not None
                and not self.habits.identical_put_is_new_version
                and rules.same_content(kept, before)
            ):
                return self._done(200, versions[-1])
            stored = self.store.write(kind, resource_id, kept, "PUT")
        return self._done(200 if before is not None else 201, stored)

    def _refuse_order(self, before: Json | None) -> None:
        if before is not None and before.get("status") == "active":
            raise Refusal(self.habits.orders_read_only or 403, "forbidden")

    def _conditional_update(self, kind: str, query: Query, resource: object) -> Answer:
        found = self.single_match(kind, urlencode(query))
        if found is None:
            return self.create(kind, resource)
        body = {**resource, "id": found["id"]} if isinstance(resource, dict) else resource
        return self.update(kind, found["id"], body)

    def delete(self, kind: str, resource_id: str) -> Answer:
        """DELETE; of what is not there a success, too."""
        with self.store.transaction(self._committed):
            if self.store.current(kind, resource_id) is not None:
                self.store.write(kind, resource_id, None, "DELETE")
        return Answer(204)

    def transaction(self) -> AbstractContextManager[None]:
        """Writes within it hold together or not at all."""
        return self.store.transaction(self._committed)

    def _done(self, status: int, stored: Stored) -> Answer:
        location = f"{self.shown_base}/{stored.reference}/_history/{stored.version}"
        return Answer(
            status,
            stored.resource,
            {"Location": location, "ETag": f'W/"{stored.version}"', "Last-Modified": stored.time},
        )
