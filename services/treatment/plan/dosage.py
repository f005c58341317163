"""A proposed dose as FHIR (pure)."""

from fractions import Fraction
from typing import Final

from services.treatment.domain import Dose
from services.treatment.findings import Proposal
from shared.fhir import codes
from shared.json import Json

MOST_DAYS: Final = 90  # of a dosing interval
ORAL: Final = codes.concept(codes.SNOMED, "26643006", "Oral route")


def dosage(proposal: Proposal) -> Json:
    """Write the dosageInstruction of a proposal; what is not known is left out."""
    written: Json = {"text": proposal.text}
    if proposal.dose and proposal.dose.per_day:
        written["timing"] = {"repeat": _repeat(proposal.dose.per_day)}
    if proposal.route:
        written["route"] = ORAL if proposal.route == "oral" else {"text": proposal.route}
    if proposal.dose:
        written["doseAndRate"] = [_amount(proposal.dose)]

    return written


def _repeat(per_day: float) -> Json:
    """Write `frequency` times in `period` days, both whole numbers.

    Three times in two days is neither once nor twice a day.
    """
    times = Fraction(per_day).limit_denominator(MOST_DAYS)
    return {"frequency": times.numerator, "period": times.denominator, "periodUnit": "d"}


def _amount(dose: Dose) -> Json:
    low = codes.quantity(_number(dose.low), dose.unit)
    high = codes.quantity(_number(dose.high), dose.unit)
    if dose.low == dose.high:
        return {"doseQuantity": high}

    return {"doseRange": {"low": low, "high": high}}


def _number(value: float) -> float:
    """Write a whole number as one: 90, not 90.0.

    The decimal would claim a precision.
    """
    return int(value) if float(value).is_integer() else value
