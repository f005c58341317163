"""Laboratory values against the limits of drugs: the latest, its unit, its bound."""

from datetime import date

import pytest

from services.treatment.domain import Measurement
from services.treatment.safety.measures import egfr
from tests.unit.treatment_answer import alert, findings, rules_of
from tests.unit.treatment_record import inputs_of, laboratory, order, patient


@pytest.mark.parametrize(
    ("value", "rule"), [(25.0, "metformin-egfr-30"), (40.0, "metformin-egfr-45"), (60.0, None)]
)
def test_metformin_by_egfr(value: float, rule: str | None) -> None:
    found = findings(
        patient(), order("metformin", "6809"), laboratory("98979-8", value, "mL/min/{1.73_m2}")
    )
    assert rules_of(found) == ({rule} if rule else set())


def test_egfr_comes_from_a_newer_creatinine() -> None:
    older = laboratory("98979-8", 90, "mL/min/{1.73_m2}", time="2025-01-01")
    found = findings(
        patient(), order("metformin", "6809"), older, laboratory("2160-0", 3.0, "mg/dL")
    )
    assert alert(found, "metformin-egfr-30").evidence == ("Observation/lab-2160-0",)


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("2026-03-01T02:00:00-05:00", "2026-03-01T06:59:00Z"),  # 07:00 UTC
        ("2026-03-01T20:00:00Z", "2026-03-02T01:00:00+08:00"),  # 1 March, 17:00 UTC
        ("2026-03-01T06:00:00Z", "2026-03-01"),
        ("2026-03-01", "2026-02-28T23:59:59Z"),
        ("2026-03-01", "2026"),
        ("2026-03", "2026-02-28"),
        ("2026-03-01T06:00:00.5Z", "2026-03-01T06:00:00Z"),
        ("2026-03-01", "unknown"),
    ],
)
def test_the_latest_value_counts_whatever_zone_it_was_written_in(newer: str, older: str) -> None:
    for low, high, expected in ((newer, older, {"metformin-egfr-30"}), (older, newer, set())):
        values = (
            laboratory(
                "98979-8", 20, "mL/min/{1.73_m2}", time=low, id="1" if low == older else "2"
            ),
            laboratory(
                "98979-8", 90, "mL/min/{1.73_m2}", time=high, id="1" if high == older else "2"
            ),
        )
        assert rules_of(findings(patient(), order("metformin", "6809"), *values)) == expected
    computed = findings(
        patient(),
        order("metformin", "6809"),
        laboratory("98979-8", 90, "mL/min/{1.73_m2}", time=older),
        laboratory("2160-0", 3.0, "mg/dL", time=newer),
    )
    assert rules_of(computed) == {"metformin-egfr-30"}
    measured = findings(
        patient(),
        order("metformin", "6809"),
        laboratory("98979-8", 90, "mL/min/{1.73_m2}", time=newer),
        laboratory("2160-0", 3.0, "mg/dL", time=older),
    )
    assert rules_of(measured) == set()


@pytest.mark.parametrize(
    ("creatinine", "unit", "age", "sex", "expected"),
    # the National Kidney Foundation's calculator of the CKD-EPI 2021 equation
    [
        (1.0, "mg/dL", 50, "female", 69),
        (1.0, "mg/dL", 50, "male", 92),
        (88.42, "umol/L", 50, "female", 69),
        (2.5, "mg/dL", 80, "male", 25),
    ],
)
def test_ckd_epi_2021(creatinine: float, unit: str, age: int, sex: str, expected: int) -> None:
    today = inputs_of(patient()).today
    born = {**patient(), "birthDate": date(today.year - age, 1, 1).isoformat(), "gender": sex}
    assert egfr(
        Measurement("Observation/1", "2160-0", creatinine, unit, "2026"), inputs_of(born)
    ) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    ("loinc", "drug", "value", "comparator", "rule"),
    [
        ("6301-6", "warfarin", 10, ">", "warfarin-inr"),
        ("6301-6", "warfarin", 4.5, ">", "warfarin-inr"),
        ("6301-6", "warfarin", 4.5, ">=", None),
        ("98979-8", "metformin", 15, "<", "metformin-egfr-30"),
        ("98979-8", "metformin", 30, "<", "metformin-egfr-30"),
        ("98979-8", "metformin", 30, "<=", "metformin-egfr-45"),
        ("98979-8", "metformin", 60, ">", None),
        ("2160-0", "metformin", 15, ">", "metformin-egfr-30"),
    ],
)
def test_a_value_beyond_what_the_laboratory_measures_counts(
    loinc: str, drug: str, value: float, comparator: str, rule: str | None
) -> None:
    measured = laboratory(loinc, value, "mg/dL", time="2026-03-05")
    measured["valueQuantity"]["comparator"] = comparator
    older = laboratory(loinc, 40, "mg/dL", time="2025-01-01", id="older")
    found = findings(patient(), order(drug), measured, older)
    assert rules_of(found) == ({rule} if rule else set())
    if rule and loinc != "2160-0":
        assert f" {comparator} {value:g} on 2026-03-05" in alert(found, rule).detail
    if loinc == "2160-0":
        assert "eGFR < 3 on" in alert(found, "metformin-egfr-30").detail


@pytest.mark.parametrize(
    ("loinc", "unit"), [("14682-9", "umol/L"), ("14682-9", "\u00b5mol/L"), ("2160-0", "UMOL/L")]
)
def test_creatinine_is_converted_however_its_unit_is_written(loinc: str, unit: str) -> None:
    assert "metformin-egfr-30" in rules_of(
        findings(patient(), order("metformin", "6809"), laboratory(loinc, 300, unit))
    )


def test_filtration_per_second_is_not_taken_for_one_per_minute() -> None:
    for value, expected in ((1.2, set()), (0.4, {"metformin-egfr-30"})):  # 72 and 24 mL/min
        assert (
            rules_of(
                findings(
                    patient(),
                    order("metformin", "6809"),
                    laboratory("98979-8", value, "mL/s/{1.73_m2}"),
                )
            )
            == expected
        )


def test_a_value_without_its_own_time_is_as_old_as_its_report() -> None:
    bare = {k: v for k, v in laboratory("6301-6", 6, "{INR}").items() if k != "effectiveDateTime"}
    for time in ({"effectivePeriod": {"end": "2026-03-05"}}, {"issued": "2026-03-05T00:00:00Z"}):
        assert rules_of(findings(patient(), order("warfarin", "11289"), bare | time)) == {
            "warfarin-inr"
        }


def test_egfr_is_not_guessed() -> None:
    someone = {**patient(), "gender": "unknown"}
    assert (
        egfr(Measurement("Observation/1", "2160-0", 1.0, "mg/dL", "2026"), inputs_of(someone))
        is None
    )
    assert (
        egfr(Measurement("Observation/1", "2160-0", 1.0, "mmol/L", "2026"), inputs_of(patient()))
        is None
    )
