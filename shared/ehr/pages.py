"""Answers of several pages: searches and histories."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from shared.ehr import responses
from shared.ehr.http import Query, Rest
from shared.json import Json
from shared.references import has_identifier, subject_of, type_of

Params = Mapping[str, str | Sequence[str]]

# Some servers answer the same search from a cache for a minute.
NO_CACHE: Final = {"Cache-Control": "no-cache"}
PAGE: Final = "200"
# These may carry files inline, and a page must fit into memory.
HISTORY_PAGE: Final = {"DocumentReference": "25", "DiagnosticReport": "50"}


def query_of(params: Params) -> Query:
    """Return the pairs of a query; a parameter may have several values."""
    return [
        (name, value)
        for name, values in params.items()
        for value in ([values] if isinstance(values, str) else values)
    ]


def search_params(params: Params) -> Params:
    """Return the parameters of a search with the size of its pages."""
    return {"_count": PAGE, **params}


def is_wanted(resource: Json, params: Params, subject: str | None) -> bool:
    """Tell whether a hit has the subject and the `identifier=system|value` asked for."""
    if subject is not None and subject_of(resource) != subject:
        return False

    wanted = params.get("identifier")
    if not isinstance(wanted, str) or "|" not in wanted or "," in wanted:
        return True
    system, _, value = wanted.partition("|")
    return has_identifier(resource, system, value)


def get(rest: Rest, url: str, params: Params | None = None) -> Json:
    """GET a resource without cache."""
    response = rest.send("GET", url, params=query_of(params or {}) or None, headers=NO_CACHE)
    request = f"GET {url.split('?', maxsplit=1)[0]}"
    return rest.resource(response, request, "" if ":" in url else type_of(url))


def pages(rest: Rest, url: str, params: Params, since: str | None = None) -> Iterator[Json]:
    """Yield the Bundle at the URL and the Bundles of its next links.

    It ends at a link that was followed before.

    Args:
        since: an instant that each next link must carry.
    """
    kind = type_of(url)
    bundle = responses.bundle_of(get(rest, url, params))
    followed: set[str] = set()
    while True:
        yield bundle

        link = responses.next_link(bundle)
        if link is None or link in followed:
            return

        followed.add(link)
        place = responses.onto(rest.base, link, kind)
        place = place if since is None else responses.with_since(place, since)
        bundle = responses.bundle_of(get(rest, place))
