"""Questions asked ahead, in one batch.

The answers wait until the code that needs them asks. Each is given once, so whoever asks
again hears what stands then.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from shared.ehr.http import Query, Rest
from shared.ehr.pages import NO_CACHE, Params, query_of, search_params
from shared.ehr.responses import bundle_of, matches
from shared.ehr.wire.batch import holds, misfit, of_entry
from shared.ehr.wire.response import Response
from shared.errors import CareloopError, Conflict, FhirError, Unavailable
from shared.json import Json
from shared.references import ONE_STEP, relative, type_of

log = logging.getLogger(__name__)
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

    @property
    def is_search(self) -> bool:
        """Tell a search from a read."""
        return bool(self.params)


def reading(reference: str) -> Question:
    """Return the question of `Ehr.read`."""
    return Question(relative(reference))


def searching(kind: str, params: Params) -> Question:
    """Return the question of the first page of `Ehr.search`."""
    return Question(kind, tuple(query_of(search_params(params))))


def unasked(rest: Rest, questions: Sequence[Question]) -> list[Question]:
    """Return the questions to ask, each once.

    What is no place of this EHR is asked nowhere, see `Ehr.look_up`.
    """
    askable = (q for q in dict.fromkeys(questions) if q.is_search or ONE_STEP.fullmatch(q.place))
    return [q for q in askable if rest.remembered(q.url) is None]


def remembered(rest: Rest, question: Question) -> list[Json]:
    """Return what the kept answer holds: the resource, or the first page of hits.

    Nothing where there is no such answer, or where it says that there is nothing.
    """
    answer = rest.remembered(question.url)
    if answer is None or not answer.is_success:
        return []
    body = rest.resource(answer, f"GET {question.place}", type_of(question.place))
    return list(matches(body, question.place)) if question.is_search else [body]


def knowing(rest: Rest, questions: Sequence[Question]) -> Rest:
    """Return the same with the answers; without any where the batch is refused.

    Raises:
        Unavailable: the EHR does not answer.
    """
    try:
        return rest.knowing(answers(rest, questions))
    except CareloopError as error:
        if not is_refused(error):
            raise
        if not rest.refused_batch.is_set():
            rest.refused_batch.set()
            log.warning("a batch is refused, so its questions go one by one: %s", error)
        return rest


def answers(rest: Rest, questions: Sequence[Question]) -> Mapping[str, Response]:
    """Ask the questions, and return the answers by URL.

    A question is left out, to be asked alone, where the batch may be to blame for its answer.

    Raises:
        CareloopError: the EHR does not answer, or refuses (see `is_refused`).
    """
    found: dict[str, Response] = {}
    for start in range(0, len(questions), MOST):
        asked = questions[start : start + MOST]
        answered = zip(asked, _asked(rest, asked), strict=True)
        found |= {q.url: a for q, a in answered if holds(a, is_search=q.is_search)}
    return found


def is_refused(error: CareloopError) -> bool:
    """Tell whether an error is about the batch, and not about the EHR."""
    if isinstance(error, Unavailable):
        return error.cause in ("shape", "500")
    return isinstance(error, FhirError | Conflict)


def _asked(rest: Rest, questions: Sequence[Question]) -> list[Response]:
    for question in questions:
        rest.announce("GET", f"{rest.base}/{question.place}")
    entries = [{"request": {"method": "GET", "url": q.url}} for q in questions]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    response = rest.send("POST", "", body=batch, headers=NO_CACHE, safe=True)

    answered: list[Json] = bundle_of(rest.resource(response, "a batch")).get("entry", [])
    if len(answered) != len(questions):
        raise misfit("not answered question by question")
    return [
        of_entry(entry, q.place, is_search=q.is_search)
        for q, entry in zip(questions, answered, strict=True)
    ]
