"""Least privilege: `careloop scopes` against the requests that each analyser really makes for the
demo's patient.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import Final

import pytest

from services import catalogue
from services.load.patient import load_patient
from shared.ehr.auth.scopes import permission_needed, permissions_of
from shared.ehr.opening import open_ehr
from shared.fhir.summary import event_of
from shared.instants import today
from shared.json import Json
from shared.runtime.line import Case, Line, at_ehr
from shared.service import Service
from shared.settings import Settings
from tests.fakes import FakeEhr
from tests.films import film

EXAMPLE = Path(__file__).parents[2] / "examples" / "patient"
UNUSED: Final = {  # types that are granted and that this patient gives no reason to touch
    "imaging": {"Endpoint"},  # her study names none
    "genomics": {"Binary"},  # her VCF and note are inline
    "notes": {"Binary"},
    "treatment": {"Medication"},  # her orders carry codes, not references
}


class Watched:
    """An EHR client whose requests are kept as (type, letter)."""

    def __init__(self, settings: Settings) -> None:
        self.needed: set[tuple[str, str]] = set()
        self.ehr = open_ehr(settings, before=self._asked)
        self._transact = self.ehr.transact
        self.ehr.transact = self._posted  # type: ignore[method-assign]

    def _asked(self, method: str, place: str) -> None:
        if need := permission_needed(method, place):
            self.needed.add(need)

    def _posted(self, bundle: Json) -> Sequence[Json]:
        for entry in bundle["entry"]:
            self._asked(entry["request"]["method"], entry["request"]["url"])
        return self._transact(bundle)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, list[str]]]:
    folder = tmp_path_factory.mktemp("patient")
    for path in EXAMPLE.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    film(StudyDate=f"{today(UTC):%Y%m%d}").save_as(folder / "film.dcm")  # an old one asks nothing
    with FakeEhr() as fake:
        settings = Settings(fhir_url=fake.base, state_dir=folder / "state")
        yield settings, [item.reference for item in load_patient(folder, settings)]


def work(line: Line, references: Sequence[str]) -> set[str]:
    """Run the line on everything that the service accepts; how it settled."""
    settled = set()
    for reference in references:
        resource = line.ehr.read(reference)
        assert resource is not None
        if line.service.accepts(event := event_of(resource, "update")):
            taken = line.take(event, only_deletes=False)
            settled.add(
                taken
                if not isinstance(taken, Case)
                else line.put(taken, line.service.analyze([taken.inputs], line.model)[0])
            )
    return settled


def asked(service: Service, settings: Settings, references: Sequence[str]) -> set[tuple[str, str]]:
    """What one service asks of the EHR while it answers these, and once more when nothing has
    changed.
    """
    with open_ehr(settings) as other:
        mine = [
            r
            for r in references
            if (found := other.read(r)) and service.accepts(event_of(found, "update"))
        ]
    watched = Watched(settings)
    with watched.ehr:
        line = Line(service, watched.ehr, service.load(settings), settings, at_ehr(watched.ehr))
        assert "result" in work(line, mine)
        assert work(line, mine) == {"unchanged"}
    return watched.needed


def test_services_ask_for_nothing_beyond_their_scopes_and_use_what_they_are_granted(
    clinic: tuple[Settings, list[str]],
) -> None:
    settings, references = clinic
    for service in map(catalogue.analyser, catalogue.analyser_names()):
        with open_ehr(settings) as ehr:
            reports = [f"DiagnosticReport/{r['id']}" for r in ehr.search("DiagnosticReport", {})]
        needed = asked(service, settings, [*references, *reports])
        granted = {
            (kind, letter)
            for kind, letters in permissions_of(service).items()
            for letter in letters
        }
        assert needed - granted == set(), service.name
        unused = granted - needed
        assert {kind for kind, _ in granted} - {kind for kind, _ in needed} == UNUSED[
            service.name
        ], service.name
        assert {kind for kind, letter in unused if letter == "c"} == set(), service.name
        assert {kind for kind, letter in unused if letter == "u"} <= service.writes, (
            f"{service.name}: updates are for a changed input"
        )


@pytest.mark.parametrize("status", [401, 403])
def test_a_type_that_is_not_listed_and_not_searchable_for_us_does_not_count_as_missing(
    status: int, clinic: tuple[Settings, list[str]]
) -> None:
    """Under SMART scopes the EHR refuses the search by which an unlisted type is looked for:
    `Goal.cru` holds no `s`.
    """
    with FakeEhr() as fake, open_ehr(Settings(fhir_url=fake.base), bearer="of a caller") as ehr:
        fake.faults.fail(1, status, path="Goal")
        assert ehr.missing({"Goal": "cru"}) == []
