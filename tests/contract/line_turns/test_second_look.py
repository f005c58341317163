"""Line turns: a refusal is held against what changes between the looks of a batch."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.errors import Conflict
from shared.settings import Settings
from tests.contract.line.support import change, event, head, run, write
from tests.contract.line_turns.support import another, person, standing_reports
from tests.fakes import HAPI, SEKMET, FakeEhr, Habits

TURNS = {
    "a refusal": ("broken", "two words"),
    "a withdrawal": ("superseded", "two words"),
}


@pytest.mark.parametrize(("first", "second"), TURNS.values(), ids=TURNS)
def test_a_refusal_of_old_content_is_not_written_over_a_newer_result(
    tmp_path: Path, first: str, second: str
) -> None:
    """A batch tells of the note, the note changes and is analysed, then it tells of the head."""
    with FakeEhr(replace(HAPI, batches_backwards=True)) as fake:
        client = open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path))
        ehr = client.able(prove(client))
        line, follower = another(ehr, tmp_path), another(ehr, tmp_path)
        status = "superseded" if first == "superseded" else "current"
        reference = write(ehr, person(ehr), "one word")
        change(ehr, reference, first, status=status)
        told = event(ehr, reference)

        def corrected() -> None:
            change(ehr, reference, second, status="current")
            assert run(follower, event(ehr, reference)) == "result"

        fake.faults.between_entries = corrected
        assert run(line, told) == "unchanged"
        assert fake.faults.between_entries is None
        assert head(ehr, reference).outcome == "requested"
        assert len(standing_reports(fake)) == 1


@pytest.mark.parametrize("server", [HAPI, SEKMET], ids=["hapi", "sekmet"])
@pytest.mark.parametrize(("first", "second"), TURNS.values(), ids=TURNS)
def test_a_refusal_of_content_that_changes_during_the_second_look_is_not_written(
    tmp_path: Path, first: str, second: str, server: Habits
) -> None:
    """The second look takes the note first; its correction is analysed before it ends."""
    with FakeEhr(replace(server, batches_backwards=True)) as fake:
        client = open_ehr(Settings(fhir_url=fake.base, state_dir=tmp_path))
        ehr = client.able(prove(client))
        follower = another(ehr, tmp_path)
        status = "superseded" if first == "superseded" else "current"
        reference = write(ehr, person(ehr), "one word")
        assert run(follower, event(ehr, reference)) == "result"
        change(ehr, reference, first, status=status)
        told = event(ehr, reference)
        looks: list[str] = []

        def corrected() -> None:
            change(ehr, reference, second, status="current")
            assert run(follower, event(ehr, reference)) == "result"

        def opened(what: str, _: str | None) -> None:
            looks.append(what)
            fake.faults.between_entries = corrected if len(looks) == 2 else None

        line = replace(another(ehr, tmp_path), access_log=opened)
        with pytest.raises(Conflict):
            run(line, told)
        assert looks == [reference] * 2
        assert run(line, told) == "unchanged"
        assert head(ehr, reference).outcome == "requested"
        assert len(standing_reports(fake)) == 1
