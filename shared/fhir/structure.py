"""The shape of R4 resources, from R4's own definitions in `r4.json` (pure).

It finds unknown and missing elements, wrong cardinality, codes outside a required value set, kinds
that a reference may not name, and references that lead nowhere.

`fhir.resources` keeps required codes and reference targets as metadata only, and those of R4B.
`r4.json` is made from R4's StructureDefinitions by `python -m tests.r4_table`; a test compares the
two.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from shared.fhir.invariants import broken
from shared.json import Json

ID: Final = r"[A-Za-z0-9\-.]{1,64}"
DATE: Final = r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?"
TIME: Final = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
ZONE: Final = r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))"
FORMATS: Final[dict[str, re.Pattern[str]]] = {  # R4, 2.24.0 Data types
    "id": re.compile(ID),
    "code": re.compile(r"\S+( \S+)*"),
    "date": re.compile(DATE),
    "dateTime": re.compile(rf"{DATE}|\d{{4}}-\d\d-\d\dT{TIME}{ZONE}"),
    "instant": re.compile(rf"\d{{4}}-\d\d-\d\dT{TIME}{ZONE}"),
    "time": re.compile(TIME),
    "oid": re.compile(r"urn:oid:[0-2](\.(0|[1-9]\d*))+"),
    "uuid": re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    **dict.fromkeys(("uri", "url", "canonical"), re.compile(r"\S+")),
    "base64Binary": re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*"),
}
INTEGERS: Final = {"integer": -(2**31), "unsignedInt": 0, "positiveInt": 1}
LOCAL: Final = re.compile(rf"(?P<kind>[A-Z][A-Za-z]+)(/{ID}(/_history/{ID})?|\?.+)")
ABSOLUTE: Final = re.compile(rf"https?://\S+?/(?P<kind>[A-Z][A-Za-z]+)/{ID}(/_history/{ID})?")
PLAIN_NAME: Final = re.compile(r"_?[A-Za-z]{1,64}")


@dataclass(frozen=True)
class Table:
    """The content of `r4.json`.

    Attributes:
        kinds: every resource type of R4.
        codes: the value sets by name.
        types: the elements of the types that careloop writes.
    """

    kinds: frozenset[str]
    codes: Mapping[str, frozenset[str]]
    types: Mapping[str, Mapping[str, Json]]


@cache
def table() -> Table:
    read = json.loads(Path(__file__).with_name("r4.json").read_text(encoding="utf-8"))
    return Table(
        frozenset(read["kinds"]),
        {name: frozenset(codes) for name, codes in read["codes"].items()},
        read["types"],
    )


@dataclass(frozen=True)
class Scope:
    """Where references may lead.

    Attributes:
        entries: fullUrl -> kind of a Bundle's entries; None: a lone resource, and its `urn:`
            references are not followed.
        contained: id -> kind of the resources contained in the one at hand.
        used: the contained ids that something referred to; filled while walking.
    """

    entries: Mapping[str, str] | None = None
    contained: Mapping[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


def resource_problems(
    resource: object, place: str, scope: Scope, *, contained: bool = False
) -> Iterator[str]:
    """Yield everything wrong with a resource as `Type.path: rule`, without its values."""
    kind = str(resource.get("resourceType")) if isinstance(resource, dict) else ""
    if not isinstance(resource, dict) or "meta" not in table().types.get(kind, {}):
        yield f"{place}: not a resource of a kind that careloop writes"
        return
    if not contained:
        inside = {
            c["id"]: c.get("resourceType", "")
            for c in resource.get("contained", [])
            if isinstance(c, dict) and isinstance(c.get("id"), str)
        }
        scope = Scope(scope.entries, inside)
    yield from node_problems(kind, resource, place, scope)

    own = resource.get("id", "a")
    if not (isinstance(own, str) and FORMATS["id"].fullmatch(own)):
        yield f"{place}.id: not an id (1 to 64 of A-Z a-z 0-9 - .)"
    if not contained:
        yield from (
            f"{place}.contained: one of them is referred to by nothing (dom-3)"
            for _ in set(scope.contained) - scope.used
        )


def node_problems(kind: str, node: object, place: str, scope: Scope) -> Iterator[str]:
    """Yield the problems of a value of a complex type.

    It is a resource, a backbone element or a data type.
    """
    if not isinstance(node, dict) or not node:
        yield f"{place}: must be an object that is not empty"
        return
    found = list(shape_problems(kind, node, place, scope))
    # an invariant can be asked only of what has the right shape
    yield from found or (f"{place}: {rule}" for rule in broken(kind, node))


def shape_problems(kind: str, node: Json, place: str, scope: Scope) -> Iterator[str]:
    """Yield unknown, wrong and missing elements of the node, and of everything in it."""
    rules = table().types[kind]
    for name, value in node.items():
        if name == "resourceType" and "meta" in rules:
            continue
        rule = rules.get(name.removeprefix("_"))
        if rule is None:
            yield f"{place}.{name if PLAIN_NAME.fullmatch(name) else '?'}: R4 has no such element"
        elif name.startswith("_"):
            yield from shadow_problems(rule, value, f"{place}.{name}", scope)
        else:
            yield from element_problems(
                rule, value, f"{place}.{name}", scope, null_allowed=f"_{name}" in node
            )
    yield from missing(rules, node, place)


def missing(rules: Mapping[str, Json], node: Json, place: str) -> Iterator[str]:
    """Yield absent required elements, and choices ([x]) made twice."""
    present = {name.removeprefix("_") for name in node}
    chosen = [
        rules[name]["choice"] for name in present if name in rules and "choice" in rules[name]
    ]
    for name, rule in rules.items():
        if "min" in rule and (
            rule["choice"] not in chosen if "choice" in rule else name not in present
        ):
            yield f"{place}.{rule.get('choice', name)}: required"
    yield from (
        f"{place}.{choice}: more than one of its types"
        for choice in sorted(set(chosen))
        if chosen.count(choice) > 1
    )


def element_problems(
    rule: Json, value: object, place: str, scope: Scope, *, null_allowed: bool
) -> Iterator[str]:
    """Yield the problems of an element, repeated or not."""
    if "list" not in rule:
        yield from value_problems(rule, value, place, scope)
        return
    if not isinstance(value, list) or not value:
        yield f"{place}: must be a list that is not empty"
        return
    for index, item in enumerate(value):
        if item is not None or not null_allowed:
            yield from value_problems(rule, item, f"{place}[{index}]", scope)


def value_problems(rule: Json, value: object, place: str, scope: Scope) -> Iterator[str]:
    """Yield the problems of one value, by its type."""
    kind = rule["type"]
    if kind == "Resource":
        yield from resource_problems(
            value, place, scope, contained=place.rpartition(".")[2].startswith("contained")
        )
        return
    if kind not in table().types:
        problem = primitive_problem(kind, value)
        yield from [f"{place}: {problem}"] if problem else []
    else:
        yield from node_problems(kind, value, place, scope)
    if "codes" in rule and not coded(value, table().codes[rule["codes"]]):
        yield f"{place}: not a code of the required value set {rule['codes']}"
    if kind == "Reference" and isinstance(value, dict):
        yield from reference_problems(rule.get("to", ()), value, place, scope)


def shadow_problems(rule: Json, value: object, place: str, scope: Scope) -> Iterator[str]:
    """Yield the problems of `_name` beside a primitive: an id and extensions only."""
    if rule["type"] in table().types:
        yield f"{place}: only a primitive element has such a companion"
        return
    for item in value if isinstance(value, list) else [value]:
        if item is not None:
            yield from node_problems("Element", item, place, scope)


def coded(value: object, codes: frozenset[str]) -> bool:
    """Tell whether a code, a Coding or a CodeableConcept has a code of the set."""
    if isinstance(value, dict) and isinstance(value.get("coding"), list):
        return any(coded(coding, codes) for coding in value["coding"])
    code = value.get("code") if isinstance(value, dict) else value
    return isinstance(code, str) and code in codes


def primitive_problem(kind: str, value: object) -> str | None:
    """Say why this is no value of the primitive type; None if it is one."""
    if kind == "boolean":
        return None if isinstance(value, bool) else "must be true or false"
    if kind in INTEGERS:
        return None if _is_integer(value, INTEGERS[kind]) else f"not a {kind}"
    if kind == "decimal":
        return None if _is_finite(value) else "not a finite number"
    if not isinstance(value, str) or not value.strip():
        return "must be text that is not empty"
    form = FORMATS.get(kind)
    return None if form is None or form.fullmatch(value) else f"not a {kind}"


def _is_integer(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 2**31


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def target_kind(reference: str, scope: Scope) -> tuple[str | None, str | None]:
    """Find the kind in a literal reference, and the reason if it leads nowhere.

    Returns:
        (kind, problem), each None where there is none to tell.
    """
    if reference == "#":
        return None, None
    if reference.startswith("#"):
        name = reference[1:]
        scope.used.add(name)
        problem = None if name in scope.contained else "nothing of that name is contained"
        return scope.contained.get(name), problem

    if reference.startswith("urn:"):
        if scope.entries is None:
            return None, None
        problem = None if reference in scope.entries else "no entry of the Bundle has that fullUrl"
        return scope.entries.get(reference), problem

    match = LOCAL.fullmatch(reference) or ABSOLUTE.fullmatch(reference)
    if match is None:
        absolute = reference.startswith(("http://", "https://"))
        return None, None if absolute else "neither Type/id nor an absolute URL"

    known = match["kind"] in table().kinds
    return match["kind"], None if known else "R4 has no such kind of resource"


def reference_problems(
    allowed: list[str] | tuple[str, ...], node: Json, place: str, scope: Scope
) -> Iterator[str]:
    """Yield the reasons if a Reference leads nowhere, or to a forbidden kind."""
    literal = node.get("reference")
    kind, problem = (
        target_kind(literal, scope) if isinstance(literal, str) else (str(node.get("type")), None)
    )
    if problem:
        yield f"{place}: {problem}"
    elif kind in table().kinds and allowed and kind not in allowed:
        yield f"{place}: a {kind} can't stand here, only {', '.join(allowed)}"
    elif "type" in node and kind is not None and node["type"] != kind:
        yield f"{place}.type: not the kind that the reference names"
