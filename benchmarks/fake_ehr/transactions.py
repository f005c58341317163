"""Transaction and batch Bundles.

Ids first, then references, then the entries in R4's order, all or nothing (R4
http.html#transaction).
"""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

import orjson

from benchmarks.fake_ehr.faults import Faults
from benchmarks.fake_ehr.pages import Answer, Request
from benchmarks.fake_ehr.rest import Rest
from benchmarks.fake_ehr.rules import Guard, Refusal, check_references, references
from shared.json import Json
from shared.references import own_place

ORDER: Final = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 3, "GET": 4}


def answer(rest: Rest, request: Request, faults: Faults) -> Answer:
    """The answer to a posted Bundle; a refusal is one, too."""
    try:
        return _process(rest, request, faults)
    except Refusal as refusal:
        return Answer(refusal.status, refusal.outcome)


def _process(rest: Rest, request: Request, faults: Faults) -> Answer:
    """The response Bundle, or the refusal of the first entry that failed."""
    bundle = request.body
    if (
        not isinstance(bundle, dict)
        or bundle.get("resourceType") != "Bundle"
        or bundle.get("type") not in ("transaction", "batch")
    ):
        raise Refusal(400, "invalid")
    entries = bundle.get("entry", [])
    if any(
        not e.get("request", {}).get("method") or not e.get("request", {}).get("url")
        for e in entries
    ):
        raise Refusal(400, "required", "Bundle.entry.request")
    minimal = "return=minimal" in request.headers.get("prefer", "")
    if bundle["type"] == "batch":
        if not rest.habits.batches:
            raise Refusal(400, "not-supported")
        responses = _one_by_one(rest, request, entries, faults)
    else:
        requests = [e["request"]["method"] for e in entries]
        befallen = [faults.of_entry(_kind(e), requests[i], i) for i, e in enumerate(entries)]
        with nullcontext() if rest.habits.runs_transactions_as_batches else rest.transaction():
            responses = _in_order(rest, entries, befallen, minimal=minimal)
    return Answer(
        200, {"resourceType": "Bundle", "type": f"{bundle['type']}-response", "entry": responses}
    )


def _one_by_one(rest: Rest, request: Request, entries: list[Json], faults: Faults) -> list[Json]:
    found: dict[int, Json] = {}
    backwards = rest.habits.batches_backwards
    for i in sorted(range(len(entries)), reverse=backwards):
        refused = rest.habits.refuses_in_batches
        answered = Answer(refused) if refused else rest.answer(_request(entries[i], request))
        found[i] = _entry_response(rest, answered, minimal=False)
        happening, faults.between_entries = faults.between_entries, None
        if happening:
            happening()
    return [found[i] for i in sorted(found, reverse=rest.habits.answers_backwards)]


def _in_order(
    rest: Rest, entries: list[Json], befallen: list[int | None], *, minimal: bool
) -> list[Json]:
    plan = _plan(rest, entries)
    known = {
        e["fullUrl"]: plan.references[i]
        for i, e in enumerate(entries)
        if i in plan.references and "fullUrl" in e
    }
    resources = [_resolved(e.get("resource"), known) for e in entries]
    responses: dict[int, Json] = {}
    for i in sorted(
        range(len(entries)), key=lambda n: ORDER.get(entries[n]["request"]["method"], 9)
    ):
        if i not in plan.twins:
            done = _one(rest, plan, i, (entries[i]["request"], resources[i]), befallen[i])
            responses[i] = _entry_response(rest, done, minimal=minimal)
    if not rest.habits.runs_transactions_as_batches:
        for resource in resources:
            if resource is not None:
                check_references(rest.habits, rest.store, resource, rest.shown_base)
    return [responses[i] for i in sorted(responses)]


def _one(
    rest: Rest, plan: "_Plan", i: int, entry: tuple[Json, Json | None], befallen: int | None
) -> Answer:
    """Answer one entry.

    A refusal is raised, or is the answer where each entry stands for itself.
    """
    try:
        if befallen is not None:
            raise Refusal(befallen)
        return _execute(rest, *entry, plan.references.get(i), found=i in plan.found)
    except Refusal as refusal:
        if not rest.habits.runs_transactions_as_batches:
            raise
        return Answer(refusal.status, refusal.outcome)


def _kind(entry: Json) -> str:
    return str(entry["request"]["url"]).split("/", maxsplit=1)[0].split("?", maxsplit=1)[0]


@dataclass(frozen=True)
class _Plan:
    """Which reference each POST and PUT will have.

    `found`: it stands already; `twins`: an entry before it makes the same.
    """

    references: dict[int, str]
    found: frozenset[int]
    twins: frozenset[int]


def _plan(rest: Rest, entries: list[Json]) -> _Plan:
    targets: dict[int, str] = {}
    tokens: dict[tuple[str, str], str] = {}
    found, twins = set(), set()
    for i, entry in enumerate(entries):
        request = entry["request"]
        kind, condition = request["url"].split("/")[0].split("?")[0], request.get("ifNoneExist")
        if request["method"] == "PUT":
            targets[i] = own_place(request["url"])
        elif request["method"] == "POST":
            match = rest.single_match(kind, condition) if condition else None
            token = (kind, condition or "")
            if match is not None:
                found.add(i)
            elif condition and token in tokens and rest.habits.one_create_per_token:
                twins.add(i)
            known = tokens.get(token) if i in twins else None
            targets[i] = (
                f"{kind}/{match['id']}"
                if match is not None
                else known or f"{kind}/{rest.store.new_id()}"
            )
            tokens.setdefault(token, targets[i])
    return _Plan(targets, frozenset(found), frozenset(twins))


def _execute(
    rest: Rest, request: Json, resource: Json | None, reference: str | None, *, found: bool
) -> Answer:
    """One entry; references are checked once all entries are written. Raises Refusal."""
    method, path = request["method"], request["url"].split("?")[0].split("/")
    if method == "POST" and reference:
        kind, resource_id = reference.split("/")
        return (
            rest.standing(kind, resource_id)
            if found
            else rest.create(kind, resource, resource_id=resource_id, follow_references=False)
        )
    if method == "PUT" and len(path) == 2:
        return rest.update(path[0], path[1], resource, _guard(request), follow_references=False)
    done = rest.answer(_request({"request": request, "resource": resource}, Request("POST", "")))
    if done.status >= 400:
        raise Refusal(done.status)
    return done


def _guard(request: Json) -> Guard:
    return Guard(request.get("ifMatch"), request.get("ifNoneMatch"))


def _request(entry: Json, outer: Request) -> Request:
    path, _, query = entry["request"]["url"].partition("?")
    headers = {
        "if-match": entry["request"].get("ifMatch"),
        "if-none-match": entry["request"].get("ifNoneMatch"),
        "if-none-exist": entry["request"].get("ifNoneExist"),
        # HAPI asks a batch's searches with the cache control of the batch
        "cache-control": outer.headers.get("cache-control"),
    }
    given = {k: v for k, v in headers.items() if v}
    return Request(
        entry["request"]["method"],
        path.strip("/"),
        parse_qsl(query, keep_blank_values=True),
        given,
        entry.get("resource"),
    )


def _resolved(resource: Json | None, known: dict[str, str]) -> Json | None:
    """A copy with every reference to an entry of this Bundle replaced.

    Raises Refusal where a `urn:uuid:` names none.
    """
    if resource is None:
        return None
    copied: Json = orjson.loads(orjson.dumps(resource))
    for node in references(copied):
        target = node["reference"]
        if target in known:
            node["reference"] = known[target]
        elif target.startswith("urn:uuid:"):
            raise Refusal(400, "invalid")
    return copied


def _entry_response(rest: Rest, done: Answer, *, minimal: bool) -> Json:
    response: Json = {
        "status": {200: "200 OK", 201: "201 Created", 204: "204 No Content"}.get(
            done.status, str(done.status)
        )
    }
    if location := done.headers.get("Location"):
        response["location"] = (
            location.removeprefix(f"{rest.base}/")
            if rest.habits.advertised_base is None
            else location
        )
    if etag := done.headers.get("ETag"):
        response["etag"] = etag.removeprefix("W/").strip('"') if rest.habits.bare_etags else etag
    if done.status >= 400:
        return {"response": response | {"outcome": done.body}}
    quiet = minimal or (rest.habits.bare_etags and "Location" in done.headers)
    return (
        {"response": response}
        if quiet or done.body is None
        else {"response": response, "resource": done.body}
    )
