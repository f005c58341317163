"""Builds the index from all heads at the EHR, whatever it holds."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from services.review.worklist.kept.marks import utc
from services.review.worklist.met import met_in, met_in_search
from services.review.worklist.settle import CHUNK
from services.review.worklist.sweeps.cursor import SKEW
from services.review.worklist.sweeps.following import Following
from shared.ehr.client import Ehr
from shared.errors import REFUSED, FhirError
from shared.fhir import codes
from shared.instants import instant, now, parse
from shared.json import Json
from shared.references import moment_of

BEGINNING: Final = "1970-01-01T00:00:00Z"
Progress = Callable[[int], None]
"""Called with the number of heads met so far; it may raise to end the work."""
Times = dict[str, str]
"""Task id -> the time of the version met."""


@dataclass(frozen=True)
class Building:
    """Builds an index; whoever follows goes on from there.

    What is in the index stays until the EHR says otherwise.
    """

    ehr: Ehr
    following: Following

    def build(self, progress: Progress, *, again: bool = False) -> None:
        """Read all heads and their patients, and set the cursors.

        Args:
            again: what is known in this very version is made anew, too.
        """
        index, settling = self.following.index, self.following.settling
        began = now()
        start = instant(parse(began) - SKEW)
        met: Times = {}
        goes_on = True
        while goes_on:
            goes_on = self._finds_more(met, start, progress, again=again) and (
                self._has_moved(met, start)
            )

        settling.settle(index.tasks() - met.keys())
        settling.people.renew()
        task, time = max(met.items(), key=lambda item: item[1], default=("", ""))
        if "" < time <= start:  # nothing has changed for a while: no need to look before it
            self.following.heads.begin_at(time, task, time)
        else:
            self.following.heads.begin_at(start, "", "")
        patient, at = index.newest_patient(start)
        self.following.people.begin_at(start, patient.partition("/")[2], at)
        index.note(complete=began)

    def _finds_more(self, met: Times, start: str, progress: Progress, *, again: bool) -> bool:
        """Go through all heads; tell whether any is new here and old at the EHR."""
        more = False
        for chunk in _chunks(self._heads()):
            unmet = [task for task in chunk if task["id"] not in met]
            self.following.settling.take(met_in_search(unmet), again=again)
            times = {task["id"]: utc(moment_of(task)) for task in unmet}
            more = more or any(time < start for time in times.values())
            met |= times
            progress(len(met))
        return more

    def _has_moved(self, met: Times, start: str) -> bool:
        """Tell whether a head that was met has changed meanwhile.

        Most servers count pages by an offset: what leaves a page that was read pulls another head
        onto it, and that one is on no page to come.
        """
        return not met.keys().isdisjoint(met_in(self.ehr.history("Task", start)).ids)

    def _heads(self) -> Iterator[Json]:
        """Yield all our heads.

        The newest come first: what is written meanwhile moves to pages that were read, and hides
        nothing on those to come.
        """
        # a list: any value of the system fits
        params = {"identifier": [f"{codes.REVISION}|"], "_sort": "-_lastUpdated"}
        count = 0
        try:
            for task in self.ehr.search("Task", params):
                count += 1
                yield task
        except FhirError as error:
            if error.status not in REFUSED:
                raise
            count = 0
        if not count:  # there are none, or the server does not search by the system alone
            yield from _standing(self.ehr, BEGINNING)


def _standing(ehr: Ehr, since: str) -> Iterable[Json]:
    """Return the newest versions of a history, but of what may be deleted."""
    found = met_in(ehr.history("Task", since))
    return [task for task_id, task in found.standing.items() if not found.ended(task_id)]


def _chunks(tasks: Iterator[Json]) -> Iterator[list[Json]]:
    while chunk := list(islice(tasks, CHUNK)):
        yield chunk
