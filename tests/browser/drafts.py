"""What the services would write, as drafts by hand, for the pages."""

import base64
import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen

NOTE = """DISCHARGE SUMMARY
Synthetic patient, 86 y.

HISTORY: Coronary stent two weeks ago. BP has been high for years; on amlodipine. No diabetes.
MEDICATION: clopidogrel 75 mg daily, omeprazole 20 mg daily.
ALLERGIES: rash after penicillin.
"""
Drafts = Any  # (Pen) -> Sequence[Draft]


def heat_map() -> str:
    """A PNG, base64: warm in the middle of the left lung."""
    image = Image.radial_gradient("L").resize((256, 312)).point(lambda v: max(0, 255 - 2 * v))
    coloured = Image.merge(
        "RGBA",
        (
            Image.new("L", image.size, 230),
            image.point(lambda v: v // 2),
            Image.new("L", image.size, 20),
            image,
        ),
    )
    buffer = io.BytesIO()
    coloured.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def chest_film(
    source: str,
    conclusion: str = "Opacity in the left lower zone, in keeping with pneumonia. Model score "
    "0.91.",
    instance: str = "",
) -> Drafts:
    """What imaging drafts; `instance`: the SOP Instance UID that the heat map names."""

    def drafts(pen: Pen) -> list[Draft]:
        finding = pen.draft(
            "Observation",
            "pneumonia",
            confidence=0.91,
            category=[codes.concept(codes.OBSERVATION_CATEGORY, "imaging")],
            code=codes.concept(codes.DCM, "121071", "Finding"),
            valueCodeableConcept=codes.concept(codes.SNOMED, "233604007", "Pneumonia"),
            bodySite=codes.concept(codes.SNOMED, "39607008", "Lung structure"),
            derivedFrom=[codes.reference(source)],
        )
        heat = pen.draft(
            "Media",
            "heat-map",
            type=codes.concept(codes.MEDIA_TYPE, "image"),
            content={
                "contentType": "image/png",
                "data": heat_map(),
                "title": "Heat map (Grad-CAM)",
            },
        )
        if instance:
            heat.resource["identifier"].append(
                {"system": codes.DICOM_UID, "value": f"urn:oid:{instance}"}
            )
        report = pen.draft(
            "DiagnosticReport",
            "report",
            category=[codes.concept(codes.V2_0074, "RAD")],
            code=codes.concept(codes.LOINC, "36643-5", "XR Chest 2 Views"),
            result=[finding.ref],
            imagingStudy=[codes.reference(source)],
            media=[{"link": heat.ref}],
            conclusion=conclusion,
        )
        return [finding, heat, report]

    return drafts


def genome(source: str) -> Drafts:
    """What genomics drafts."""

    def drafts(pen: Pen) -> list[Draft]:
        ge = [
            codes.concept(codes.OBSERVATION_CATEGORY, "laboratory"),
            codes.concept(codes.V2_0074, "GE"),
        ]
        gene = {
            "code": codes.concept(codes.LOINC, "48018-6", "Gene"),
            "valueCodeableConcept": codes.concept(codes.HGNC, "HGNC:2621", "CYP2C19"),
        }
        genotype = pen.draft(
            "Observation",
            "genotype-cyp2c19",
            issued=None,
            category=ge,
            code=codes.concept(codes.LOINC, "84413-4", "Genotype display name"),
            valueCodeableConcept=codes.concept(
                codes.PHARMVAR, "CYP2C19*1/*2", text="CYP2C19 *1/*2"
            ),
            component=[gene],
            derivedFrom=[codes.reference(source)],
        )
        implication = pen.draft(
            "Observation",
            "clopidogrel",
            issued=None,
            category=ge,
            code=codes.concept(codes.GENOMICS_TBD, "therapeutic-implication"),
            derivedFrom=[genotype.ref],
            extension=[
                codes.citation(
                    "CPIC guideline for clopidogrel and CYP2C19, 2022",
                    "https://cpicpgx.org/guidelines/guideline-for-clopidogrel-and-cyp2c19/",
                )
            ],
            component=[
                {
                    "code": codes.concept(codes.LOINC, "51963-7"),
                    "valueCodeableConcept": codes.concept(codes.RXNORM, "32968", "clopidogrel"),
                },
                {
                    "code": codes.concept(codes.GENOMICS_TBD, "therapeutic-implication"),
                    "valueCodeableConcept": codes.concept(
                        codes.LOINC, "LA10317-8", "Intermediate metabolizer"
                    ),
                },
            ],
        )
        advice = pen.draft(
            "Observation",
            "advice-clopidogrel",
            issued=None,
            category=ge,
            code=codes.concept(codes.LOINC, "LA26421-0", "Consider alternative medication"),
            derivedFrom=[implication.ref],
            note=[
                {
                    "text": "Avoid standard-dose clopidogrel if possible; use prasugrel or "
                    "ticagrelor where not contraindicated."
                }
            ],
        )
        report = pen.draft(
            "DiagnosticReport",
            "report",
            category=[codes.concept(codes.V2_0074, "GE")],
            code=codes.concept(codes.LOINC, "51969-4", "Genetic analysis report"),
            issued=None,
            result=[genotype.ref, implication.ref],
            conclusion="CYP2C19 intermediate metaboliser: clopidogrel may protect less.",
        )
        return [genotype, implication, advice, report]

    return drafts


def note_findings(source: str) -> Drafts:
    """What notes drafts."""

    def drafts(pen: Pen) -> list[Draft]:
        evidence = [
            {
                "extension": [
                    {"url": codes.ORIGINAL_TEXT, "valueString": "BP has been high for years"}
                ],
                "detail": [codes.reference(source)],
            }
        ]
        problem = pen.draft(
            "Condition",
            "problem-1",
            confidence=0.84,
            clinicalStatus=codes.concept(codes.CONDITION_CLINICAL, "active"),
            category=[codes.concept(codes.CONDITION_CATEGORY, "problem-list-item")],
            code=codes.concept(codes.SNOMED, "38341003", "Hypertensive disorder"),
            evidence=evidence,
        )
        at = NOTE.index("clopidogrel")
        parts = {
            "start": ("Integer", at),
            "end": ("Integer", at + 11),
            "kind": ("Code", "drug"),
            "assertion": ("Code", "present"),
            "text": ("String", "clopidogrel"),
        }
        mention = {
            "url": f"{codes.NS}/StructureDefinition/note-mention",
            "extension": [{"url": k, f"value{t}": v} for k, (t, v) in parts.items()],
        }
        drug = pen.draft(
            "Observation",
            "drug-32968",
            category=[codes.concept(codes.OBSERVATION_CATEGORY, "therapy")],
            code=codes.concept(codes.LOINC, "10160-0", "History of Medication use Narrative"),
            valueCodeableConcept=codes.concept(codes.RXNORM, "32968", "clopidogrel"),
            derivedFrom=[codes.reference(source)],
            extension=[mention],
        )
        issue = pen.draft(
            "DetectedIssue",
            "allergy",
            severity="moderate",
            code={"text": "Allergy in the note is not on the allergy list"},
            implicated=[codes.reference(source)],
            evidence=[{"detail": [codes.reference(source)]}],
            detail="The note speaks of a rash after penicillin; the record has no such allergy.",
        )
        report = pen.draft(
            "DiagnosticReport",
            "report",
            category=[codes.concept(codes.V2_0074, "OTH")],
            code=codes.concept(codes.LOINC, "18842-5", "Discharge summary"),
            result=[drug.ref],
            conclusion="One problem, one drug and one omission found in the note.",
        )
        return [problem, drug, issue, report]

    return drafts


def care_plan(rests_on: Sequence[str], replaced: str = "") -> Drafts:
    """What treatment drafts; `replaced`: the order that prasugrel would replace."""

    def drafts(pen: Pen) -> list[Draft]:
        goal = pen.draft(
            "Goal",
            "goal",
            description={"text": "No stent thrombosis"},
        )
        swap = pen.draft(
            "MedicationRequest",
            "prasugrel",
            medicationCodeableConcept=codes.concept(codes.RXNORM, "613391", "prasugrel"),
            dosageInstruction=[{"text": "5 mg by mouth once a day (75 years or older)"}],
            priorPrescription=codes.reference(replaced) if replaced else None,
            reasonCode=[{"text": "CYP2C19 intermediate metaboliser"}],
        )
        other = pen.draft(
            "MedicationRequest",
            "ticagrelor",
            medicationCodeableConcept=codes.concept(codes.RXNORM, "1116632", "ticagrelor"),
            dosageInstruction=[{"text": "90 mg by mouth twice a day"}],
            reasonCode=[{"text": "CYP2C19 intermediate metaboliser"}],
        )
        rehabilitation = pen.draft(
            "ServiceRequest",
            "rehabilitation",
            code=codes.concept(codes.SNOMED, "313395003", "Cardiac rehabilitation"),
        )
        choice = pen.draft(
            "RequestGroup",
            "choice",
            action=[
                {
                    "title": "Antiplatelet therapy",
                    "selectionBehavior": "at-most-one",
                    "action": [{"resource": swap.ref}, {"resource": other.ref}],
                }
            ],
        )
        alert = pen.draft(
            "DetectedIssue",
            "interaction",
            severity="high",
            code=codes.concept(codes.V3_ACT_CODE, "DRG", "Drug Interaction Alert"),
            detail="Clopidogrel with omeprazole: omeprazole lowers the active metabolite.",
            reference="https://www.accessdata.fda.gov/drugsatfda_docs/label/2022/020839s078lbl.pdf",
        )
        report = pen.draft(
            "CarePlan",
            "report",
            title="Antiplatelet therapy after a stent",
            description="Replace clopidogrel by prasugrel.",
            supportingInfo=[codes.reference(r) for r in rests_on] or None,
            goal=[goal.ref],
            activity=[{"reference": choice.ref}, {"reference": rehabilitation.ref}],
        )
        return [goal, swap, other, rehabilitation, choice, alert, report]

    return drafts
