"""Every version of every resource, in memory.

With rollback, and an index of identifiers and patients.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from shared import instants
from shared.json import Json
from shared.references import own_place, subject_of


@dataclass(frozen=True)
class Stored:
    """One version; `resource` is None for a delete.

    Resources are never changed in place.
    """

    kind: str
    id: str
    version: int
    time: str
    method: str
    resource: Json | None
    before: Json | None = None

    @property
    def reference(self) -> str:
        """`Type/id`."""
        return f"{self.kind}/{self.id}"


class Store:
    """All versions. Every write happens inside `transaction()`."""

    def __init__(self, numbered: bool) -> None:
        self.lock = threading.RLock()
        self._numbered = numbered
        self._last_number = 0
        self._resources: dict[str, dict[str, list[Stored]]] = {}
        self._log: list[Stored] = []
        self._index: dict[tuple[str, str, str], dict[str, None]] = {}
        self._undo: list[Callable[[], object]] = []
        self._fresh: list[Stored] = []
        self._depth = 0

    @contextmanager
    def transaction(self, committed: Callable[[list[Stored]], None]) -> Iterator[None]:
        """All or nothing; may be nested.

        `committed` gets what the outermost one wrote, once it holds.
        """
        with self.lock:
            self._depth += 1
            try:
                yield
            except BaseException:
                if self._depth == 1:
                    for step in reversed(self._undo):
                        step()
                    self._undo, self._fresh = [], []
                raise
            finally:
                self._depth -= 1
            if self._depth:
                return
            fresh, self._fresh, self._undo = self._fresh, [], []
        committed(fresh)

    def new_id(self) -> str:
        """An id that no resource has."""
        if not self._numbered:
            return str(uuid4())
        self._last_number += 1
        return str(self._last_number)

    def versions(self, kind: str, resource_id: str) -> list[Stored]:
        """Oldest first; empty for what never was."""
        return self._resources.get(kind, {}).get(resource_id, [])

    def current(self, kind: str, resource_id: str) -> Json | None:
        """The resource as it stands; None for a deleted or unknown one."""
        versions = self.versions(kind, resource_id)
        return versions[-1].resource if versions else None

    def all(self, kind: str) -> Iterator[Json]:
        """Every standing resource of the type, oldest first."""
        for versions in list(self._resources.get(kind, {}).values()):
            if versions and versions[-1].resource is not None:  # none: its creation was rolled back
                yield versions[-1].resource

    def indexed(self, kind: str, name: str, value: str) -> Iterator[Json]:
        """Find standing resources by identifier, subject or link.

        `identifier` is `system|value` or the bare value, `subject` and `link` are `Patient/id`.
        """
        for resource_id in list(self._index.get((kind, name, value), ())):
            resource = self.current(kind, resource_id)
            if resource is not None:
                yield resource

    def history(self, kind: str | None, resource_id: str | None = None) -> list[Stored]:
        """Newest first."""
        return [
            s for s in reversed(self._log) if kind in (None, s.kind) and resource_id in (None, s.id)
        ]

    def expunge(self, kind: str, resource_id: str) -> None:
        """Forget every version of the resource, as an administrator does."""
        with self.lock:
            self._resources.get(kind, {}).pop(resource_id, None)
            self._log = [s for s in self._log if (s.kind, s.id) != (kind, resource_id)]

    def backup(self) -> Callable[[], None]:
        """Return a function to put everything back as it is now."""
        with self.lock:
            kinds = self._resources.items()
            resources = {kind: {i: list(v) for i, v in ids.items()} for kind, ids in kinds}
            log, last_number = list(self._log), self._last_number

        def restore() -> None:
            with self.lock:
                self._resources, self._log = resources, log
                self._last_number = last_number

        return restore

    def write(self, kind: str, resource_id: str, resource: Json | None, method: str) -> Stored:
        """The next version; None deletes."""
        versions = self._resources.setdefault(kind, {}).setdefault(resource_id, [])
        before = versions[-1].resource if versions else None
        number, time = len(versions) + 1, instants.now()
        # Of a whole second nobody could tell whether the server writes fractions.
        time = time.replace(".000Z", ".001Z")
        if resource is not None:
            meta = {**resource.get("meta", {}), "versionId": str(number), "lastUpdated": time}
            resource = {**resource, "id": resource_id, "meta": meta}
        stored = Stored(kind, resource_id, number, time, method, resource, before)
        versions.append(stored)
        self._log.append(stored)
        self._undo += [versions.pop, self._log.pop]
        for name, value in _keys(resource):
            self._remember((kind, name, value), resource_id)
        self._fresh.append(stored)
        return stored

    def _remember(self, key: tuple[str, str, str], resource_id: str) -> None:
        ids = self._index.setdefault(
            key, {}
        )  # search checks each hit again, so what an older version said may stay
        if resource_id not in ids:
            ids[resource_id] = None
            self._undo.append(lambda: ids.pop(resource_id))


def _keys(resource: Json | None) -> Iterator[tuple[str, str]]:
    if resource is None:
        return
    identifiers = resource.get("identifier", [])
    for identifier in identifiers if isinstance(identifiers, list) else [identifiers]:
        value = identifier.get("value", "")
        yield "identifier", value
        yield "identifier", f"{identifier.get('system', '')}|{value}"
    if subject := subject_of(resource):
        yield "subject", own_place(subject)  # sekmet's searches pass over hosts
    for link in resource.get("link", []) if resource["resourceType"] == "Patient" else []:
        yield "link", own_place(link.get("other", {}).get("reference", ""))
