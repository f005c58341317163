"""Bases: the base URLs of one EHR (pure).

They are compared in the normal form of RFC 3986 6.2: host in lower case, no default port, nothing
percent-encoded that need not be, no trailing slash. `http` and `https` of one base are the same.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal, get_args
from urllib.parse import parse_qsl, urlsplit

from shared.errors import Misconfigured

Source = Literal[
    "CARELOOP_FHIR_URL", "CARELOOP_FHIR_ALIASES", "CapabilityStatement.implementation", "self links"
]
"""Who says that a base is this EHR's, the surest first."""
SUREST: Final = get_args(Source)
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
UNFIT: Final = re.compile(r"[\x00-\x1f\x7f\\]")
"""Characters that URL parsers read in different ways."""
NO_BASE: Final = re.compile(r"[?#\s]|/metadata/*$")
UNRESERVED: Final = re.compile(r"%(2[dDeE]|3\d|4[1-9a-fA-F]|5[\daAfF]|6[1-9a-fA-F]|7[\daAeE])")
"""What need not be percent-encoded (RFC 3986 2.3)."""
ON_A_BASE: Final = re.compile(
    r"(?P<base>[^/]+(?:/.*?)??)/+"
    r"(?P<place>[A-Z][A-Za-z]{1,63}/[^\s/?#%\\]+(?:/_history/[^\s/?#%\\]+)?)"
)


@dataclass(frozen=True)
class Bases:
    """The bases of one EHR.

    Attributes:
        own: the base that we ask, as it was set, without a trailing slash.
        sources: each base in normal form -> who says that it is this EHR's.
    """

    own: str
    sources: Mapping[str, Source]

    def plus(self, base: str, source: Source) -> "Bases":
        """Return them with one more; the surest source of each stays."""
        name = normal(base)
        known = self.sources.get(name)
        if not name or (known and SUREST.index(known) <= SUREST.index(source)):
            return self
        return replace(self, sources={**self.sources, name: source})

    def local(self, reference: str) -> str | None:
        """Return `Type/id[/_history/version]` of a reference on these bases; else None."""
        found = self._placed(reference)
        return found["place"] if found and found["base"].rstrip("/") in self.sources else None

    def is_elsewhere(self, reference: str) -> bool:
        """Tell whether it leads to a resource on none of these bases."""
        found = self._placed(reference)
        return found is not None and found["base"].rstrip("/") not in self.sources

    def beneath(self, url: str) -> str | None:
        """Return a URL's rest after one of the bases, its query too; else None.

        A path without host goes on from our base, or from its host where it repeats our path.
        """
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        if not parts.scheme and not parts.netloc:
            path = parts.path.removeprefix(f"{self._path}/") if self._path else parts.path
            return path.lstrip("/") + query

        place = normal(self._with_host(url))
        on = [base for base in self.sources if place.startswith(f"{base}/")]
        return place[len(max(on, key=len)) + 1 :] + query if on else None

    def _placed(self, reference: str) -> re.Match[str] | None:
        if "?" in reference or "#" in reference:
            return None
        return ON_A_BASE.fullmatch(normal(self._with_host(reference)))

    def _with_host(self, url: str) -> str:
        if url.startswith("//"):
            return f"{urlsplit(self.own).scheme}:{url}"
        return f"{self.own.removesuffix(self._path)}{url}" if url.startswith("/") else url

    @cached_property
    def _path(self) -> str:
        return urlsplit(self.own).path


def bases_of(own: str) -> Bases:
    """Begin with the configured base."""
    return Bases(own, {}).plus(own, "CARELOOP_FHIR_URL")


def aliases_of(listed: str) -> tuple[str, ...]:
    """Split the setting CARELOOP_FHIR_ALIASES.

    Raises:
        Misconfigured: one is no base URL.
    """
    aliases = tuple(alias for part in listed.split(",") if (alias := part.strip()))
    if not all(map(_is_base, aliases)):
        raise Misconfigured(
            "CARELOOP_FHIR_ALIASES: set base URLs with commas between them, http or https, without "
            "user, query, blanks and `/metadata`"
        )
    return aliases


def _is_base(url: str) -> bool:
    return bool(normal(url)) and not NO_BASE.search(url)


def normal(url: str) -> str:
    """Return `host[:port]/path` of an http(s) URL in normal form, without query.

    Empty for any other URL, for one with a user, and for one with `.` or `..` in its path.
    """
    if UNFIT.search(url):
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.username is not None:
        return ""

    path = UNRESERVED.sub(lambda found: chr(int(found[1], 16)), parts.path).rstrip("/")
    if not {".", ".."}.isdisjoint(path.split("/")):
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{host}{shown}{path}"


def self_base(bundle: Mapping[str, object], kind: str) -> str | None:
    """Return the base in the self link of a search or history of this type.

    None where the link has no host, or where the base can't be told from it.
    """
    links = bundle.get("link")
    found = links if isinstance(links, list) else []
    url = next((x.get("url") for x in found if isinstance(x, dict) and _is_self(x)), None)
    if not isinstance(url, str) or not normal(url):
        return None

    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix("/_history").removesuffix("/_search")
    if path.endswith(f"/{kind}"):
        path = path.removesuffix(f"/{kind}")
    # HAPI: a page of a stored result is on the base itself
    elif "_getpages" not in dict(parse_qsl(parts.query)) or kind in path.split("/"):
        return None
    return f"{parts.scheme}://{parts.netloc}{path}"


def _is_self(link: Mapping[str, object]) -> bool:
    return link.get("relation") == "self"
