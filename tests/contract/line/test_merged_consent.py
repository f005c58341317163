"""Line: the consent of merged patients, of those perhaps merged, and of nobody."""

import pytest

from shared.ehr.client import Ehr
from shared.errors import Conflict, FhirError, NotYet
from shared.fhir import codes
from shared.references import subject_of
from shared.runtime.line import Line
from tests.contract.line.support import again, consent, event, head, run, write
from tests.merging import link, merge, say

DENY = {"provision": [{"type": "deny"}]}


@pytest.mark.parametrize("denies", ["retired", "survivor"])
def test_the_denial_of_either_record_counts_for_both(
    line: Line, ehr: Ehr, patient: str, other: str, denies: str
) -> None:
    merge(ehr, patient, other)
    ehr.create(consent(patient if denies == "retired" else other, DENY))
    for named in (patient, other):
        reference = write(ehr, named, "may not be read")
        assert again(line, event(ehr, reference)) == ["not_analysed", "unchanged"]
        found = head(ehr, reference)
        assert (found.outcome, subject_of(found.task)) == ("rejected", other)
    alerts = [
        a
        for a in ehr.search("AuditEvent", {"type": f"{codes.DCM}|110113"})
        if a["entity"][0]["what"]["reference"] == other
    ]
    assert len(alerts) == 2


@pytest.mark.parametrize("says", ["retired", "survivor"])
def test_one_record_that_says_so_is_enough(
    line: Line, ehr: Ehr, patient: str, other: str, says: str
) -> None:
    if says == "retired":
        say(ehr, patient, link("replaced-by", other), active=False)
    else:
        say(ehr, patient, active=False)
        say(ehr, other, link("replaces", patient))
    mine, hers = (write(ehr, p, f"one side says so {p}") for p in (patient, other))
    ehr.create(consent(patient, DENY))
    assert [run(line, event(ehr, r)) for r in (mine, hers)] == ["not_analysed"] * 2


@pytest.mark.parametrize("denies", ["named", "linked"])
def test_a_denial_counts_where_a_link_remains_and_both_are_in_use(
    line: Line, ehr: Ehr, patient: str, other: str, denies: str
) -> None:
    say(ehr, patient, link("replaced-by", other), active=True)
    ehr.create(consent(patient if denies == "named" else other, DENY))
    for named in (patient, other):
        reference = write(ehr, named, f"merged or not, {named}")
        assert again(line, event(ehr, reference)) == ["not_analysed", "unchanged"]
        assert subject_of(head(ehr, reference).task) == named


def test_an_input_waits_for_a_patient_who_is_not_in_the_ehr_yet(line: Line, ehr: Ehr) -> None:
    try:
        reference = write(ehr, "Patient/comes-later", "written before the patient")
    except (FhirError, Conflict):
        return  # HAPI FHIR: there, nothing can name a patient before she is in the EHR
    arrived = event(ehr, reference)
    with pytest.raises(NotYet):
        run(line, arrived)
    assert line.give_up_waiting(arrived) == "not_analysed"
    assert head(ehr, reference).outcome == "rejected"
