"""Questions asked ahead, in one batch.

The answers wait until the code that needs them asks. Each is given once, so whoever asks
again hears what stands then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from shared.ehr.http import Query, Rest
from shared.ehr.pages import NO_CACHE, Params, query_of, search_params
from shared.ehr.responses import bundle_of
from shared.ehr.wire.response import Response
from shared.errors import Unavailable
from shared.json import Json
from shared.references import relative

MOST: Final = 100
"""Questions in one batch."""


@dataclass(frozen=True)
class Question:
    """A GET to come.

    Attributes:
        place: the path on the base: `Task/7`, `Consent`.
        params: its parameters, in order.
    """

    place: str
    params: Query = ()

    @property
    def url(self) -> str:
        """Return the URL, relative to the base."""
        return f"{self.place}?{urlencode(self.params)}" if self.params else self.place


def reading(reference: str) -> Question:
    """Return the question of `Ehr.read`."""
    return Question(relative(reference))


def searching(kind: str, params: Params) -> Question:
    """Return the question of the first page of `Ehr.search`."""
    return Question(kind, tuple(query_of(search_params(params))))


def answers(rest: Rest, questions: Sequence[Question]) -> Mapping[str, Response]:
    """Ask the questions, and return the answers by URL.

    Raises:
        Unavailable: the EHR does not answer, or not each of them.
        FhirError: it refuses the batch.
    """
    found: dict[str, Response] = {}
    for start in range(0, len(questions), MOST):
        asked = questions[start : start + MOST]
        found |= zip([q.url for q in asked], _asked(rest, asked), strict=True)
    return found


def _asked(rest: Rest, questions: Sequence[Question]) -> list[Response]:
    for question in questions:
        rest.announce("GET", f"{rest.base}/{question.place}")
    entries = [{"request": {"method": "GET", "url": q.url}} for q in questions]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    response = rest.send("POST", "", body=batch, headers=NO_CACHE, safe=True)

    answered: list[Json] = bundle_of(rest.resource(response, "a batch")).get("entry", [])
    if len(answered) != len(questions):
        raise Unavailable("ehr", "a batch was not answered question by question")
    return [_response(entry) for entry in answered]


def _response(entry: Json) -> Response:
    """Read an entry as the answer to its question alone."""
    answer = entry.get("response", {})
    status = str(answer.get("status", ""))[:3]
    if not status.isdigit():
        raise Unavailable("ehr", "an entry of a batch has no status")
    return Response(int(status), parsed=entry.get("resource") or answer.get("outcome"))
