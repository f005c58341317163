"""Merge one request's changes into a session that others changed, too (pure).

Each key has a rule, of three values: what is kept now, what the request found, and what it leaves.
None stands for a key that is not there.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Rule = Callable[[Any, Any, Any], Any]
AT: Final = "at"
"""When somebody did it, in seconds since the epoch: see `latest`."""


def merged(
    kept: Mapping[str, Any],
    found: Mapping[str, Any],
    left: Mapping[str, Any],
    rules: Mapping[str, Rule],
) -> dict[str, Any]:
    """Return what is kept, with the changes of the request.

    Keys without a rule follow `replaced`.
    """
    values = dict(kept)
    for key in dict.fromkeys([*found, *left]):
        before, after = found.get(key), left.get(key)
        if before != after:
            values[key] = rules.get(key, replaced)(kept.get(key), before, after)
    return {key: value for key, value in values.items() if value is not None}


def replaced(kept: Any, found: Any, left: Any) -> Any:
    """Take the new value; take a value away only as it was found."""
    return kept if left is None and kept != found else left


def latest(kept: Any, _found: Any, left: Any) -> Any:
    """Take what was begun last, whichever request was slower.

    Such a value is never removed.
    """
    if not kept or not left:
        return left or kept
    return max((kept, left), key=lambda value: float(value.get(AT, 0.0)))


def entries(kept: Any, found: Any, left: Any) -> dict[str, Any]:
    """Add and remove entries of a mapping; of two that were added, the first stays."""
    kept, found, left = kept or {}, found or {}, left or {}
    stays = {key: value for key, value in kept.items() if key in left or key not in found}
    added = {key: value for key, value in left.items() if key not in found and key not in kept}
    return stays | added


def items(kept: Any, found: Any, left: Any) -> list[Any] | None:
    """Append items to a list, or take away those that were found; no other is lost."""
    kept, found, left = list(kept or ()), list(found or ()), list(left or ())
    if left[: len(found)] == found:
        return [*kept, *left[len(found) :]]
    others = kept[len(found) :] if kept[: len(found)] == found else kept
    return [*others, *left] or None
