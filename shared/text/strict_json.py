"""JSON from strangers.

Duplicate keys, NaN, numbers beyond what travels, half characters and deep nesting are refused (the
usual parsers let them pass).
"""

import json
import math
import re
from typing import Any, Final

import orjson

from shared.errors import InvalidInput

MAX_DEPTH: Final = 60
MAX_DIGITS: Final = 19
"""Of an integer of 64 bits."""
BRACKETS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|([\[{])|([\]}])', re.DOTALL)
"""Strings are skipped."""
SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def loads(body: bytes) -> Any:
    """Read the value in the bytes: UTF-8, with or without a byte order mark.

    Raises:
        InvalidInput: names the place or the rule, never the content.
    """
    if _depth(body) > MAX_DEPTH:
        raise InvalidInput(f"JSON nested deeper than {MAX_DEPTH}")
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise InvalidInput(f"not JSON: line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise InvalidInput(f"not UTF-8 at byte {error.start}") from None
    if SURROGATE.search(body):
        _refuse_half_characters(value)
    return value


def _depth(body: bytes) -> int:
    """Measure the depth of nested brackets, without recursion.

    Where a string never ends the parser stops, whatever is counted after it.
    """
    depth = deepest = 0
    for found in BRACKETS.finditer(body):
        if found[1]:
            depth += 1
            deepest = max(deepest, depth)
        elif found[2]:
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


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > MAX_DIGITS or not -(2**63) <= int(text) < 2**63:
        raise InvalidInput("JSON with an integer beyond 64 bits")
    return int(text)


def _refuse_half_characters(value: Any) -> None:
    """Refuse half a surrogate pair: legal JSON, but no Unicode to write again."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise InvalidInput("JSON with half a surrogate pair") from None
