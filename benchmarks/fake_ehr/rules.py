"""What the server does to a resource before it keeps it, and what it refuses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from benchmarks.fake_ehr.habits import Habits
from benchmarks.fake_ehr.store import Store
from shared.fhir.structure import Scope, resource_problems, table
from shared.json import Json
from shared.references import own_place


class Refusal(Exception):
    """An answer that is no success; `code` is the OperationOutcome's issue code."""

    def __init__(
        self, status: int, code: str = "processing", expression: str | None = None
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.expression = expression

    @property
    def outcome(self) -> Json:
        """Write an OperationOutcome whose text a client should not repeat."""
        issue: Json = {
            "severity": "error",
            "code": self.code,
            "diagnostics": "the server's own words, which may name Jane Doe",
        }
        return {
            "resourceType": "OperationOutcome",
            "issue": [issue | ({"expression": [self.expression]} if self.expression else {})],
        }


@dataclass(frozen=True)
class Guard:
    """The condition of an update.

    Attributes:
        if_match: an ETag, in any of its shapes.
        if_none_match: `*`, or None.
    """

    if_match: str | None = None
    if_none_match: str | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self:
        """Read the guard in the headers of a request."""
        return cls(headers.get("if-match"), headers.get("if-none-match"))

    def refuses(self, current: str, habits: Habits) -> bool:
        """Tell whether the update must not be made.

        Args:
            current: the version that stands; empty where nothing does.
        """
        if self.if_none_match == "*" and habits.honours_if_none_match:
            return bool(current)
        if self.if_match is None or habits.ignores_if_match:
            return False
        if not current and habits.creates_under_if_match:
            return False
        return self.if_match.strip().removeprefix("W/").strip('"') != current


UNGUARDED: Final = Guard()


def unversioned(node: Any) -> Any:
    """Return the body as sent by a server without versions."""
    if isinstance(node, list):
        return [unversioned(item) for item in node]
    if isinstance(node, dict):
        shown = {k: unversioned(v) for k, v in node.items() if k not in ("versionId", "etag")}
        if "location" in shown:
            shown["location"] = str(shown["location"]).split("/_history/")[0]
        return shown
    return node


def undated(node: Any) -> Any:
    """Return the body as sent by a server without the instants of its resources."""
    if isinstance(node, list):
        return [undated(item) for item in node]
    if isinstance(node, dict):
        return {k: undated(v) for k, v in node.items() if k != "lastUpdated"}
    return node


def kept(habits: Habits, resource: Json, before: Json | None) -> Json:
    """The resource as this server keeps it."""
    if habits.strips_reference_versions:
        resource = _without_versions(resource)
    meta = dict(resource.get("meta", {}))
    if not habits.keeps_source:
        meta.pop("source", None)
    if habits.accumulates_tags and before:
        for name in ("tag", "security", "profile"):
            older = before.get("meta", {}).get(name, [])
            merged = [*older, *(t for t in meta.get(name, []) if t not in older)]
            if merged:
                meta[name] = merged
    return (
        {**resource, "meta": meta} if meta else {k: v for k, v in resource.items() if k != "meta"}
    )


def same_content(left: Json, right: Json) -> bool:
    """Nothing but the server's own meta elements differs."""
    return _content(left) == _content(right)


def check(habits: Habits, kind: str, resource: object) -> Json:
    """The resource, if its body may be kept. Raises Refusal."""
    if not isinstance(resource, dict) or resource.get("resourceType") != kind:
        raise Refusal(400, "structure")
    if habits.validates:
        _validate(kind, resource)
    if habits.checks_codes and kind in table().types:
        for problem in resource_problems(resource, kind, Scope()):
            if "not a code of the required value set" in problem:
                raise Refusal(400, "invalid", problem.split(":")[0])
            if "can't stand here" in problem:
                raise Refusal(422, "invalid", problem.split(":")[0])
    if kind == "Subscription":
        _check_subscription(habits, resource)
    return resource


def check_references(habits: Habits, store: Store, resource: Json, base: str) -> None:
    """Every literal reference to a resource of this server leads to one that stands.

    Raises Refusal.
    """
    if not habits.checks_references:
        return
    for node in references(resource):
        target = node["reference"]
        local = target.startswith(base) or "://" not in target
        if not local and habits.refuses_external_references:
            raise Refusal(400, "processing")
        if (
            local
            and not target.startswith(("#", "urn:"))
            and "/" in target
            and store.current(*own_place(target).split("/")) is None
        ):
            raise Refusal(400, "processing")


def references(node: object) -> Iterator[Json]:
    """Every Reference element with a literal reference in it.

    `DetectedIssue.reference` is none: the address of a paper.
    """
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str) and "resourceType" not in node:
            yield node
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def _content(resource: Json) -> Json:
    meta = {
        k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")
    }
    return {**resource, "meta": meta}


def _without_versions(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_versions(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        k: v.split("/_history/")[0]
        if k == "reference" and isinstance(v, str)
        else _without_versions(v)
        for k, v in node.items()
    }


def _validate(kind: str, resource: Json) -> None:
    try:
        get_fhir_model_class(kind).model_validate(resource)
    except ValidationError as error:
        place = ".".join([kind, *(str(part) for part in error.errors()[0]["loc"])])
        raise Refusal(400, "structure", place) from None


def _check_subscription(habits: Habits, resource: Json) -> None:
    criteria = resource.get("criteria", "")
    profiles = resource.get("meta", {}).get("profile", [])
    if "://" not in criteria or not habits.needs_backport_profile:
        return
    filters = [e.get("url", "") for e in resource.get("_criteria", {}).get("extension", [])]
    if not any("backport-subscription" in p for p in profiles) or not any(
        url.endswith("backport-filter-criteria") for url in filters
    ):
        raise Refusal(422, "processing", "Subscription.criteria")
