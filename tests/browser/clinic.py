"""A small clinic in a real EHR: one patient, one clinician, and a waiting result of every service,
written as the runtime writes them.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared import instants
from shared.answers import Answer, Basis, digest
from shared.ehr.client import Ehr
from shared.fhir import bundle, codes, heads
from shared.fhir.drafts import Draft, Pen
from shared.fhir.heads import head_of
from shared.fhir.urgency.priority import priority_of
from shared.json import Json
from shared.runtime import devices
from shared.service import ModelCard
from tests.browser.drafts import (
    NOTE,
    Drafts,
    care_plan,
    chest_film,
    genome,
    note_findings,
)

PASSWORD = "correct horse"
CARDS = {
    "imaging": ModelCard(
        "chest-pneumonia",
        "chest-pneumonia",
        "1.0.0",
        "sha256:" + "1" * 64,
        "---\nlicense: apache-2.0\n---\n# Chest films\n\nFor tests. <script>alert(1)</script>\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 "
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

    def result(self, service: str, source: str, drafts: "Drafts", also: Sequence[str] = ()) -> str:
        """Write one waiting result; the id of its head's Task. `also`: its further inputs."""
        return write_result(self.ehr, service, source, self.patient, drafts, also=also)

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


def write_result(
    ehr: Ehr, service: str, source: str, patient: str, drafts: Drafts, *, also: Sequence[str] = ()
) -> str:
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
    sources = dict.fromkeys([source, *also], "1")
    task = heads.requested(
        head,
        subject=patient,
        basis=Basis(digest(source)),
        focus=targets["report"],
        device=device,
        sources=sources,
        outputs=targets,
        now=now,
        priority=priority_of(draft.resource for draft in made),
    )
    provenance = bundle.provenance(pen, targets.values(), sources, [document], None)
    entries = [
        *bundle.written(made, bundle.NOTHING),
        bundle.post(provenance, f"urn:uuid:{answer.resource_uuid(1, 'provenance')}"),
    ]
    ehr.transact(bundle.transaction(head, task, entries))
    return written.reference.split("/")[1]


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
