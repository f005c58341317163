"""A version number that comes again, on a real HAPI FHIR: its own `$expunge`."""

from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from shared.ehr.opening import open_ehr
from shared.settings import Settings
from tests.hapi.server import Hapi
from tests.integration.intake_changes.support import Intake
from tests.toy import note

ALL = ("expungeDeletedResources", "expungePreviousVersions")


@pytest.mark.hapi
def test_what_was_expunged_and_created_anew_is_published(real_hapi: Hapi, tmp_path: Path) -> None:
    with open_ehr(Settings(fhir_url=real_hapi.base)) as ehr:
        intake = Intake(tmp_path, ehr)
        focus = f"DocumentReference/{uuid4()}"
        place = f"{ehr.base}/{focus}"
        patient = ehr.create({"resourceType": "Patient"}).reference

        def put(text: str) -> None:
            body = note(patient, text) | {"id": focus.split("/")[1]}
            httpx.put(place, json=body, timeout=60).raise_for_status()

        def swept() -> list[tuple[str, str]]:
            for _ in range(2):
                assert intake.sweep() == {}
            return [(e.action, e.version) for e in intake.events() if e.focus == focus]

        put("first")
        assert swept() == [("create", "1")]
        httpx.delete(place, timeout=60).raise_for_status()
        assert swept() == [("create", "1"), ("delete", "2")]
        parameters = [{"name": name, "valueBoolean": True} for name in ALL]
        body = {"resourceType": "Parameters", "parameter": parameters}
        httpx.post(f"{place}/$expunge", json=body, timeout=60).raise_for_status()
        put("second life")
        assert ehr.read(focus)["meta"]["versionId"] == "1"  # type: ignore[index]
        assert swept() == [("create", "1"), ("delete", "2"), ("create", "1")]
        intake.close()
