"""The shape of a resource, decisive for a parse by `fhir.resources` (pure).

Two resources of one shape differ only in values that cannot make one valid and the other not, once
R4's own table (`structure`) has accepted both: text for text, a number for a number, a real date
for a real date. Where the very value counts (a URL, base64, a time of day, a date that no calendar
has), it is a part of the shape.
"""

import re
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, Final

from shared.json import Json

JUDGED_BY_VALUE: Final = frozenset({"url", "address", "endpoint", "data", "hash", "div"})
"""Names of elements of the types url, base64Binary and xhtml, in the resources that we write."""
DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\S*")
TIME_OF_DAY: Final = re.compile(r"\d\d:\d\d")


def shape_of(resource: Json) -> bytes:
    """Return the digest of the resource's shape."""
    return blake2b(_shape("", resource).encode(), digest_size=16).digest()


def _shape(name: str, node: Any) -> str:
    if isinstance(node, dict):
        return "{" + ",".join([f"{k}:{_shape(k, v)}" for k, v in node.items()]) + "}"
    if isinstance(node, list):
        # each item is valid or not by itself
        return "[" + ",".join(dict.fromkeys([_shape(name, item) for item in node])) + "]"
    if isinstance(node, str):
        return _text(name, node)
    return "null" if node is None else type(node).__name__


def _text(name: str, text: str) -> str:
    if name == "resourceType":
        return text
    by_value = name in JUDGED_BY_VALUE or TIME_OF_DAY.match(text) or not text.strip()
    return repr(text) if by_value or not _is_real(text) else "text"


def _is_real(text: str) -> bool:
    """Tell whether a text is Unicode, and a real date if it looks like one."""
    try:
        text.encode()  # half a surrogate pair is none
        if DATE.fullmatch(text):
            date.fromisoformat(text)
        elif MOMENT.fullmatch(text):
            datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
