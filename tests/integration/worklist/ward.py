"""A record that changes at random, over plain FHIR: heads, their patients, merges, deletes.

Nothing of the index is used here. The same seed makes the same changes.
"""

import random
from collections.abc import Callable
from itertools import count
from typing import Final

import httpx

from shared.answers import Answer, Head
from shared.fhir import codes, heads
from shared.fhir.heads import head_of
from shared.fhir.urgency.priority import PRIORITIES
from shared.instants import now
from shared.json import Json

SERVICES: Final = ("imaging", "genomics", "notes")
SEVERITIES: Final = ("high", "moderate", "low")
WORDS: Final = ("Pneumonia", "No finding", "Müller's sign", "50 % stenosis", "Atrial fibrillation")
ENDS: Final = ("rejected", "failed", "cancelled")


class Ward:
    """One record.

    Attributes:
        patients: `Patient/id` -> its content as it was written last, also of those deleted.
        tasks: Task id -> every content that was written, the newest last.
        gone: the references of what is deleted now.
    """

    def __init__(self, base: str, seed: int, patients: int = 12) -> None:
        self.rng = random.Random(seed)
        self.http = httpx.Client(base_url=base, timeout=60)
        self.patients: dict[str, Json] = {}
        self.tasks: dict[str, list[Json]] = {}
        self.gone: set[str] = set()
        self._numbers = count(1)
        self._device = self._posted({"resourceType": "Device", "status": "active"})
        named = [{"text": f"Dr. {name}"} for name in ("Ada Berg", "Otto Sommer", "Ilse Groß")]
        self._staff = [
            (self._posted({"resourceType": "Practitioner", "name": [name]}), name["text"])
            for name in named
        ]
        for _ in range(patients):
            self.admit()

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def change(self) -> None:
        """Make one change; the server may refuse some, then another one is made."""
        while not self._draw()():
            pass

    def _draw(self) -> Callable[[], bool]:
        [drawn] = self.rng.choices(list(self._weights()), list(self._weights().values()))
        return drawn

    def _weights(self) -> dict[Callable[[], bool], int]:
        return {
            self.begin: 22,
            self.decide: 14,
            self.withdraw: 10,
            self.own: 12,
            self.hurry: 8,
            self.restore: 8,
            self.delete: 5,
            self.take_back: 3,
            self.move: 3,
            self.rename: 7,
            self.merge: 3,
            self.unmerge: 2,
            self.lose: 1,
            self.find: 2,
        }

    # --- heads

    def begin(self, subject: str = "") -> bool:
        """A new head, most with a result and some with alerts."""
        number, subject = next(self._numbers), subject or self._patient()
        answer = Answer(self.rng.choice(SERVICES), f"DocumentReference/{number}")
        first = heads.first_draft(answer, 1, subject=subject, device=self._device, now=now())
        task = first if self.rng.random() < 0.2 else self._result(first, subject, number)
        if task is None:
            return False
        made = self.http.post("/Task", json=task)
        if made.is_success:
            self.tasks[made.json()["id"]] = [task]
        return made.is_success

    def _result(self, first: Json, subject: str, number: int) -> Json | None:
        report = self._post(
            {
                "resourceType": "DiagnosticReport",
                "status": "preliminary",
                "category": [codes.concept(codes.V2_0074, self.rng.choice(("RAD", "GE")))],
                "code": {"text": "Report"},
                "subject": codes.reference(subject),
                "conclusion": f"{self.rng.choice(WORDS)} {number}",
            }
        )
        alerts = [
            self._post(
                {
                    "resourceType": "DetectedIssue",
                    "status": self.rng.choice(("preliminary", "preliminary", "final")),
                    "severity": self.rng.choice(SEVERITIES),
                    "patient": codes.reference(subject),
                }
            )
            for _ in range(self.rng.choice((0, 0, 1, 2)))
        ]
        if report is None or None in alerts:
            return None
        outputs = {"report": report} | {f"alert-{n}": str(ref) for n, ref in enumerate(alerts)}
        task = heads.requested(
            head_of(first | {"id": "new"}),
            subject=subject,
            basis="basis",  # type: ignore[arg-type]  # its text alone is written
            focus=report,
            device=self._device,
            sources={},
            outputs=outputs,
            now=now(),
            priority=self.rng.choice(PRIORITIES),
        )
        if self.rng.random() < 0.3:  # a former version of careloop
            task.pop("priority")
        return {k: v for k, v in task.items() if k != "id"}

    def decide(self) -> bool:
        """A clinician decides."""
        head = self._head("requested")
        decision = self.rng.choice(("signed", "amended", "rejected"))
        reason = "Masses" if decision == "rejected" else None
        owner, _ = self.rng.choice(self._staff)
        return head is not None and self._put(
            heads.decided(head, decision, owner=owner, reason=reason, now=now())
        )

    def withdraw(self) -> bool:
        """The input is gone, or was not analysed, or failed."""
        head = self._head("requested", "draft")
        if head is None:
            return False
        subject = head.task.get("for", {}).get("reference")
        return self._put(
            heads.without_result(
                head,
                self.rng.choice(ENDS),
                subject=subject,
                basis="basis",
                reason=f"Reason {self.rng.randrange(9)}.",
                focus=head.task["focus"],
                outputs={},
                now=now(),
            )
        )

    def own(self) -> bool:
        """Somebody claims a result, hands it over, or gives it back."""
        head = self._head("requested")
        owner = self.rng.choice([*self._staff, None])
        return head is not None and self._put(heads.owned(head, owner, now()))

    def hurry(self) -> bool:
        """Another priority."""
        head = self._head("requested")
        priority = self.rng.choice(PRIORITIES)
        return head is not None and self._put(head.task | {"priority": priority})

    def move(self) -> bool:
        """A merge rewrites the head's patient, and not its report's."""
        head = self._head("requested", "completed")
        patient = codes.reference(self._patient())
        return head is not None and self._put(head.task | {"for": patient})

    def restore(self) -> bool:
        """Somebody writes a former version again, also of a deleted head."""
        if not self.tasks:
            return False
        task_id = self.rng.choice(list(self.tasks))
        content = self.rng.choice(self.tasks[task_id])
        return self._put(content | {"id": task_id})

    def delete(self) -> bool:
        """A head is deleted."""
        head = self._head("requested", "draft", "completed", "cancelled")
        if head is None:
            return False
        self.gone.add(head.reference)
        return self.http.delete(f"/{head.reference}").is_success

    def take_back(self) -> bool:
        """A head loses what makes it one."""
        head = self._head("draft", "requested")
        return head is not None and self._put(heads.taken_back(head, now()))

    # --- patients

    def admit(self) -> bool:
        """A new patient."""
        number = next(self._numbers)
        patient = {
            "resourceType": "Patient",
            "active": True,
            "identifier": [{"system": "urn:test:mrn", "value": f"MRN-{number}"}],
            "name": [{"text": f"Erika Muster{number}"}],
            "birthDate": f"19{number % 90 + 10}-01-02",
        }
        reference = self._posted(patient)
        self.patients[reference] = patient
        return True

    def rename(self) -> bool:
        """A patient gets another name and birth date."""
        number = next(self._numbers)
        name = {"name": [{"text": f"Anna Neu{number}"}], "birthDate": f"20{number % 20:02}-03-04"}
        return self._keep(self._patient(), name)

    def merge(self, says: str = "") -> bool:
        """One record is replaced by another; some servers note that on one of them alone."""
        retired, survivor = self.rng.sample(self._present(), 2)
        says = says or self.rng.choice(("both", "retired", "survivor"))
        if says != "survivor":
            by = {"type": "replaced-by", "other": codes.reference(survivor)}
            self._keep(retired, {"active": False, "link": [by]})
        if says != "retired":
            of = {"type": "replaces", "other": codes.reference(retired)}
            self._keep(survivor, {"active": True, "link": [of]})
        return True

    def unmerge(self) -> bool:
        """A record loses its links."""
        return self._keep(self._patient(), {"active": True, "link": None})

    def lose(self) -> bool:
        """A patient is deleted."""
        if len(self._present()) < 6:
            return False
        patient = self._patient()
        self.gone.add(patient)
        return self.http.delete(f"/{patient}").is_success

    def find(self) -> bool:
        """A deleted patient is there again."""
        lost = [reference for reference in self.patients if reference in self.gone]
        return bool(lost) and self._keep(self.rng.choice(lost), {})

    def _present(self) -> list[str]:
        return [reference for reference in self.patients if reference not in self.gone]

    def _patient(self) -> str:
        return self.rng.choice(self._present())

    def _head(self, *outcomes: str) -> Head | None:
        """Draw a standing head of one of these outcomes."""
        found = [
            task_id
            for task_id, contents in self.tasks.items()
            if contents[-1]["status"] in outcomes
            and "identifier" in contents[-1]
            and f"Task/{task_id}" not in self.gone
        ]
        if not found:
            return None
        task_id = self.rng.choice(found)
        return head_of(self.tasks[task_id][-1] | {"id": task_id})

    def _keep(self, patient: str, elements: Json) -> bool:
        content = self.patients[patient] | elements
        kept = {k: v for k, v in content.items() if v is not None}
        is_made = self.http.put(f"/{patient}", json=kept | {"id": patient.split("/")[1]}).is_success
        if is_made:
            self.patients[patient] = kept
            self.gone.discard(patient)
        return is_made

    def _put(self, task: Json) -> bool:
        is_made = self.http.put(f"/Task/{task['id']}", json=task).is_success
        if is_made:
            content = {k: v for k, v in task.items() if k not in ("id", "meta")}
            self.tasks[task["id"]].append(content)
            self.gone.discard(f"Task/{task['id']}")
        return is_made

    def _post(self, resource: Json) -> str | None:
        made = self.http.post(f"/{resource['resourceType']}", json=resource)
        return f"{resource['resourceType']}/{made.json()['id']}" if made.is_success else None

    def _posted(self, resource: Json) -> str:
        reference = self._post(resource)
        assert reference
        return reference
