"""The trace id: one from intake to the dead letter, in the header `traceparent`.

(W3C Trace Context 1, 3.2; CloudEvents' distributed tracing extension.)
"""

import re
import secrets
from typing import Final

from shared.events import Headers

FORM: Final = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def new_traceparent() -> str:
    """Write the header of a new trace.

    Its ids are random, so they say nothing about the patient.
    """
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def trace_id(headers: Headers) -> str:
    """Return the trace id of a record; `-` without a valid one.

    It goes into logs, so it must have the standard's form.
    """
    # Kafka allows a header without a value.
    found = FORM.fullmatch(dict(headers).get("traceparent") or b"")
    return found[1].decode() if found else "-"
