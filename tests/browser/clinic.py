"""A small clinic in a real EHR: one patient, one clinician, and a waiting result of every service,
written as the runtime writes them.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from shared import instants
from shared.answers import Answer, Basis, digest
from shared.ehr.client import Ehr
from shared.fhir import bundle, codes, heads
from shared.fhir.drafts import Draft, Pen
from shared.fhir.heads import head_of
from shared.json import Json
from shared.runtime import devices
from shared.service import ModelCard

PASSWORD = "correct horse"
NOTE = """DISCHARGE SUMMARY
Synthetic patient, 86 y.

HISTORY: Coronary stent two weeks ago. BP has been high for years; on amlodipine. No diabetes.
MEDICATION: clopidogrel 75 mg daily, omeprazole 20 mg daily.
ALLERGIES: rash after penicillin.
"""
CARDS = {
    "imaging": ModelCard(
        "chest-pneumonia",
        "chest-pneumonia",
        "1.0.0",
        "sha256:" + "1" * 64,
        "# Chest films\n\nFor tests. <script>alert(1)</script>\n\n| a | b |\n|---|---|\n| 1 | 2 "
        "|\n",
    ),
    "genomics": ModelCard(
        "pharmacogenomics",
        "pharmacogenomics",
        "1.0.0",
        "sha256:" + "2" * 64,
        "# CPIC tables\n\nFor tests.",
    ),
    "notes": ModelCard(
        "note-problems", "note problems", "1.0.0", "sha256:" + "3" * 64, "# Notes\n\nFor tests."
    ),
    "treatment": ModelCard(
        "plan-rules", "plan rules", "1.0.0", "sha256:" + "4" * 64, "# Rules\n\nFor tests."
    ),
}


@dataclass(frozen=True)
class Clinic:
    """Where everything is."""

    ehr: Ehr
    patient: str
    practitioner: str

    @property
    def login(self) -> dict[str, str]:
        """The settings under which the clinician logs in as `berg` with `PASSWORD`."""
        return {"review_local_user": f"berg:{self.practitioner}", "review_local_password": PASSWORD}

    def result(self, service: str, source: str, drafts: "Drafts") -> str:
        """Write one waiting result; the id of its head's Task."""
        return write_result(self.ehr, service, source, self.patient, drafts)

    def task(self, task_id: str) -> Json:
        """The head as it stands now."""
        task = self.ehr.read(f"Task/{task_id}")
        assert task
        return task

    def outputs(self, task_id: str) -> dict[str, Json]:
        """What the answer wrote, as it stands now."""
        found = {
            key: self.ehr.read(ref) for key, ref in head_of(self.task(task_id)).outputs.items()
        }
        return {key: r for key, r in found.items() if r}


Drafts = Any  # (Pen) -> Sequence[Draft]


def open_clinic(ehr: Ehr, given: str = "Erika", family: str = "Mustermann") -> Clinic:
    """A patient and a clinician."""
    patient = ehr.create(
        {
            "resourceType": "Patient",
            "identifier": [
                {
                    "system": "https://hospital.example/mrn",
                    "value": f"MRN-{family[:4]}-{abs(hash(given)) % 1000}",
                    "type": {"text": "MRN"},
                }
            ],
            "name": [{"use": "official", "family": family, "given": [given]}],
            "gender": "female",
            "birthDate": "1940-03-02",
        }
    )
    practitioner = ehr.create(
        {
            "resourceType": "Practitioner",
            "active": True,
            "name": [{"family": "Berg", "given": ["Ada"], "prefix": ["Dr."]}],
        }
    )
    return Clinic(ehr, patient.reference, practitioner.reference)


def write_result(ehr: Ehr, service: str, source: str, patient: str, drafts: Drafts) -> str:
    """The line of the runtime, by hand: head, Devices, drafts, Provenance, one transaction.

    Returns the Task's id.
    """
    card = CARDS[service]
    document = ehr.ensure(
        devices.card_document(card, instants.now()), codes.MODEL_CARD, devices.card_token(card)
    ).reference
    device = ehr.ensure(
        devices.device(card, document), codes.MODEL, devices.device_token(card)
    ).reference
    answer, now = Answer(service, source), instants.now()
    first = heads.first_draft(answer, 1, subject=patient, device=device, now=now)
    written = ehr.create(first, heads.if_none_exist(answer, 1))
    head = head_of(
        first | {"id": written.reference.split("/")[1], "meta": {"versionId": written.version}}
    )
    pen = Pen(
        answer,
        1,
        patient,
        now,
        {card.name: device},
        {card.name: f"careloop {card.title} {card.version}"},
    )
    made: Sequence[Draft] = drafts(pen)
    targets = bundle.targets(made, bundle.NOTHING)
    sources = {source: "1"}
    task = heads.requested(
        head,
        subject=patient,
        basis=Basis(digest(source)),
        focus=targets["report"],
        device=device,
        sources=sources,
        outputs=targets,
        now=now,
    )
    provenance = bundle.provenance(pen, targets.values(), sources, [document], None)
    entries = [
        *bundle.written(made, bundle.NOTHING),
        bundle.post(provenance, f"urn:uuid:{answer.resource_uuid(1, 'provenance')}"),
    ]
    ehr.transact(bundle.transaction(head, task, entries))
    return written.reference.split("/")[1]


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


def study(ehr: Ehr, patient: str, uid: str = "1.2.826.0.1.3680043.8.498.1") -> str:
    """An ImagingStudy."""
    made = {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}],
        "status": "available",
        "subject": codes.reference(patient),
        "description": "Chest PA",
        "series": [
            {
                "uid": f"{uid}.1",
                "modality": codes.coding(codes.DCM, "CR"),
                "instance": [
                    {
                        "uid": f"{uid}.1.1",
                        "sopClass": codes.coding(
                            "urn:ietf:rfc:3986", "urn:oid:1.2.840.10008.5.1.4.1.1.1"
                        ),
                    }
                ],
            }
        ],
    }
    return ehr.create(made).reference


def document(ehr: Ehr, patient: str, content_type: str, data: bytes, kind: Json) -> str:
    """A DocumentReference that holds its content."""
    attachment = {"contentType": content_type, "data": base64.b64encode(data).decode()}
    made = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": kind,
        "subject": codes.reference(patient),
        "content": [{"attachment": attachment}],
    }
    return ehr.create(made).reference


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
            category=[codes.concept(codes.LOINC, "18842-5", "Discharge summary")],
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


def a_film(clinic: Clinic) -> str:
    """One waiting report on a film; the id of its Task."""
    source = study(clinic.ehr, clinic.patient)
    return clinic.result("imaging", source, chest_film(source))


def fill(clinic: Clinic) -> Mapping[str, str]:
    """One waiting result of every service; service -> Task id."""
    film = study(clinic.ehr, clinic.patient)
    vcf = document(
        clinic.ehr,
        clinic.patient,
        "text/plain; charset=x-vcf",
        b"##fileformat=VCFv4.2\n",
        codes.concept(codes.LOINC, "51969-4", "Genetic analysis report"),
    )
    note = document(
        clinic.ehr,
        clinic.patient,
        "text/plain",
        NOTE.encode(),
        codes.concept(codes.LOINC, "18842-5", "Discharge summary"),
    )
    tasks = {
        "imaging": clinic.result("imaging", film, chest_film(film)),
        "genomics": clinic.result("genomics", vcf, genome(vcf)),
        "notes": clinic.result("notes", note, note_findings(note)),
    }
    reports = [head_of(clinic.task(t)).outputs["report"] for t in tasks.values()]
    return tasks | {"treatment": clinic.result("treatment", clinic.patient, care_plan(reports))}
