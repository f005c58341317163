"""Loads the inputs at their times, on a thread of its own; what is away is asked again."""

import threading
import time
from collections.abc import Sequence

from services import catalogue
from services.load.patient import load_patient
from shared.answers import Answer
from shared.ehr.client import Ehr
from shared.errors import Unavailable
from shared.fhir.summary import event_of
from shared.settings import Settings
from tests.kills.inputs import Input

AGAIN_SEC = 1.0


class Loader(threading.Thread):
    """The load of one run.

    Attributes:
        loaded: `Type/id` of everything that stands because of it, by patient.
        owed: every answer that a service owes to an input or a patient.
        done: how many inputs stand.
        error: what ended it early; None while all is well.
    """

    def __init__(
        self, ehr: Ehr, settings: Settings, inputs: Sequence[Input], at_sec: Sequence[float]
    ) -> None:
        super().__init__(name="loader", daemon=True)
        self.loaded: dict[str, set[str]] = {}
        self.owed: set[Answer] = set()
        self.done = 0
        self.error: BaseException | None = None
        self._ehr, self._settings = ehr, settings
        self._due = list(zip(at_sec, inputs, strict=True))

    def run(self) -> None:
        began = time.monotonic()
        try:
            for at_sec, one in self._due:
                time.sleep(max(0.0, began + at_sec - time.monotonic()))
                self._load(one)
        except BaseException as error:
            self.error = error

    def _load(self, one: Input) -> None:
        while True:
            try:
                references = {
                    item.reference for item in load_patient(one.folder, self._settings, self._ehr)
                }
                owed = [answer for r in references for answer in owed_to(self._ehr, r)]
                break
            except Unavailable:  # it was killed; what is created is created once
                time.sleep(AGAIN_SEC)
        [patient] = [r for r in references if r.startswith("Patient/")]
        self.loaded.setdefault(patient, set()).update(references)
        self.owed |= {*owed, *owed_to_patient(patient)}
        self.done += 1


def owed_to(ehr: Ehr, reference: str) -> set[Answer]:
    """Every answer that a service owes to this resource."""
    resource = ehr.read(reference)
    assert resource is not None, reference
    event = event_of(resource, "create")
    return {
        Answer(service.name, service.input_of(event))
        for service in catalogue.analysers()
        if service.accepts(event)
    }


def owed_to_patient(patient: str) -> set[Answer]:
    """Each service that looks at the whole patient owes an answer once a report stands."""
    return {Answer(s.name, patient) for s in catalogue.analysers() if s.per_patient}
