"""The sentences of a plan on which orders the rules compared (pure)."""

from collections.abc import Iterable
from typing import Final

from services.treatment.domain import Inputs, Medication
from services.treatment.findings import Findings
from services.treatment.plan import bounds

MOST_NAME: Final = 80  # characters of an order's name
NAMELESS: Final = "an order without a name"


def checked(inputs: Inputs, findings: Findings) -> str:
    """Tell how many active orders were compared, and name the others."""
    theirs = sum(m.ordered for m in inputs.medications)
    orders = theirs + len(inputs.signed)
    if not orders:
        return "No active order was found."

    sentences = [f"Compared: {theirs - len(findings.unknown)} of {orders} active orders."]
    if findings.unknown:
        unknown = _named(findings.unknown)
        sentences.append(f"Not known to the rules, so not checked: {unknown}.")
    if inputs.signed:
        signed = _named(inputs.signed)
        sentences.append(f"Not checked: {signed}, ordered by a signed plan of careloop.")
    return " ".join(sentences)


def _named(orders: Iterable[Medication]) -> str:
    names = list(dict.fromkeys(_name(order) for order in orders))
    rest = len(names) - bounds.MOST_UNKNOWN
    more = f" and {rest} more" if rest > 0 else ""
    return f"{', '.join(names[: bounds.MOST_UNKNOWN])}{more}"


def _name(order: Medication) -> str:
    return bounds.clipped(order.text.split("; ")[0].strip().rstrip("."), MOST_NAME) or NAMELESS
