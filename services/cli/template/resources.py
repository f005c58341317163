"""Findings -> FHIR drafts (pure)."""

from collections.abc import Sequence

from services.cli.template.codes import LOINC_CODE
from services.cli.template.domain import Findings, Inputs
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen


def resources(inputs: Inputs, findings: Findings, pen: Pen) -> Sequence[Draft]:
    """Write the finding and the report.

    The draft with the key `report` is the head's focus.
    """
    finding = pen.draft(
        "Observation",
        "words",
        code={"text": "Words in the value"},
        valueQuantity=codes.quantity(findings.words, "{words}"),
        derivedFrom=[codes.reference(reference) for reference in inputs.sources],
    )
    report = pen.draft(
        "DiagnosticReport",
        "report",
        code=codes.concept(codes.LOINC, LOINC_CODE),
        result=[finding.ref],
        conclusion=f"The value has {findings.words} words. An example: nothing was analysed.",
    )
    return [finding, report]
