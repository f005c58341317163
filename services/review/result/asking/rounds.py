"""Ask the EHR in few requests for all that a page needs.

One answer leads to the next question: a plan names what it rests on. So it goes by rounds, and each
round is one batch. What is not asked ahead is asked later, one by one: that is slower, and as true.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from shared.ehr.ahead import Question
from shared.ehr.client import Ehr
from shared.errors import CareloopError
from shared.json import Json

MOST: Final = 4
"""Rounds: a chain of merged records, and the drugs of the orders at its end."""
Needs = Callable[[Sequence[Json]], Iterable[Question]]
"""What was found so far -> every question that it leads to, the first ones among them."""


def ask_ahead(ehr: Ehr, needs: Needs) -> None:
    """Ask round by round, until nothing new is needed.

    Args:
        ehr: one that keeps the answers, see `Ehr.remembering`.

    Raises:
        Unavailable: the EHR does not answer.
    """
    asked: dict[Question, None] = {}
    found: list[Json] = []
    for _ in range(MOST):
        new = dict.fromkeys(q for q in needs(found) if q not in asked)
        if not new:
            return
        ehr.ahead(list(new))
        asked |= new
        found = [resource for question in asked for resource in _held(ehr, question)]


def _held(ehr: Ehr, question: Question) -> Sequence[Json]:
    """Return what an answer holds; of a malformed one nothing: its own reader says so."""
    try:
        return ehr.remembered(question)
    except CareloopError:
        return ()
