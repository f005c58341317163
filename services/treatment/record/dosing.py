"""How much of a drug and how often, from an order's dosageInstruction (pure).

What is not one clear dose is not known: never a guess. A dose that is read too low hides an alert,
one that is read too often becomes a proposal that is too high. So a weekly dose, a taper, several
amounts a day or a count that may or may not be in the amount already give None, and the rules say
that the dose is not known.
"""

import re
from collections.abc import Sequence
from typing import Final

from services.treatment.domain import Dose
from shared.fhir import codes
from shared.json import Json

MASS: Final = {
    "mg": 1.0,
    "g": 1000.0,
    "ug": 0.001,
    "mcg": 0.001,
    "\u00b5g": 0.001,
    "\u03bcg": 0.001,
    "mg/m2": 1.0,
    "mg/kg": 1.0,
}
# 1,500 is a thousand and a half; 2,5 and 0,125 have a decimal comma
MASS_IN_TEXT: Final = re.compile(
    r"(?<![\d.,])([1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)\s*(mg|mcg|ug|\u00b5g|\u03bcg|g)\b(?!\s*/)",
    re.IGNORECASE,
)
COUNTED: Final = re.compile(r"tab|cap|pill", re.IGNORECASE)
COUNT_IN_TEXT: Final = re.compile(
    r"(?<![\d.,/])(\d+(?:\.\d+)?|half|one|two|three|four)\s+(?:a\s+)?(?:tab|cap|pill)",
    re.IGNORECASE,
)
MULTIPLE: Final = re.compile(r"\d\s*[x\u00d7]\s*\d", re.IGNORECASE)  # 2 x 40 mg
NUMBERS: Final = {"half": 0.5, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0}
AN_AMOUNT: Final = re.compile(r"\d|\b(half|one|two|three|four)\b", re.IGNORECASE)
DAYS: Final = {"h": 1 / 24, "d": 1.0, "wk": 7.0, "mo": 30.0}
HOURS: Final = re.compile(r"\b(?:q|every)\s*(\d+)\s*(?:h|hrs?|hours?|hourly)\b", re.IGNORECASE)
OFTEN: Final = (
    (re.compile(r"\b(twice|two times|2 times|bid|b\.i\.d\.)", re.IGNORECASE), 2.0),
    (re.compile(r"\b(three times|thrice|3 times|tid|t\.i\.d\.)", re.IGNORECASE), 3.0),
    (re.compile(r"\b(four times|4 times|qid|q\.i\.d\.)", re.IGNORECASE), 4.0),
)
ONCE: Final = re.compile(
    r"\b(once|daily|every day|a day|per day|qd|(every|in the) (morning|evening|night)|at "
    r"(bedtime|night)|nightly)\b",
    re.IGNORECASE,
)
MOMENTS: Final = re.compile(
    r"\b(morning|breakfast|noon|midday|lunch|evening|dinner|supper|bedtime|night)", re.IGNORECASE
)
NOT_EVERY_DAY: Final = re.compile(
    r"weekly|fortnight|monthly|alternat|\bqod\b|\bdays?\s+\d"
    r"|\b(?:a|per|each|every)\s+(?:(?:other|second|third|\d+|two|three|four|six)\s+)?(?:weeks?|months?|cycles?)\b"
    r"|\b(?:every|each)\s+(?:other|second|third|\d+|two|three|four)\s+(?:days?|mornings?|evenings?|nights?)\b"
    r"|/\s*(?:wk|week)|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b",
    re.IGNORECASE,
)


def dose_of(instructions: Sequence[Json], product: str = "") -> Dose | None:
    """Read the dose of an order.

    None where several instructions name an amount: a taper, or one in the morning and another at
    night.
    """
    with_amount = [
        i for i in instructions if i.get("doseAndRate") or AN_AMOUNT.search(i.get("text", ""))
    ]
    if len(with_amount) > 1:
        return None

    return dose(next(iter(with_amount or instructions), {}), product)


def dose(instruction: Json, product: str = "") -> Dose | None:
    """Read the dose of a dosageInstruction.

    It is coded, else a count of tablets times the strength in the product's name, else in its text.
    """
    per_day = times_a_day(instruction)
    for amount in instruction.get("doseAndRate", []):
        if found := _coded(amount, product, per_day):
            return found
    return _in_words(instruction.get("text", ""), product, per_day)


def times_a_day(instruction: Json) -> float | None:
    """Read how often a day, at most: from timing.repeat, else from code and text.

    None where neither says.
    """
    timing: Json = instruction.get("timing", {})
    repeat: Json = timing.get("repeat", {})
    if repeat.get("dayOfWeek"):
        return None

    moments = len(repeat.get("timeOfDay") or repeat.get("when") or ())
    days = float(repeat.get("period") or 0) * DAYS.get(repeat.get("periodUnit", ""), 0.0)
    if days:
        return float(repeat.get("frequencyMax") or repeat.get("frequency") or moments or 1) / days
    if moments:
        return float(moments)

    code = timing.get("code", {})
    texts = (
        instruction.get("text"),
        code.get("text"),
        *(t for c in codes.codings(code) for t in (c.get("code"), c.get("display"))),
    )
    return _often(" ".join(str(t) for t in texts if t))


def _often(text: str) -> float | None:
    if NOT_EVERY_DAY.search(text):
        return None
    if hours := HOURS.search(text):
        return 24 / int(hours[1]) if int(hours[1]) else None

    several = next((n for pattern, n in OFTEN if pattern.search(text)), None)
    if several:
        return several

    moments = {m.lower() for m in MOMENTS.findall(text)}
    return 1.0 if ONCE.search(text) and len(moments) < 2 else None


def _coded(amount: Json, product: str, per_day: float | None) -> Dose | None:
    low, high = _amounts(amount)
    unit = _unit(high)
    if "value" not in high:
        return None

    if unit in MASS:
        factor, base = MASS[unit], unit if "/" in unit else "mg"
        least = low["value"] if "value" in low and _unit(low) == unit else high["value"]
        return Dose(float(least) * factor, float(high["value"]) * factor, base, per_day)

    strength = _mass(product)
    if strength and COUNTED.search(f"{unit} {high.get('unit', '')}"):
        counted = strength * float(high["value"])
        return Dose(counted, counted, "mg", per_day)

    return None


def _in_words(text: str, product: str, per_day: float | None) -> Dose | None:
    """Read the amount in a text, or its count of tablets of the product.

    An amount and a count of several are two readings: None.
    """
    counts = {NUMBERS.get(n.lower()) or float(n) for n in COUNT_IN_TEXT.findall(text)}
    named, strength = _mass(text), _mass(product)
    if MULTIPLE.search(text) or len(counts) > 1 or (named and counts - {1.0}):
        return None

    if named is None and not MASS_IN_TEXT.search(text) and strength and counts:
        named = strength * counts.pop()

    # 20 mg in the morning and 20 mg at night
    several = len(MASS_IN_TEXT.findall(text)) > 1
    return Dose(named, named, "mg", None if several else per_day) if named else None


def _amounts(amount: Json) -> tuple[Json, Json]:
    if "doseRange" in amount:
        limits = amount["doseRange"]
        return limits.get("low", {}), limits.get("high", limits.get("low", {}))
    quantity = amount.get("doseQuantity", {})
    return quantity, quantity


def _unit(quantity: Json) -> str:
    """Read the UCUM code, else the unit as written.

    There `MG` is no megagram.
    """
    return str(quantity.get("code") or str(quantity.get("unit", "")).lower())


def _mass(text: str) -> float | None:
    """Read the milligrams of the one strength in a text; None for none or for several."""
    found = {_number(n) * MASS[unit.lower()] for n, unit in MASS_IN_TEXT.findall(text)}
    return found.pop() if len(found) == 1 else None


def _number(text: str) -> float:
    return float(
        text.replace(",", "")
        if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+(\.\d+)?", text)
        else text.replace(",", ".")
    )
