"""FHIR resources from JSON files, ready to be created (pure).

In an order in which references lead backwards.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from shared.errors import InvalidInput, InvalidResource
from shared.fhir.check import check
from shared.fhir.structure import table
from shared.json import Json

KEPT_META: Final = frozenset({"security", "tag", "profile"})  # the rest is the server's
MESSAGES: Final = frozenset({"OperationOutcome", "Parameters"})


@dataclass(frozen=True)
class Entry:
    """One resource of a file.

    Attributes:
        place: where it stands, for people: `patient.json, entry 3 (Condition)`.
        file: the file's name.
        names: what references may call it: its fullUrl and `Type/id`.
        resource: without the id and version of the server it came from.
        key: (system, value) of the identifier to know it by (`services.load.identity`); None where
            it has none of its own.
    """

    place: str
    file: str
    names: tuple[str, ...]
    resource: Json
    key: tuple[str, str] | None = None

    @property
    def kind(self) -> str:
        """The resource type."""
        return str(self.resource["resourceType"])


def entries_of(content: object, file: str) -> list[Entry]:
    """The resources in one JSON file: a Bundle of any type, or one resource.

    Raises:
        InvalidInput: names the entry.
    """
    if not isinstance(content, dict) or not isinstance(content.get("resourceType"), str):
        raise InvalidInput(f"{file}: not a FHIR resource (no resourceType).")
    if content["resourceType"] != "Bundle":
        return [_entry({"resource": content}, file, file)]
    listed = content.get("entry", [])
    if not isinstance(listed, list):
        raise InvalidInput(f"{file}: the Bundle's entry is not a list.")
    return [
        _entry(e, file, f"{file}, entry {n}")
        for n, e in enumerate(listed, 1)
        if not _carries_nothing(e)
    ]


def _carries_nothing(entry: object) -> bool:
    """A response or a DELETE without a resource, or a search's word about itself."""
    return isinstance(entry, dict) and ("resource" not in entry or _mode(entry) == "outcome")


def _mode(entry: Json) -> object:
    search = entry.get("search")
    return search.get("mode") if isinstance(search, dict) else None


def _entry(entry: object, file: str, place: str) -> Entry:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if (
        not isinstance(entry, dict)
        or not isinstance(resource, dict)
        or not isinstance(resource.get("resourceType"), str)
    ):
        raise InvalidInput(f"{place}: not a FHIR resource (no resourceType).")
    kind = resource["resourceType"]
    if kind not in table().kinds or kind in MESSAGES:
        raise InvalidInput(f"{place}: R4 has no resource of this type that could be loaded.")
    own = f"{kind}/{resource['id']}" if isinstance(resource.get("id"), str) else None
    url = entry.get("fullUrl")
    names = tuple(dict.fromkeys(name for name in (url, own) if isinstance(name, str)))
    return Entry(f"{place} ({kind})", file, names, _freed(resource))


def _freed(resource: Json) -> Json:
    """Without what belongs to the server it came from."""
    meta = (
        {k: v for k, v in m.items() if k in KEPT_META}
        if isinstance(m := resource.get("meta"), dict)
        else {}
    )
    rest = {k: v for k, v in resource.items() if k not in ("id", "meta")}
    return rest | ({"meta": meta} if meta else {})


def check_entry(entry: Entry) -> None:
    """Refuse what breaks R4 in a way that we can tell.

    Raises:
        InvalidInput: names the element, never its value.
    """
    if "meta" not in table().types.get(entry.kind, {}):
        return  # careloop writes none of these and knows them less well: the EHR judges
    try:
        check(entry.resource)
    except InvalidResource as error:
        raise InvalidInput(f"{entry.place}: {error}") from None


def with_binaries_inside(entries: Iterable[Entry]) -> list[Entry]:
    """Attachments that name a Binary of the files get its data.

    A Binary has no identifier to be known by.
    """
    entries = list(entries)
    data = {
        name: e.resource["data"]
        for e in entries
        if e.kind == "Binary" and "data" in e.resource
        for name in e.names
    }
    return [
        replace(e, resource=_filled(e.resource, data))
        for e in entries
        if e.kind != "Binary" or not data.keys() & set(e.names)
    ]


def _filled(node: Any, data: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_filled(item, data) for item in node]
    if not isinstance(node, dict):
        return node
    if "contentType" in node and isinstance(node.get("url"), str) and node["url"] in data:
        return {k: v for k, v in node.items() if k != "url"} | {"data": data[node["url"]]}
    return {k: _filled(v, data) for k, v in node.items()}


def references(node: Any) -> Iterator[str]:
    """Every literal reference in a resource, without a version."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "reference" and isinstance(value, str):
                yield unversioned(value)
            else:
                yield from references(value)


def unversioned(reference: str) -> str:
    """Without `/_history/7`."""
    return reference.split("/_history/", 1)[0]


def pointed(node: Any, ids: Mapping[str, str]) -> Any:
    """The same JSON with references turned to what stands at the EHR."""
    if isinstance(node, list):
        return [pointed(item, ids) for item in node]
    if isinstance(node, dict):
        return {
            k: ids.get(unversioned(v), v)
            if k == "reference" and isinstance(v, str)
            else pointed(v, ids)
            for k, v in node.items()
        }
    return node


def in_order(entries: list[Entry]) -> Iterator[list[Entry]]:
    """Groups to be created one after the other.

    Single entries, and circles that only one transaction can create.
    """
    owner = {name: i for i, entry in enumerate(entries) for name in entry.names}
    needs = [{owner[r] for r in references(entry.resource) if r in owner} for entry in entries]
    waiting = set(range(len(entries)))
    while waiting:
        ready = [[i] for i in sorted(waiting) if not needs[i] & waiting]
        for group in ready or [sorted(_circle(waiting, needs))]:
            waiting -= set(group)
            yield [entries[i] for i in group]


def _circle(waiting: Collection[int], needs: list[set[int]]) -> set[int]:
    """Those that refer to each other, without those that merely refer to them."""
    core = set(waiting)
    while core != (wanted := core & set().union(*(needs[i] for i in core))):
        core = wanted
    return core
