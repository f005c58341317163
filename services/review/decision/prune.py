"""Resources without their links to what was dropped (pure)."""

from typing import Any

from shared.json import Json
from shared.references import relative


def prune(resource: Json, lost: frozenset[str]) -> Json:
    """A copy without the list items that point to what was dropped.

    Results, activities, actions, entries.
    """
    return (
        {
            name: kept
            for name, value in resource.items()
            if (kept := _pruned(value, lost)) not in ([], {})
        }
        if lost
        else resource
    )


def _pruned(value: Any, lost: frozenset[str]) -> Any:
    if isinstance(value, list):
        kept = [_pruned(item, lost) for item in value if not _points(item, lost)]
        return [
            item
            for item, was in zip(kept, (i for i in value if not _points(i, lost)), strict=True)
            if not _emptied(was, item)
        ]
    if isinstance(value, dict):
        return {
            name: kept
            for name, item in value.items()
            if (kept := _pruned(item, lost)) not in ([], {})
        }
    return value


def _points(item: Any, lost: frozenset[str]) -> bool:
    """Tell whether an item is, or wraps, a reference to what was dropped."""
    if not isinstance(item, dict):
        return False
    targets = [
        item,
        *(item.get(name) for name in ("reference", "link", "resource", "valueReference")),
    ]
    return any(
        relative(t["reference"]) in lost
        for t in targets
        if isinstance(t, dict) and isinstance(t.get("reference"), str)
    )


def _emptied(was: Any, now: Any) -> bool:
    """A RequestGroup's action that lost every alternative offers nothing."""
    return isinstance(was, dict) and bool(was.get("action")) and not now.get("action")
