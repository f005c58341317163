"""Requests, answers, and results of the fake EHR page by page."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import orjson

from benchmarks.fake_ehr.habits import Habits
from benchmarks.fake_ehr.rules import Refusal, references
from benchmarks.fake_ehr.store import Store, Stored
from shared import instants
from shared.json import Json
from shared.references import REFERENCE

Query = list[tuple[str, str]]


@dataclass(frozen=True)
class Request:
    """A request as the server sees it.

    Attributes:
        path: on the base, without slashes at its ends.
        headers: names in lower case.
    """

    method: str
    path: str
    query: Query = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Answer:
    """A response; `body` None for an empty one."""

    status: int
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


def shown(habits: Habits, answer: Answer, path: str, query: str) -> Answer:
    """Write the oddities of the habits into an answer."""
    if answer.body is None or not (habits.self_base or habits.reference_base):
        return answer

    body = orjson.loads(orjson.dumps(answer.body))
    if habits.self_base and body.get("type") in ("searchset", "history"):
        url = f"{habits.self_base}/{path}" + (f"?{query}" if query else "")
        body["link"] = [{"relation": "self", "url": url}, *body.get("link", [])]
    if habits.reference_base:
        for node in references(body):
            if REFERENCE.fullmatch(node["reference"].split("/_history/")[0]):
                node["reference"] = f"{habits.reference_base}/{node['reference']}"
    return replace(answer, body=body)


class Pages:
    """What a server shows of many resources at once.

    Args:
        base: where clients reach it; what it says of itself is `habits.advertised_base`.
    """

    def __init__(self, habits: Habits, base: str, store: Store) -> None:
        self.habits, self.base, self.store = habits, base, store
        self._pages: dict[str, tuple[str, list[Json]]] = {}
        self._lock = threading.Lock()

    @property
    def shown_base(self) -> str:
        """The base that it believes it has."""
        return self.habits.advertised_base or self.base

    def page(self, kind: str, query: Query, hits: list[Json], ignored: list[str]) -> Answer:
        given = dict(query)
        count, offset = int(given.get("_count", 20)), int(given.get("_offset", 0))
        entries = [
            {
                "fullUrl": f"{self.shown_base}/{kind}/{r['id']}",
                "resource": r,
                "search": {"mode": "match"},
            }
            for r in hits[offset : offset + count]
        ]
        if ignored:
            issue = {
                "severity": "warning",
                "code": "not-supported",
                "diagnostics": "parameter ignored",
            }
            entries.append(
                {
                    "resource": {"resourceType": "OperationOutcome", "issue": [issue]},
                    "search": {"mode": "outcome"},
                }
            )
        bundle = self._bundle("searchset", entries, len(hits))
        if offset + count < len(hits):
            bundle["link"] = [
                {
                    "relation": "next",
                    "url": self._next_search(kind, query, entries, hits, offset + count),
                }
            ]
        return Answer(200, bundle)

    def _next_search(
        self, kind: str, query: Query, entries: list[Json], hits: list[Json], offset: int
    ) -> str:
        if self.habits.page_state:
            shown = [
                {
                    "fullUrl": f"{self.shown_base}/{kind}/{r['id']}",
                    "resource": r,
                    "search": {"mode": "match"},
                }
                for r in hits
            ]
            return self._keep("searchset", shown, offset, len(entries))
        rest = [(k, v) for k, v in query if k not in ("_count", "_offset")]
        count = str(dict(query).get("_count", 20))
        parameters = urlencode([*rest, ("_count", count), ("_offset", str(offset))])
        return f"{self.shown_base}/{kind}?{parameters}"

    def history(self, kind: str, resource_id: str | None, query: Query) -> Answer:
        given = dict(query)
        with self.store.lock:
            found = self.store.history(kind, resource_id)
        if "_since" in given:
            since = instants.parse(given["_since"])
            found = [s for s in found if instants.parse(s.time) >= since]
        count, offset = int(given.get("_count", 50)), int(given.get("_offset", 0))
        entries = [self._history_entry(s) for s in found]
        bundle = self._bundle("history", entries[offset : offset + count], len(entries)) | {
            "meta": {"lastUpdated": instants.now()}
        }
        if offset + count < len(entries):
            bundle["link"] = [
                {"relation": "next", "url": self._next_history(kind, query, offset + count, count)}
            ]
        return Answer(200, bundle)

    def _next_history(self, kind: str, query: Query, offset: int, count: int) -> str:
        kept = [(k, v) for k, v in query if k == "_since" and not self.habits.history_forgets_since]
        parameters = urlencode([*kept, ("_count", str(count)), ("_offset", str(offset))])
        return f"{self.shown_base}/{kind}/_history?{parameters}"

    def _history_entry(self, stored: Stored) -> Json:
        etag = f'W/"{stored.version}"'
        url = stored.kind if stored.method == "POST" else stored.reference
        entry: Json = {
            "fullUrl": f"{self.shown_base}/{stored.reference}",
            "request": {"method": stored.method, "url": url},
        }
        entry["response"] = {"status": "200", "etag": etag}
        if stored.resource is not None or self.habits.dates_deletes:
            entry["response"]["lastModified"] = stored.time
        return entry | ({} if stored.resource is None else {"resource": stored.resource})

    def _keep(self, kind: str, entries: list[Json], offset: int, count: int) -> str:
        with self._lock:
            token = f"p{len(self._pages)}"
            self._pages[token] = (kind, entries)
        page = {"_getpages": token, "_getpagesoffset": offset}
        return f"{self.shown_base}?{urlencode(page | {'_count': count, '_bundletype': kind})}"

    def stored_page(self, given: dict[str, str]) -> Answer:
        kind, entries = self._pages.get(given.get("_getpages", ""), ("", []))
        if not kind:
            raise Refusal(410 if "_getpages" in given else 400, "not-found")
        offset, count = int(given["_getpagesoffset"]), int(given["_count"])
        bundle = self._bundle(kind, entries[offset : offset + count], len(entries))
        if offset + count < len(entries):
            more = urlencode({**given, "_getpagesoffset": offset + count})
            bundle["link"] = [{"relation": "next", "url": f"{self.shown_base}?{more}"}]
        return Answer(200, bundle)

    @staticmethod
    def _bundle(kind: str, entries: list[Json], total: int) -> Json:
        return {"resourceType": "Bundle", "type": kind, "total": total} | (
            {"entry": entries} if entries else {}
        )
