"""Review: a reader of films sees the film before the AI's answer."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from services.review.access.first_look import KEPT
from shared.answers import Answer
from tests.browser.clinic import Clinic, a_film, chest_film, fill, study
from tests.integration.review.looks import look, plan_on, row
from tests.integration.review.support import UID, Visitor, audited, named, put_film

ANSWER = "Opacity in the left lower zone"
PLAN = "Replace clopidogrel by prasugrel."
TELLING = (ANSWER, "Pneumonia", "pneumonia", "0.91", "/media/heat-map", "Sign as it stands")


@pytest.fixture
def reader(visit: Callable[..., Visitor]) -> Visitor:
    """Somebody who reads films first."""
    visitor = visit(review_film_first="*")
    visitor.log_in()
    return visitor


@pytest.fixture
def source(clinic: Clinic, tmp_path: Path) -> str:
    """A study whose film can be shown."""
    put_film(tmp_path)
    return study(clinic.ehr, clinic.patient, UID)


@pytest.fixture
def film(clinic: Clinic, source: str) -> str:
    """A waiting report on it; the id of its Task."""
    return clinic.result("imaging", source, chest_film(source))


def picture(reader: Visitor, task: str, name: str) -> str | None:
    return reader.client.get(f"/results/{task}/{name}").content_type


def test_the_answer_follows_the_readers_own_look(
    reader: Visitor, clinic: Clinic, film: str
) -> None:
    first = reader.get(f"/results/{film}")
    assert f"/results/{film}/film" in first
    assert "Mustermann" in first, "the banner says whose film it is"
    for said in TELLING:
        assert said not in first, said
    assert "<title>Look at the film first" in first

    look(reader, film)
    after = reader.get(f"/results/{film}")
    for said in TELLING:
        assert said in after, said
    assert "You looked at the film alone until" in after
    assert reader.decide(film, "sign", reviewed="yes").status_code == 303
    assert clinic.task(film)["status"] == "completed"


def test_no_other_address_tells_it(reader: Visitor, clinic: Clinic, source: str, film: str) -> None:
    reader.get(f"/results/{film}/media/heat-map", 409)
    by_answer = reader.client.get(
        f"/results/{Answer('imaging', source).uuid}", follow_redirects=True
    )
    assert "Look at the film first" in by_answer.text
    for said in TELLING:
        assert said not in by_answer.text, said
    assert picture(reader, film, "film") == "image/png"

    look(reader, film)
    assert picture(reader, film, "media/heat-map") == "image/png"


def test_the_list_keeps_the_row_and_hides_what_it_says(
    reader: Visitor, clinic: Clinic, film: str
) -> None:
    plan, mine = plan_on(clinic, film), f"/?patient={clinic.patient.split('/')[1]}"
    page = reader.get(mine)
    for task in (film, plan):
        assert "Look at the film first" in row(page, task)
        assert 'class="severity"' not in row(page, task), "no urgency, no alerts"
        assert 'class="gist"' not in row(page, task)

    look(reader, film)
    page = reader.get(mine)
    assert ANSWER in row(page, film)
    assert PLAN in row(page, plan)
    assert 'class="severity"' in row(page, plan)


@pytest.mark.parametrize("word", ["opacity", "keeping", "prasugrel"])
def test_a_search_by_words_does_not_find_it(
    reader: Visitor, doctor: Visitor, clinic: Clinic, film: str, word: str
) -> None:
    plan = plan_on(clinic, film)
    asked = f"/?patient={clinic.patient.split('/')[1]}&text={word}"
    assert f"/results/{film}" in (shown := doctor.get(asked)) or f"/results/{plan}" in shown
    page = reader.get(asked)
    assert f"/results/{film}" not in page
    assert f"/results/{plan}" not in page
    assert "not searched by their words" in page
    assert "not searched by their words" not in shown


def test_a_plan_that_repeats_it_waits_for_the_look_too(
    reader: Visitor, clinic: Clinic, source: str, film: str
) -> None:
    plan = plan_on(clinic, film)
    first = reader.get(f"/results/{plan}")
    for said in (*TELLING, PLAN):
        assert said not in first, said
    assert f"/results/{Answer('imaging', source).uuid}" in first
    sent = reader.post(f"/results/{plan}/decision", action="sign", reviewed="yes", stamp="0")
    assert sent.status_code == 409
    assert PLAN not in sent.text

    look(reader, film)
    assert PLAN in reader.get(f"/results/{plan}")


@pytest.mark.parametrize("action", ["sign", "amend", "reject"])
def test_a_form_sent_before_the_look_decides_nothing(
    reader: Visitor, doctor: Visitor, clinic: Clinic, film: str, action: str
) -> None:
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', doctor.get(f"/results/{film}"))
    assert stamp
    reader.get(f"/results/{film}")
    sent = reader.post(
        f"/results/{film}/decision",
        action=action,
        reviewed="yes",
        reason="No.",
        text="No.",
        stamp=stamp[1],
    )
    assert sent.status_code == 409
    assert "Look at the film first" in sent.text
    for said in TELLING:
        assert said not in sent.text, said
    assert clinic.task(film)["status"] == "requested"


def test_a_look_holds_for_one_session(
    reader: Visitor, visit: Callable[..., Visitor], clinic: Clinic, film: str
) -> None:
    look(reader, film)
    assert "look" not in str(clinic.task(film)).lower()
    other = visit(review_film_first="*")
    other.log_in()
    assert ANSWER not in other.get(f"/results/{film}")


def test_a_session_remembers_its_last_looks(reader: Visitor, clinic: Clinic, film: str) -> None:
    with reader.client.session_transaction() as session:
        session["looks"] = {f"old-{at}": [""] for at in range(KEPT - 1)}
    look(reader, film)
    with reader.client.session_transaction() as session:
        assert len(session["looks"]) == KEPT
    look(reader, a_film(clinic))
    with reader.client.session_transaction() as session:
        assert len(session["looks"]) == KEPT
        assert film in session["looks"]


def test_a_look_needs_the_sessions_token(reader: Visitor, film: str) -> None:
    assert reader.post(f"/results/{film}/look", token="guessed").status_code == 400
    assert ANSWER not in reader.get(f"/results/{film}")


def test_the_first_look_is_recorded_as_a_look_at_the_film_alone(
    reader: Visitor, clinic: Clinic, source: str, film: str
) -> None:
    reader.get(f"/results/{film}")
    [event] = audited(clinic, "R")
    assert named(event) == {f"Task/{film}", source, clinic.patient}


@pytest.mark.parametrize("roles", ["", "geneticist", "geneticist, cardiologist", "Radiologist"])
def test_another_role_sees_film_and_answer_together(
    visit: Callable[..., Visitor], clinic: Clinic, film: str, roles: str
) -> None:
    who = f"berg:{clinic.practitioner}:radiologist"
    visitor = visit(review_local_user=who, review_film_first=roles)
    visitor.log_in()
    page = visitor.get(f"/results/{film}")
    assert ANSWER in page
    assert "You looked at the film" not in page
    assert ANSWER in visitor.get(f"/?patient={clinic.patient.split('/')[1]}")


def test_a_role_that_is_named_looks_first(
    visit: Callable[..., Visitor], clinic: Clinic, film: str
) -> None:
    who = f"berg:{clinic.practitioner}:radiologist"
    visitor = visit(review_local_user=who, review_film_first="cardiologist, radiologist")
    visitor.log_in()
    assert ANSWER not in visitor.get(f"/results/{film}")


def test_without_a_film_the_answer_is_shown_and_the_page_says_why(
    reader: Visitor, clinic: Clinic
) -> None:
    task, mine = a_film(clinic), f"/?patient={clinic.patient.split('/')[1]}"
    assert ANSWER not in reader.get(mine)
    for _ in range(2):
        page = reader.get(f"/results/{task}")
        assert ANSWER in page
        assert "You see films before the AI's answer." in page.replace("&#39;", "'")
        assert "does not have it" in page
    assert ANSWER in reader.get(mine), "it was shown: nothing is left to hide"
    assert picture(reader, task, "media/heat-map") == "image/png"
    assert reader.decide(task, "sign", reviewed="yes").status_code == 303


def test_what_is_decided_waits_for_no_look(
    reader: Visitor, doctor: Visitor, clinic: Clinic, film: str
) -> None:
    plan = plan_on(clinic, film)
    assert doctor.decide(film, "sign", reviewed="yes").status_code == 303
    assert ANSWER in reader.get(f"/results/{film}")
    assert PLAN in reader.get(f"/results/{plan}")


def test_what_is_decided_elsewhere_is_hidden_nowhere_once_it_was_shown(
    reader: Visitor, clinic: Clinic, film: str
) -> None:
    plan, mine = plan_on(clinic, film), f"/?patient={clinic.patient.split('/')[1]}"
    report = clinic.outputs(film)["report"]
    clinic.ehr.update(report | {"status": "final"}, report["meta"]["versionId"])
    assert ANSWER in reader.get(f"/results/{film}")
    assert picture(reader, film, "media/heat-map") == "image/png"
    page = reader.get(mine)
    assert ANSWER in row(page, film)
    assert PLAN in row(page, plan)
    assert "Look at the film first" not in page


@pytest.mark.parametrize("service", ["notes", "genomics"])
def test_other_results_wait_for_no_look(reader: Visitor, clinic: Clinic, service: str) -> None:
    assert "Look at the film first" not in reader.get(f"/results/{fill(clinic)[service]}")


def test_who_may_not_see_films_waits_for_none(
    visit: Callable[..., Visitor], clinic: Clinic, film: str
) -> None:
    plan = plan_on(clinic, film)
    visitor = visit(
        review_local_user=f"berg:{clinic.practitioner}:physician",
        review_roles='{"physician": ["CarePlan"], "radiologist": ["RAD"]}',
        review_film_first="*",
    )
    visitor.log_in()
    assert PLAN in visitor.get(f"/results/{plan}")
    assert PLAN in row(visitor.get(f"/?patient={clinic.patient.split('/')[1]}"), plan)


@pytest.mark.parametrize("status", ["draft", "requested"])
def test_an_answer_that_is_being_renewed_is_held_back_too(
    reader: Visitor, clinic: Clinic, film: str, status: str
) -> None:
    task = clinic.task(film)
    clinic.ehr.update(task | {"status": status}, task["meta"]["versionId"])
    assert ANSWER not in reader.get(f"/results/{film}")
    reader.get(f"/results/{film}/media/heat-map", 409)
    look(reader, film)
    assert ANSWER in reader.get(f"/results/{film}")
