"""An answer of a server, and its body as JSON."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import orjson

HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
"""Half a surrogate pair."""
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Response:
    """A complete answer.

    Attributes:
        headers: looked up in any case.
        content: the body, unpacked.
        parsed: the body, where it came as a part of another answer.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    parsed: object = None

    @property
    def is_success(self) -> bool:
        """Tell whether the server did the work."""
        return 200 <= self.status < 300

    @property
    def is_redirect(self) -> bool:
        """Tell whether the server points elsewhere."""
        return self.status in REDIRECTS


def json_or_none(response: Response) -> object:
    """Read the body; None for anything but JSON.

    Half a surrogate pair, legal in JSON and no Unicode, becomes U+FFFD: it is no reason to read
    nothing.
    """
    if response.parsed is not None:
        return response.parsed
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return _repaired(response.content) if HALF.search(response.content) else None


def _repaired(body: bytes) -> object:
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False)
        return orjson.loads(
            text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        )
    except (ValueError, RecursionError):
        # orjson's and json's errors are ValueErrors.
        return None


def retry_after(response: Response) -> float | None:
    """Return the seconds of `Retry-After` (RFC 9110 10.2.3: a number or a date)."""
    text = response.headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
