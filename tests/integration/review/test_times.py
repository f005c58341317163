"""Review: of when a result is, and when it was read."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from tests.browser.clinic import Clinic, care_plan, chest_film, document, study
from tests.browser.drafts import Drafts, note_findings
from tests.integration.review.support import Visitor
from tests.integration.review.test_banner import say
from tests.integration.review.test_merged import order_of, texts


def of(time: str | None, drafts: Drafts) -> Drafts:
    """The same drafts of another clinical time."""

    def dated(pen: Pen) -> Sequence[Draft]:
        return drafts(replace(pen, effective=time))

    return dated


def times(page: str) -> str:
    found = re.search(r'<p class="times">.*?</p>', page, re.DOTALL)
    assert found
    return texts(found[0]).replace(" ,", ",").replace(" ;", ";")


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("2004-08-26", "Film of 26 Aug 2004 (22 years ago), analysed by the AI today, "),
        ("2004-08-26T18:50:59-04:00", "Film of 26 Aug 2004 ("),
        ("2004-08", "Film of Aug 2004 ("),
        (None, "The time of the film is not recorded; analysed by the AI today, "),
    ],
)
def test_a_film_tells_of_when_it_is_and_when_it_was_read(
    doctor: Visitor, clinic: Clinic, time: str | None, said: str
) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("imaging", source, of(time, chest_film(source)))
    assert times(doctor.get(f"/results/{task}")).startswith(said)


def test_a_date_that_was_corrected_since_is_said(doctor: Visitor, clinic: Clinic) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("imaging", source, of("2004-08-26", chest_film(source)))
    say(clinic.ehr, source, started="2005-08-26")
    assert "The record says 26 Aug 2005 now." in times(doctor.get(f"/results/{task}"))
    say(clinic.ehr, source, started="2004-08-26")
    assert "The record says" not in times(doctor.get(f"/results/{task}"))


def test_what_an_older_careloop_wrote_has_the_time_of_its_source(
    doctor: Visitor, clinic: Clinic
) -> None:
    source = study(clinic.ehr, clinic.patient)
    say(clinic.ehr, source, started="2011-02-03")

    def older(pen: Pen) -> Sequence[Draft]:
        return chest_film(source)(replace(pen, effective=pen.now))

    task = clinic.result("imaging", source, older)
    assert times(doctor.get(f"/results/{task}")).startswith("Film of 3 Feb 2011 (")


def test_a_note_and_a_plan_tell_theirs(doctor: Visitor, clinic: Clinic) -> None:
    kind = codes.concept(codes.LOINC, "18842-5")
    note = document(clinic.ehr, clinic.patient, "text/plain", b"On clopidogrel.", kind)
    written = clinic.result("notes", note, of("2019-03-01", note_findings(note)))
    assert times(doctor.get(f"/results/{written}")).startswith("Note of 1 Mar 2019 (")
    ordered = order_of(clinic.ehr, clinic.patient)
    plan = clinic.result("treatment", clinic.patient, of("2026-01-05", care_plan([ordered])))
    assert times(doctor.get(f"/results/{plan}")).startswith("Newest input of 5 Jan 2026")


def test_the_day_is_the_hospitals(visit: Callable[..., Visitor], clinic: Clinic) -> None:
    source = study(clinic.ehr, clinic.patient)
    late = "2004-08-26T18:50:59-04:00"
    task = clinic.result("imaging", source, of(late, chest_film(source)))
    visitor = visit(timezone="Asia/Tokyo")
    visitor.log_in()
    assert times(visitor.get(f"/results/{task}")).startswith("Film of 27 Aug 2004 (")
