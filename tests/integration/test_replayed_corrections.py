"""A replay of the whole topic after inputs were corrected to another patient: the same record,
whichever event comes last.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.answers import Answer
from shared.fhir import codes
from shared.runtime.loop import group_of
from shared.stream.base import EVENTS_TOPIC
from tests.contract.line.support import consent
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.integration.runtime.support import World


@pytest.fixture(params=["sekmet", "hapi"])
def clinic(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with FakeEhr(SEKMET if request.param == "sekmet" else HAPI) as fake:
        made = World(fake, tmp_path)
        yield made
        made.ehr.close()
        made.sink.close()


def replayed(clinic: World) -> None:
    clinic.log.group_reset(EVENTS_TOPIC, group_of("toy"))
    assert not clinic.settled(0.1)
    with clinic.running():
        assert clinic.settled()


@pytest.mark.parametrize("former", ["denies", "is a group"])
def test_a_former_subject_changes_nothing_in_a_replay(clinic: World, former: str) -> None:
    berta = clinic.ehr.create({"resourceType": "Patient"}).reference
    if former == "denies":
        subject = clinic.patient
        clinic.ehr.create(consent(subject, {"provision": [{"type": "deny"}]}))
    else:
        subject = clinic.ehr.create(
            {"resourceType": "Group", "type": "person", "actual": True}
        ).reference
    notes = [clinic.write(f"filed under another {n}", subject) for n in range(4)]
    clinic.tell(*notes)
    with clinic.running():
        assert clinic.settled()
        assert {clinic.outcome(n) for n in notes} == {"rejected"}
        for note in notes:
            resource = clinic.ehr.read(note)
            assert resource
            clinic.ehr.update(
                resource | {"subject": codes.reference(berta)}, resource["meta"]["versionId"]
            )
        clinic.tell(*notes)
        assert clinic.settled()
    before = clinic.versions()
    for _ in range(2):
        replayed(clinic)
        assert clinic.versions() == before
    found = [clinic.ehr.head(Answer("toy", n)) for n in notes]
    assert {(h.outcome, h.task["for"]["reference"]) for h in found if h} == {("requested", berta)}
