"""Read which replaced orders still stand after a signature."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.review.decision.exchange.entries import STOP
from services.review.decision.exchange.orders import Order, is_standing, orders_of
from services.review.result.result import Result
from shared.answers import Head
from shared.ehr.ahead import Question, searching
from shared.ehr.client import Ehr
from shared.json import Json
from shared.references import relative


@dataclass(frozen=True)
class Left:
    """An order that was replaced and still stands.

    Attributes:
        owner: whom the Task asks; empty: nobody by name.
        why: the Task's own words.
    """

    order: Order
    owner: str
    why: str


def left(ehr: Ehr, result: Result) -> Sequence[Left]:
    """List the orders that the Tasks of this decision ask to stop, while they stand."""
    if not result.of_kind("MedicationRequest") or not result.head.signed:
        return []
    ehr = result.at(ehr)
    tasks = [t for t in ehr.search("Task", _query(result.head)) if t.get("focus")]
    read = {id(t): ehr.read(ordered(t)) for t in tasks}
    still = [(t, order) for t in tasks if (order := read[id(t)]) and is_standing(order)]
    orders = orders_of(ehr, [order for _, order in still])
    return [_left(task, order) for (task, _), order in zip(still, orders, strict=True)]


def question(head: Head) -> Question:
    """Return the first question of `left`."""
    return searching("Task", _query(head))


def ordered(task: Json) -> str:
    """Return the order that such a Task asks to stop; empty where it names none."""
    return relative((task.get("focus") or {}).get("reference", ""))


def _query(head: Head) -> Mapping[str, str]:
    return {"identifier": f"{STOP}|{head.reference.split('/')[1]}"}


def _left(task: Json, order: Order) -> Left:
    owner = task.get("owner", {})
    named = owner.get("display") or ("a prescriber without a name" if owner else "")
    return Left(order, str(named), str(task.get("description", "")))
