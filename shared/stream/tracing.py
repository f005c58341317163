"""One trace id from intake to the dead letter, by the header `traceparent` (W3C Trace Context 1,
3.2; CloudEvents' distributed tracing extension).
"""

import re
import secrets
from typing import Final

from shared.events import Headers

FORM: Final = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def new_traceparent() -> str:
    """The header of a trace that begins here: ids at random, so that they say nothing of whom the
    event is about.
    """
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def trace_id(headers: Headers) -> str:
    """The trace id of a record; `-` where it has none, or none of the standard's form: it goes into
    logs, so nothing else may.
    """
    found = FORM.fullmatch(
        dict(headers).get("traceparent") or b""
    )  # Kafka allows a header without a value
    return found[1].decode() if found else "-"
