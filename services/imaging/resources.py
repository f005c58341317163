"""Findings -> FHIR (pure; R4).

The finding as an Observation, the heat map as Media, and the report that holds both.
"""

import base64
from dataclasses import replace
from typing import Final

from services.imaging import codes
from services.imaging.domain import Findings, Inputs
from services.imaging.heat_map import FLOOR
from shared.fhir import codes as fhir
from shared.fhir.drafts import Draft, Pen
from shared.json import Json

LIMITS: Final = (
    "Limits: not validated elsewhere; tested only on films of the hospital that its training films "
    "came from, half of which showed pneumonia. Where pneumonia is rarer, the score reads too "
    "high: take it as a rank, not as the chance of pneumonia. The model learned from films with "
    "pneumonia and films without any finding: other disease, such as masses or effusion, can raise "
    "the score as well. "
    "The heat map shows where the score came from, not where the disease is."
)
ALONE: Final = (
    "The model looks for pneumonia alone; nothing else was assessed (such as pneumothorax, "
    "effusion, mass or fracture)."
)
SCALE: Final = (
    f"Coloured from {FLOOR:.0%} of the map's highest value, yellow (low) to red (high); what lies "
    "below is transparent. The scale is this film's own: it says where, not how much."
)


def resources(inputs: Inputs, findings: Findings, pen: Pen) -> list[Draft]:
    """Observation `pneumonia`, Media `heat-map`, DiagnosticReport `report`."""
    finding = _finding(inputs, findings, pen)
    heat_map = _heat_map(inputs, findings, pen)
    return [finding, heat_map, _report(inputs, findings, pen, finding, heat_map)]


def _heat_map(inputs: Inputs, findings: Findings, pen: Pen) -> Draft:
    """Write the heat map; an identifier names its film.

    Since a study may have several.
    """
    draft = pen.draft(
        "Media",
        "heat-map",
        type=codes.IMAGE,
        content={
            "contentType": "image/png",
            "data": base64.b64encode(findings.heat_map).decode(),
            "title": "Where the score came from (Grad-CAM)",
        },
        note=[{"text": SCALE}],
    )
    film = {"system": fhir.DICOM_UID, "value": f"urn:oid:{inputs.film.instance}"}
    return replace(
        draft, resource=draft.resource | {"identifier": [*draft.resource["identifier"], film]}
    )


def _finding(inputs: Inputs, findings: Findings, pen: Pen) -> Draft:
    """Under the threshold there is no SNOMED code to give.

    A low score is no proof of health, so the words say what was measured.
    """
    study = fhir.reference(inputs.reference)
    unseen = {"text": "Pneumonia not suspected by the model: its score is below the threshold"}
    return pen.draft(
        "Observation",
        "pneumonia",
        confidence=findings.probability if findings.suspected else 1 - findings.probability,
        category=codes.IMAGING,
        code=codes.FINDING,
        partOf=[study],
        derivedFrom=[study],
        bodySite=codes.LUNG,
        valueCodeableConcept=codes.PNEUMONIA if findings.suspected else unseen,
        interpretation=codes.POSITIVE if findings.suspected else codes.NEGATIVE,
        component=[_probability(findings)],
    )


def _probability(findings: Findings) -> Json:
    threshold = {
        "high": fhir.quantity(percent(findings.threshold), "%"),
        "text": "below the model's threshold",
    }
    return {
        "code": codes.CERTAINTY,
        "valueQuantity": fhir.quantity(percent(findings.probability), "%"),
        "referenceRange": [threshold],
    }


def _report(inputs: Inputs, findings: Findings, pen: Pen, finding: Draft, heat_map: Draft) -> Draft:
    return pen.draft(
        "DiagnosticReport",
        "report",
        basedOn=inputs.study.get("basedOn"),
        category=codes.RADIOLOGY,
        code=_procedure(inputs),
        imagingStudy=[fhir.reference(inputs.reference)],
        result=[finding.ref],
        media=[
            {
                "comment": "Where the score came from (Grad-CAM), to be laid over the film",
                "link": heat_map.ref,
            }
        ],
        conclusion=conclusion(findings, inputs, next(iter(pen.titles.values()))),
        conclusionCode=[codes.PNEUMONIA] if findings.suspected else None,
    )


def _procedure(inputs: Inputs) -> Json:
    """The study's own LOINC procedure code; else by its views."""
    for concept in inputs.study.get("procedureCode", []):
        for coding in concept.get("coding", []):
            if coding.get("system") == fhir.LOINC and coding.get("code"):
                return {"coding": [coding]}
    return codes.TWO_VIEWS if inputs.lateral else codes.DIAGNOSTIC_IMAGING


def conclusion(findings: Findings, inputs: Inputs, title: str) -> str:
    """Word the report: finding, number, what was not assessed, what was seen, limits."""
    word = "suspected" if findings.suspected else "not suspected"
    relation = "at or above" if findings.suspected else "below"
    view = {"frontal": "frontal chest film (PA or AP)"}.get(
        inputs.film.view, f"{inputs.film.view} chest film"
    )
    looked = (
        f"one {view}" if inputs.frontal == 1 else f"one {view} of {inputs.frontal} frontal films"
    )
    films = "film" if inputs.lateral == 1 else "films"
    beside = f"; {inputs.lateral} lateral {films} not analysed" if inputs.lateral else ""
    return (
        f"Pneumonia {word}: model score {percent(findings.probability):g} of 100, "
        f"{relation} its threshold of {percent(findings.threshold):g}. {ALONE} "
        f"Analysed by {title}: {looked}{beside}. {LIMITS}"
    )


def percent(share: float) -> float:
    """A share as per cent, one decimal."""
    return round(100 * share, 1)
