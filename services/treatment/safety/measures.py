"""The latest laboratory value of a kind, measured or computed (pure)."""

import math
from dataclasses import dataclass
from typing import Final

from services.treatment.chart import Chart
from services.treatment.domain import Inputs, Measurement

TOWARDS: Final = {"<": -math.inf, ">": math.inf}
# more creatinine, less filtration
FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
UMOL_PER_MG_CREATININE: Final = 88.42  # umol/L in 1 mg/dL, molar mass 113.12
ADULT: Final = 18  # years; below it the CKD-EPI equation does not hold


@dataclass(frozen=True)
class Value:
    """The latest value of a measure.

    Attributes:
        comparator: `>` where the laboratory only knows a bound; else empty.
        computed: how it came about where it was not measured.
    """

    value: float
    comparator: str
    measured: Measurement
    computed: str = ""

    @property
    def nearest(self) -> float:
        """Give the value, or what lies nearest beyond a bound.

        Just below 30 for `< 30`, just above 4.5 for `> 4.5`.
        """
        if self.comparator not in TOWARDS:
            return self.value
        return math.nextafter(self.value, TOWARDS[self.comparator])


def latest(measure: str, chart: Chart) -> Value | None:
    """Find the latest value of a measure; None where there is none.

    A creatinine that is newer than the eGFR gives the eGFR.
    """
    measured = _measured(measure, chart)

    creatinine = _measured("creatinine", chart) if measure == "egfr" else None
    if creatinine and (measured is None or creatinine.at > measured.at):
        estimated = egfr(creatinine, chart.inputs)
        if estimated is not None:
            equation = chart.rules.citations["ckd-epi-2021"].text
            comparator = FLIPPED.get(creatinine.comparator, "")
            return Value(estimated, comparator, creatinine, f" (from creatinine; {equation})")

    return Value(measured.value, measured.comparator, measured) if measured else None


def _measured(measure: str, chart: Chart) -> Measurement | None:
    of_measure = (m for m in chart.inputs.measurements if m.loinc in chart.rules.measures[measure])
    return max(of_measure, key=lambda m: m.at, default=None)


def egfr(creatinine: Measurement, inputs: Inputs) -> float | None:
    """Compute the eGFR in mL/min/1.73 m2 by CKD-EPI 2021.

    None below 18 years, without age or sex, or in an unknown unit.
    """
    age, mg_dl = inputs.age, _mg_per_dl(creatinine)
    if age is None or age < ADULT or inputs.sex not in ("female", "male"):
        return None
    if mg_dl is None or mg_dl <= 0:
        return None

    kappa, alpha, factor = (0.7, -0.241, 1.012) if inputs.sex == "female" else (0.9, -0.302, 1.0)
    low, high = min(mg_dl / kappa, 1) ** alpha, max(mg_dl / kappa, 1) ** -1.2

    return float(round(142 * low * high * 0.9938**age * factor))


def _mg_per_dl(creatinine: Measurement) -> float | None:
    # a laboratory without UCUM codes writes micro as a sign, in one of two characters
    unit = creatinine.unit.lower().replace("\u00b5", "u").replace("\u03bc", "u")

    return {
        "mg/dl": creatinine.value,
        "umol/l": creatinine.value / UMOL_PER_MG_CREATININE,
    }.get(unit)
