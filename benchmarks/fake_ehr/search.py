"""The part of FHIR search that careloop and its tests use.

Tokens, references, dates, strings; paging is the server's.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from benchmarks.fake_ehr.habits import Habits
from benchmarks.fake_ehr.store import Store
from shared import instants
from shared.fhir.codes import codings
from shared.json import Json
from shared.references import own_place

Query = list[tuple[str, str]]

CONTROL: Final = frozenset(
    {"_count", "_sort", "_offset", "_total", "_format", "_summary", "_include", "_revinclude"}
)
PATIENT: Final = frozenset({"identifier", "patient", "subject"})
NO_IDENTIFIER: Final = frozenset({"Provenance", "AuditEvent", "Subscription", "Binary"})

PATHS: Final[
    dict[str, tuple[str, ...]]
] = {  # R4's search parameters by the elements that they look at
    "patient": ("subject", "patient", "for", "beneficiary", "target"),
    "subject": ("subject", "patient", "for"),
    "focus": ("focus",),
    "owner": ("owner",),
    "requester": ("requester",),
    "based-on": ("basedOn",),
    "encounter": ("encounter",),
    "target": ("target",),
    "entity": ("entity.what",),
    "relatesto": ("relatesTo.target",),
    "derived-from": ("derivedFrom",),
    "device": ("device",),
    "link": ("link.other",),
    "status": ("status",),
    "intent": ("intent",),
    "code": ("code", "medicationCodeableConcept"),
    "type": ("type",),
    "category": ("category",),
    "class": ("class",),
    "business-status": ("businessStatus",),
    "clinical-status": ("clinicalStatus",),
    "verification-status": ("verificationStatus",),
    "lifecycle-status": ("lifecycleStatus",),
    "modality": ("modality", "series.modality"),
    "gender": ("gender",),
    "active": ("active",),
    "url": ("url", "channel.endpoint"),
    "criteria": ("criteria",),
    "_profile": ("meta.profile",),
    "_tag": ("meta.tag",),
    "_security": ("meta.security",),
    "name": ("name.text", "name.family", "name.given"),
    "family": ("name.family",),
    "given": ("name.given",),
    "date": (
        "effectiveDateTime",
        "date",
        "created",
        "occurrenceDateTime",
        "started",
        "dateTime",
        "recorded",
    ),
    "authored-on": ("authoredOn",),
    "modified": ("lastModified",),
    "issued": ("issued",),
    "recorded": ("recorded",),
    "birthdate": ("birthDate",),
}
REFERENCES: Final = frozenset(
    {
        "patient",
        "subject",
        "focus",
        "owner",
        "requester",
        "based-on",
        "encounter",
        "target",
        "entity",
        "relatesto",
        "derived-from",
        "device",
        "link",
    }
)
STRINGS: Final = frozenset({"name", "family", "given"})
DATES: Final = frozenset({"date", "authored-on", "modified", "issued", "recorded", "birthdate"})


def supported(habits: Habits, kind: str, name: str) -> bool:
    """The server knows this parameter for this type."""
    if name in CONTROL or name in ("_id", "_lastUpdated"):
        return True
    if name in PATIENT and kind in habits.unindexed:
        return False
    if name == "link":
        return kind == "Patient" and not habits.ignores_links
    if name == "identifier":
        return kind not in NO_IDENTIFIER
    return name in PATHS


def find(store: Store, habits: Habits, kind: str, query: Query) -> list[Json]:
    """All hits in order; parameters that are not supported are passed over."""
    tests = _tests(habits, kind, query)
    hits = [
        r
        for r in _candidates(store, kind, tests)
        if all(_fits(habits, r, name, value) for name, value in tests)
    ]
    for name, value in reversed(query):
        if name == "_sort":
            for key in reversed(value.split(",")):
                name_of = key.lstrip("-")
                hits.sort(key=partial(_order, name=name_of), reverse=key.startswith("-"))
    return hits


def matches(habits: Habits, resource: Json, query: Query) -> bool:
    """One resource fits: the criteria of a Subscription."""
    return all(
        _fits(habits, resource, name, value)
        for name, value in _tests(habits, resource["resourceType"], query)
    )


def _tests(habits: Habits, kind: str, query: Query) -> Query:
    named = [(name.split(":")[0], value) for name, value in query]
    return [
        (name, value)
        for name, value in named
        if name not in CONTROL and supported(habits, kind, name)
    ]


def _candidates(store: Store, kind: str, tests: Query) -> Iterable[Json]:
    for name, value in tests:
        if name == "identifier" and "," not in value and not value.endswith("|"):
            return store.indexed(kind, "identifier", value)
        if name == "link" and "," not in value:
            return store.indexed(kind, "link", own_place(value))
        if name in ("patient", "subject") and "," not in value and kind != "Provenance":
            return store.indexed(
                kind,
                "subject",
                value
                if "/" in value and ":" not in value
                else f"Patient/{own_place(value).split('/')[-1]}",
            )
    return store.all(kind)


def _fits(habits: Habits, resource: Json, name: str, value: str) -> bool:
    if name == "_lastUpdated":
        return _in_time(resource["meta"]["lastUpdated"], value)
    wanted = value.split(",")
    if name == "_id":
        return resource["id"] in wanted
    if name == "identifier":
        found = resource.get("identifier", [])
        return any(
            _token_of_identifier(habits, i, w)
            for i in (found if isinstance(found, list) else [found])
            for w in wanted
        )
    elements = [e for path in PATHS[name] for e in _elements(resource, path.split("."))]
    return any(_matches(habits, name, element, w) for element in elements for w in wanted)


def _matches(habits: Habits, name: str, element: object, wanted: str) -> bool:
    if name in REFERENCES:
        return isinstance(element, dict) and _same_reference(
            habits, element.get("reference", ""), wanted
        )
    if name in STRINGS:
        return str(element).lower().startswith(wanted.lower())
    if name in DATES:
        return _in_time(str(element), wanted)
    return _token(element, wanted)


def _same_reference(habits: Habits, reference: str, wanted: str) -> bool:
    if "://" in wanted and not habits.finds_absolute_references:
        return reference == wanted
    target = own_place(wanted) if "/" in wanted else wanted
    stored = own_place(reference)
    return target == (stored if "/" in target else stored.split("/")[-1])


def _token_of_identifier(habits: Habits, identifier: Json, wanted: str) -> bool:
    system, bar, value = wanted.rpartition("|")
    if bar and identifier.get("system", "") != system:
        return False
    return (value == "" and habits.finds_systems) or identifier.get("value") == value


def _token(element: object, wanted: str) -> bool:
    system, bar, code = wanted.rpartition("|")
    if not isinstance(element, dict | list):
        shown = str(element).lower() if isinstance(element, bool) else str(element)
        return shown == code
    return any(
        (not bar or c.get("system", "") == system) and (code in ("", c.get("code")))
        for c in codings(element)
    )


def _elements(node: object, path: list[str]) -> Iterator[object]:
    if isinstance(node, list):
        for item in node:
            yield from _elements(item, path)
    elif not path:
        yield node
    elif isinstance(node, dict) and path[0] in node:
        yield from _elements(node[path[0]], path[1:])


def _in_time(text: str, wanted: str) -> bool:
    prefix, bound = (wanted[:2], wanted[2:]) if wanted[:2].isalpha() else ("eq", wanted)
    if len(bound) < 19 or len(text) < 19:  # a date alone
        a, b = text[: len(bound)], bound[: len(text)]
        return {"ge": a >= b, "gt": a > b, "le": a <= b, "lt": a < b, "eq": a == b, "ne": a != b}[
            prefix
        ]
    left, right = instants.parse(text), instants.parse(bound)
    return {
        "ge": left >= right,
        "gt": left > right,
        "le": left <= right,
        "lt": left < right,
        "eq": left == right,
        "ne": left != right,
    }[prefix]


def _order(resource: Json, name: str) -> tuple[bool, str]:
    if name == "_lastUpdated":
        return False, str(resource["meta"]["lastUpdated"])
    if name == "_id":
        return False, str(resource["id"])
    found = next(
        (str(e) for path in PATHS.get(name, ()) for e in _elements(resource, path.split("."))), ""
    )
    return found == "", found
