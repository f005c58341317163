"""JSON from strangers: duplicate keys, NaN, numbers beyond a double and deep nesting are refused (the usual parsers let them by)."""

import json
import math
from typing import Any

from shared.errors import InvalidInput

MAX_DEPTH = 60


def loads(body: bytes) -> Any:
    """The value in the bytes.

    Raises:
        InvalidInput: names the place or the rule, never the content.
    """
    if _depth(body) > MAX_DEPTH:
        raise InvalidInput(f"JSON nested deeper than {MAX_DEPTH}")
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"not JSON: line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"not UTF-8 at byte {error.start}") from None


def _depth(body: bytes) -> int:
    """How deep brackets nest, counting those in strings too: an upper bound, found without recursion."""
    depth = deepest = 0
    for byte in body:
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidInput("JSON with the same key twice in one object")
    return found


def _no_constant(_: str) -> float:
    raise InvalidInput("JSON with NaN or Infinity")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InvalidInput("JSON with a number beyond a double")
    return number
