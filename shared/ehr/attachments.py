"""The bytes of an Attachment: inline, in a Binary, or at an allowed origin.

An attachment's URL was written by somebody else: it is followed to the EHR's base and to listed
origins only, never through a redirect, and the EHR's token goes to the EHR's base alone.
"""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import orjson

from shared.ehr.bases.value import Bases
from shared.ehr.http import FHIR_JSON, Rest, repeated
from shared.ehr.wire.connections import Limit, TooLarge, TransportError
from shared.ehr.wire.failures import failure
from shared.ehr.wire.response import Response
from shared.errors import FhirError, InvalidInput, NotYet, Unavailable

HASHES: Final = {20: "sha1", 32: "sha256"}
"""By length. R4 says SHA-1; SHA-256 is met, too."""
MEDIA_TYPE: Final = re.compile(r"[!-+\--:<-~]+(?:; *[!-+\--:<-~]+)*")
"""What a header may carry, without a comma: it would begin another type."""
ENVELOPE: Final = 65_536
"""Bytes of a FHIR JSON Binary beside its data, at most."""


def fetch(
    rest: Rest, allowed_origins: frozenset[str], attachment: Mapping[str, Any], max_bytes: int
) -> bytes:
    """Fetch the bytes; see `Ehr.attachment`."""
    if "data" in attachment:
        content = _decoded(attachment["data"], "data", max_bytes)
    elif "url" in attachment:
        url, content_type = str(attachment["url"]), str(attachment.get("contentType", ""))
        content = _download(rest, allowed_origins, url, content_type, max_bytes)
    else:
        raise InvalidInput("The attachment has neither data nor a URL.")
    _check(attachment, content)
    return content


def origin_of(url: str) -> str:
    """Return `scheme://host[:port]` of an http(s) URL, else an empty text.

    It is in lower case, without the scheme's default port.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, default) else "")


def _download(
    rest: Rest, allowed_origins: frozenset[str], url: str, content_type: str, max_bytes: int
) -> bytes:
    place = place_of(url, rest.bases.now, allowed_origins)
    if place is None and origin_of(url):
        # on none of the bases that we know: the EHR may know it for one of its own
        place = place_of(url, rest.bases.learned(), allowed_origins)
    if place is None:
        raise InvalidInput("The attachment's URL names an origin that is not allowed.")

    return _stream(rest, place.url, content_type, max_bytes, ours=place.ours)


@dataclass(frozen=True)
class Place:
    """Where an attachment is fetched.

    Attributes:
        ours: beneath the EHR's base that was set, the only one that gets our token.
    """

    url: str
    ours: bool


def place_of(url: str, bases: Bases, allowed_origins: frozenset[str]) -> Place | None:
    """Choose the place to fetch an attachment's URL from; None: nowhere.

    What is on any of the EHR's bases is fetched on the one that was set.

    Raises:
        InvalidInput: it is malformed, or leaves its server's path.
    """
    try:
        path = urlsplit(url).path
    except ValueError:
        raise InvalidInput("The attachment's URL is malformed.") from None

    if not url.isprintable():
        raise InvalidInput("The attachment's URL is malformed.")
    if ".." in path or "%2e" in path.lower() or "\\" in url:
        raise InvalidInput("The attachment's URL leaves its server's path.")
    if (below := bases.beneath(url)) is not None:
        _require_file(below)
        return Place(f"{bases.own}/{below}", ours=True)
    if (origin := origin_of(url)) and origin in {origin_of(o) for o in allowed_origins}:
        return Place(url, ours=False)
    return None


def _require_file(below: str) -> None:
    """Require a path like `Binary/1` beneath the base.

    With our token, an operation, a search or a history would bring other people's data.
    """
    steps = [step for step in unquote(below.split("?", maxsplit=1)[0]).split("/") if step]
    plain = steps[:-2] if steps[-2:-1] == ["_history"] else steps
    if len(plain) < 2 or any(step.startswith(("$", "_", ".")) for step in plain):
        raise InvalidInput("The attachment's URL names no file.")


def _stream(rest: Rest, url: str, content_type: str, max_bytes: int, *, ours: bool) -> bytes:
    dependency = "ehr" if ours else "url"
    wanted = content_type if MEDIA_TYPE.fullmatch(content_type) else None
    accept = ", ".join(filter(None, (wanted, f"{FHIR_JSON};q=0.9", "*/*;q=0.1"))) if ours else "*/*"
    headers = {"Accept": accept, "Cache-Control": "no-cache"}
    rest.announce("GET", url)

    def attempt() -> Response:
        try:
            response = rest.once(
                "GET", url, headers, timeout_sec=rest.timeout_sec, limit=_limit(max_bytes)
            )
        except TransportError as error:
            raise Unavailable(dependency, str(error), fleeting=True) from error
        except TooLarge:
            raise _too_large(max_bytes) from None
        _expect_success(response, dependency, forwarded=rest.forwarded)
        return response

    return _body(repeated(attempt, time.monotonic() + rest.timeout_sec), max_bytes)


def _expect_success(response: Response, dependency: str, *, forwarded: bool) -> None:
    status = response.status
    if response.is_success:
        return
    if status in (404, 410):
        raise NotYet("the attachment's Binary is not there")
    if response.is_redirect:
        raise InvalidInput("The attachment's URL redirects elsewhere.")
    # A 401 of another origin says nothing about our credentials at the EHR.
    caller = forwarded or dependency != "ehr"
    error = failure(response, "GET attachment", safe=True, forwarded=caller)
    if dependency == "ehr":
        raise error
    if isinstance(error, Unavailable):
        raise Unavailable(
            "url", str(status), error.retry_after_sec, fleeting=error.fleeting, cause=error.cause
        )
    if not isinstance(error, FhirError) or error.may_pass:
        raise NotYet(f"the attachment's server answers {status}")
    raise InvalidInput(f"The attachment's server answered {status}.")


def _limit(max_bytes: int) -> Limit:
    return lambda headers: max_bytes * 4 // 3 + ENVELOPE if _is_wrapped(headers) else max_bytes


def _is_wrapped(headers: Mapping[str, str]) -> bool:
    return "json" in headers.get("Content-Type", "")


def _body(response: Response, max_bytes: int) -> bytes:
    """Return the raw bytes, or the `data` of a FHIR JSON Binary.

    Servers choose between the two, whatever the Accept header prefers.
    """
    if _is_wrapped(response.headers):
        try:
            binary = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            binary = None
        if isinstance(binary, dict) and binary.get("resourceType") == "Binary":
            return _decoded(binary.get("data", ""), "Binary.data", max_bytes)
    if len(response.content) > max_bytes:
        raise _too_large(max_bytes)
    return response.content


def _decoded(data: object, place: str, max_bytes: int) -> bytes:
    if not isinstance(data, str):
        raise InvalidInput(f"The attachment's {place} is not base64.")
    if len(data) * 3 // 4 > max_bytes + 3 + data.count("\n"):
        raise _too_large(max_bytes)
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(f"The attachment's {place} is not base64.") from None
    if len(content) > max_bytes:
        raise _too_large(max_bytes)
    return content


def _too_large(max_bytes: int) -> InvalidInput:
    return InvalidInput(f"The attachment is larger than {max_bytes} bytes.")


def _check(attachment: Mapping[str, Any], content: bytes) -> None:
    """Compare size and hash with the content (R4 2.24.0.6).

    `size` is in bytes before base64, `hash` the base64 of the SHA-1.
    """
    size = attachment.get("size")
    if size is not None and size != len(content):
        raise InvalidInput("The attachment's size differs from what it says.")
    if (text := attachment.get("hash")) is None:
        return
    try:
        digest = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("The attachment's hash is not base64.") from None

    name = HASHES.get(len(digest))
    own = hashlib.new(name, content, usedforsecurity=False).digest() if name else None
    if own is None or not hmac.compare_digest(own, digest):
        raise InvalidInput("The attachment's hash differs from its content.")
