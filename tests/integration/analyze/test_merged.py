"""Analyze: a patient whose records were merged."""

from dataclasses import replace

import pytest

from shared.ehr.client import Ehr
from shared.fhir.person import CONTRADICTION
from shared.runtime.line import Line
from tests.integration.analyze.support import analyze, run, standing, why
from tests.merging import link, merge, say
from tests.toy import TOY, note


@pytest.mark.parametrize("per_patient", [False, True])
def test_what_is_shown_is_about_the_record_in_use(
    line: Line, ehr: Ehr, patient: str, per_patient: bool
) -> None:
    survivor = ehr.create({"resourceType": "Patient"}).reference
    shown, told = (ehr.create(note(patient, "one two three")).reference for _ in range(2))
    merge(ehr, patient, survivor)
    if per_patient:
        line = replace(line, service=replace(TOY, input_of=lambda event: str(event.subject)))
    bundle = analyze(line, shown)
    about = {
        e["resource"][element]["reference"]
        for e in bundle["entry"]
        for element in ("subject", "for")
        if element in e["resource"]
    }
    assert about == {survivor}
    if not per_patient:
        ehr.transact(bundle)
        assert run(line, told) == "result"
        assert standing(ehr, shown) == standing(ehr, told)
        assert run(line, shown) == "unchanged"


def test_links_that_contradict_each_other_are_the_reason(
    line: Line, ehr: Ehr, patient: str
) -> None:
    focus = ehr.create(note(patient, "one two")).reference
    say(ehr, patient, link("replaced-by", patient), active=False)
    assert CONTRADICTION in why(analyze(line, focus, 422))
