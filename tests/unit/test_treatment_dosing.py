"""How much and how often: read where an order is clear, not known elsewhere."""

import pytest

from services.treatment.domain import Dose
from services.treatment.record.dosing import dose, dose_of, times_a_day
from shared.fhir import codes
from shared.json import Json
from tests.unit.treatment_answer import drafts
from tests.unit.treatment_record import implication, order, patient, report


@pytest.mark.parametrize(
    ("instruction", "product", "expected"),
    [
        ({"text": "20 mg by mouth once a day"}, "", Dose(20, 20, "mg", 1)),
        ({"text": "1 tablet twice a day"}, "simvastatin 40 MG Oral Tablet", Dose(40, 40, "mg", 2)),
        (
            {"doseAndRate": [{"doseQuantity": {"value": 2, "unit": "tablet"}}]},
            "x 10 MG Oral Tablet",
            Dose(20, 20, "mg", None),
        ),
        (
            {
                "doseAndRate": [
                    {
                        "doseRange": {
                            "low": {"value": 1, "code": "g"},
                            "high": {"value": 2, "code": "g"},
                        }
                    }
                ]
            },
            "",
            Dose(1000, 2000, "mg", None),
        ),
        (
            {
                "timing": {"repeat": {"frequency": 1, "period": 8, "periodUnit": "h"}},
                "text": "500 mg",
            },
            "",
            Dose(500, 500, "mg", 3),
        ),
        ({"text": "as directed"}, "x 10 MG / 20 MG Tablet", None),
        ({}, "", None),
    ],
)
def test_a_dose_is_read_from_codes_counts_or_words(
    instruction: Json, product: str, expected: Dose | None
) -> None:
    assert dose(instruction, product) == expected


@pytest.mark.parametrize(
    ("text", "mg", "per_day"),
    [
        ("1,500 mg twice a day", 1500, 2),
        ("1,250.5 mg daily", 1250.5, 1),
        ("2,5 mg daily", 2.5, 1),
        ("0,125 mg daily", 0.125, 1),
        ("0.125 mg daily", 0.125, 1),
        ("250 \u00b5g daily", 0.25, 1),
        ("40 mg daily for 2 weeks", 40, 1),
        ("40 mg q12h", 40, 2),
        ("40 mg every 8 hours", 40, 3),
        ("40 mg twice daily, morning and evening", 40, 2),
        ("400 mg once a week", 400, None),
        ("400 mg once weekly", 400, None),
        ("10 mg twice weekly", 10, None),
        ("10 mg three times per week", 10, None),
        ("15 mg once every other day", 15, None),
        ("40 mg once a month", 40, None),
        ("500 mg daily on days 1-14", 500, None),
        ("40 mg once daily on Mondays", 40, None),
        ("20 mg every morning and 20 mg every night", 20, None),
        ("40 mg in the morning and in the evening", 40, None),
    ],
)
def test_words(text: str, mg: float, per_day: float | None) -> None:
    assert dose({"text": text}) == Dose(mg, mg, "mg", per_day)


@pytest.mark.parametrize(
    "text",
    [
        "Take 2 tablets of 40 mg daily",
        "2 x 40 mg daily",
        "40 mg or 20 mg daily",
        "10 mg/kg daily",
        "as directed",
    ],
)
def test_words_that_name_no_one_amount(text: str) -> None:
    assert dose({"text": text}, "x 40 MG Tablet") is None


def test_tablets_are_counted_in_words_as_in_codes() -> None:
    assert dose({"text": "2 tablets at bedtime"}, "simvastatin 40 MG Oral Tablet") == Dose(
        80, 80, "mg", 1
    )
    assert dose({"text": "half a tablet daily"}, "simvastatin 40 MG Oral Tablet") == Dose(
        20, 20, "mg", 1
    )
    assert (
        dose({"text": "1 tablet twice daily, 2 tablets if needed"}, "simvastatin 40 MG Oral Tablet")
        is None
    )


@pytest.mark.parametrize(
    ("timing", "per_day"),
    [
        ({"repeat": {"when": ["MORN", "EVE"], "period": 1, "periodUnit": "d"}}, 2),
        ({"repeat": {"timeOfDay": ["08:00:00", "20:00:00"]}}, 2),
        ({"repeat": {"frequency": 1, "frequencyMax": 3, "period": 1, "periodUnit": "d"}}, 3),
        ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "dayOfWeek": ["mon"]}}, None),
        ({"code": {"coding": [{"code": "BID"}]}}, 2),
        ({"code": {"coding": [{"code": "Q6H"}]}}, 4),
        ({"code": {"coding": [{"code": "QOD"}]}}, None),
    ],
)
def test_timing(timing: Json, per_day: float | None) -> None:
    assert times_a_day({"timing": timing}) == per_day


def test_several_instructions_are_no_one_dose() -> None:
    forty, more = {"text": "40 mg daily"}, {"text": "20 mg at night"}
    assert dose_of([forty, more]) is None
    assert dose_of([{"text": "with food"}, forty]) == Dose(40, 40, "mg", 1)
    assert dose_of([]) is None


def test_an_amount_whose_limits_are_in_different_units_is_read_by_its_upper_one() -> None:
    limits = {"low": {"value": 500, "code": "mg"}, "high": {"value": 2, "code": "g"}}
    assert dose({"doseAndRate": [{"doseRange": limits}]}) == Dose(2000, 2000, "mg", None)
    assert dose({"doseAndRate": [{"doseQuantity": {"value": 40, "unit": "MG"}}]}) == Dose(
        40, 40, "mg", None
    )


def proposed(dosage: list[Json]) -> Json:
    """The dosage proposed for this order of fluorouracil.

    The patient is an intermediate metabolizer of DPYD: half the ordered dose is proposed.
    """
    advice = implication(
        "fluorouracil", "4492", "DPYD", "Intermediate Metabolizer", answer="LA10317-8"
    )
    plan = drafts(
        patient(),
        report("genomics", "gen", advice),
        advice,
        order("fluorouracil", "4492", dosageInstruction=dosage),
    )
    (request,) = [d.resource for d in plan if d.resource["resourceType"] == "MedicationRequest"]
    (instruction,) = request["dosageInstruction"]
    return dict(instruction)


def test_a_weekly_order_never_becomes_a_daily_proposal() -> None:
    words = proposed([{"text": "400 mg once a week"}])
    assert "timing" not in words and "as often as prescribed" in words["text"]
    assert words["doseAndRate"][0]["doseQuantity"]["value"] == 200
    weekly = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}}
    coded = proposed(
        [{"timing": weekly, "doseAndRate": [{"doseQuantity": codes.quantity(400, "mg")}]}]
    )
    assert coded["timing"]["repeat"] == {"frequency": 1, "period": 7, "periodUnit": "d"}


@pytest.mark.parametrize(
    ("frequency", "period", "expected"),
    [(3, 2, (3, 2)), (3, 1, (3, 1)), (2, 7, (2, 7)), (5, 14, (5, 14))],
)
def test_a_proposal_is_as_often_as_the_order(
    frequency: int, period: int, expected: tuple[int, int]
) -> None:
    ordered = {"repeat": {"frequency": frequency, "period": period, "periodUnit": "d"}}
    repeat = proposed(
        [{"timing": ordered, "doseAndRate": [{"doseQuantity": codes.quantity(400, "mg")}]}]
    )["timing"]["repeat"]
    assert (repeat["frequency"], repeat["period"]) == expected
