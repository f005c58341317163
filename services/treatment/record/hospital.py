"""The hospital's own record (pure).

Birth date, orders, problems, allergies, laboratory values.
Tolerant: what can't be understood is left out, never guessed.
"""

from datetime import date

from services.treatment.domain import Allergy, Measurement, Medication, Problem
from services.treatment.record.concepts import joined_words, tokens, words
from services.treatment.record.dosing import dose_of
from shared.fhir import codes
from shared.json import Json
from shared.references import is_a, local_reference, relative


def birth_date(patient: Json) -> date | None:
    """Read the birth date; None where it is no date.

    A year or a month stands for its first day, so that an age is never too low.
    """
    written = str(patient.get("birthDate", ""))
    try:
        return date.fromisoformat(f"{written}-01-01"[:10])
    except ValueError:
        return None


def order(request: Json, medication: Json | None = None) -> Medication:
    """Read an ordered drug; `medication` is the order's Medication."""
    concept = request.get("medicationCodeableConcept") or (medication or {}).get("code")
    ingredients = [
        i["itemCodeableConcept"]
        for i in (medication or {}).get("ingredient", [])
        if "itemCodeableConcept" in i
    ]
    text = joined_words(concept, *ingredients)

    instructions: list[Json] = request.get("dosageInstruction", [])
    routes = {words(i.get("route")) for i in instructions}
    reasons = (relative(r.get("reference", "")) for r in request.get("reasonReference", []))

    return Medication(
        reference=local_reference(request),
        ordered=True,
        codes=tuple(sorted({*tokens(concept), *tokens(ingredients)})),
        text=text,
        dose=dose_of(instructions, text),
        route=(routes.pop() or None) if len(routes) == 1 else None,
        reasons=tuple(r for r in reasons if is_a(r, "Condition")),
    )


def problem(condition: Json) -> Problem:
    """Read an active Condition.

    One without a verificationStatus is the clinician's own, hence confirmed.
    """
    status = codes.first_code(condition.get("verificationStatus"), codes.CONDITION_VERIFICATION)

    return Problem(
        reference=local_reference(condition),
        codes=tokens(condition.get("code")),
        text=words(condition.get("code")),
        confirmed=status in (None, "confirmed"),
    )


def allergy(resource: Json) -> Allergy:
    """Read an allergy, with the substances of its reactions."""
    substances = [r["substance"] for r in resource.get("reaction", []) if r.get("substance")]

    return Allergy(
        reference=local_reference(resource),
        codes=tuple(sorted({*tokens(resource.get("code")), *tokens(substances)})),
        text=joined_words(resource.get("code"), *substances),
    )


def measurement(observation: Json) -> Measurement | None:
    """Read a laboratory value; None without a number.

    A value beyond what the laboratory can measure (INR > 10) is one.
    """
    quantity = observation.get("valueQuantity", {})
    loinc = codes.first_code(observation.get("code"), codes.LOINC)
    if "value" not in quantity or loinc is None:
        return None

    unit = str(quantity.get("code") or quantity.get("unit") or "")
    # some countries report filtration per second
    factor = 60 if unit.lower().startswith("ml/s") else 1

    return Measurement(
        reference=local_reference(observation),
        loinc=loinc,
        value=float(quantity["value"]) * factor,
        unit=unit,
        time=_time(observation),
        comparator=str(quantity.get("comparator", "")),
    )


def _time(observation: Json) -> str:
    """Find when a value was taken; without its own time it is as old as its report.

    Empty where nothing of it is known.
    """
    period = observation.get("effectivePeriod", {})
    times = (
        observation.get("effectiveDateTime"),
        observation.get("effectiveInstant"),
        period.get("start"),
        period.get("end"),
        observation.get("issued"),
    )
    return next((t for t in times if isinstance(t, str) and t), "")
