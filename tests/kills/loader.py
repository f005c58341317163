"""Loads the inputs at their times, on a thread of its own; what is away is asked again."""

import threading
import time
from collections.abc import Sequence

from services.load.patient import load_patient
from shared.ehr.client import Ehr
from shared.errors import Unavailable
from shared.settings import Settings
from tests.kills.inputs import Input

AGAIN_SEC = 1.0


class Loader(threading.Thread):
    """The load of one run.

    Attributes:
        loaded: `Type/id` of everything that stands because of it, by patient.
        done: how many inputs stand.
        error: what ended it early; None while all is well.
    """

    def __init__(
        self, ehr: Ehr, settings: Settings, inputs: Sequence[Input], at_sec: Sequence[float]
    ) -> None:
        super().__init__(name="loader", daemon=True)
        self.loaded: dict[str, set[str]] = {}
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
                loaded = load_patient(one.folder, self._settings, self._ehr)
                break
            except Unavailable:  # it was killed; what is created is created once
                time.sleep(AGAIN_SEC)
        references = {item.reference for item in loaded}
        [patient] = [r for r in references if r.startswith("Patient/")]
        self.loaded.setdefault(patient, set()).update(references)
        self.done += 1
