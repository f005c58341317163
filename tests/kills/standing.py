"""What a clinic of real processes holds: what is owed, whether all is settled, what changes."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta

from services import catalogue
from shared.answers import Answer, newest
from shared.ehr.client import Ehr
from shared.fhir import lifecycle
from shared.instants import parse, start
from shared.json import Json
from shared.runtime import dead_letters
from tests.e2e.clinic import WRITTEN, Clinic
from tests.kills.reckoning import Reckoning, heads_by_answer, reckon

MARGIN = timedelta(seconds=1)
"""Servers show a big transaction up to 1 s late."""


@dataclass(frozen=True)
class Standing:
    """What is owed at this clinic, and what stands.

    Attributes:
        loaded: `Type/id` of the inputs, by patient.
        owed: every answer that must be there.
    """

    clinic: Clinic
    loaded: Mapping[str, Iterable[str]]
    owed: Set[Answer]

    def missing(self) -> list[str]:
        """Say what keeps all from being settled: an answer, a lag, the sweep, a stale plan."""
        tasks = list(self.clinic.ehr.search("Task", {}))
        lost = reckon(self.owed, tasks, []).lost
        if lost:
            return list(lost)
        if lag := self.clinic.lag():
            return [f"{lag} records behind"]
        last = max((start(t["meta"]["lastUpdated"]) for t in tasks), default=None)
        swept = self.clinic.swept()
        if swept is None or (last and start(swept) < last + MARGIN):
            return ["the sweep has not passed the last write"]
        return self._stale_plans(tasks)

    def _stale_plans(self, tasks: Sequence[Json]) -> list[str]:
        heads = heads_by_answer(tasks)
        found = []
        for patient, references in self.loaded.items():
            answers = {a for a in self.owed if a.input in {patient, *references}}
            standing = [
                (a, head, "") for a in answers if (head := newest(heads.get(str(a.uuid), [])))
            ]
            found += self.clinic.patient(list(references)).plan_lacks(standing)
        return found

    def reckoning(self) -> Reckoning:
        """Hold everything that stands against what was loaded."""
        ehr = self.clinic.ehr
        written = [r for kind in lifecycle.STATUS for r in ehr.search(kind, {})]
        return reckon(self.owed, ehr.search("Task", {}), written)

    def letters(self) -> list[str]:
        """Name the open dead letters: `service/partition-offset Class`."""
        return [
            f"{service}/{letter.id} {letter.error}"
            for service in catalogue.analyser_names()
            for letter in dead_letters.letters(self.clinic.log, service)
            if not letter.replayed
        ]


def changes(ehr: Ehr, since: str) -> list[str]:
    """Name every version that was written since the instant: `Type/id/_history/n`.

    Subscriptions aside, since the EHR itself writes their status.
    """
    return [
        f"{v.reference}/_history/{v.version}"
        for kind in WRITTEN
        if kind != "Subscription"
        for v in ehr.history(kind, since)
        if start(v.time) >= parse(since)
    ]
