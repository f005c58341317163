"""Review: sessions end at the server."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from services.review.access.sessions.store import FILE
from services.review.app import create_review_app
from shared.ehr.opening import open_ehr
from shared.settings import load_settings
from tests.browser.clinic import PASSWORD, Clinic, a_film, open_clinic
from tests.fakes import HAPI, FakeEhr
from tests.integration.review.support import Visitor

REFRESH = {"Sec-Fetch-Mode": "cors"}
ROLES = {"review_roles": '{"radiologist": ["RAD"], "physician": ["CarePlan"]}'}


def test_a_cookie_copied_before_the_logout_is_worth_nothing_after_it(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    doctor.get("/")
    thief = doctor.copy()
    thief.get(f"/results/{task}")
    token = thief.token()
    assert doctor.post("/logout").status_code == 303
    for path in ("/", f"/results/{task}", f"/results/{task}/media/heat-map"):
        thief.get(path, 302)
    sent = thief.post(f"/results/{task}/decision", token=token, action="sign", reviewed="yes")
    assert sent.status_code in (400, 401) and clinic.task(task)["status"] == "requested"


def test_a_late_answer_does_not_bring_a_session_back(doctor: Visitor) -> None:
    doctor.get("/")
    thief = doctor.copy()
    with thief.client.session_transaction() as session:
        session["note"] = "a request that began before the logout"
        doctor.post("/logout")
    thief.get("/", 302)


def test_a_login_gives_the_session_a_new_id(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.client.get("/login")
    planted = visitor.copy()
    visitor.log_in()
    visitor.get("/")
    planted.get("/", 302)


def test_the_cookie_holds_nothing_and_the_file_nothing_that_can_be_read(
    doctor: Visitor, clinic: Clinic, tmp_path: Path
) -> None:
    doctor.get("/?patient=Mustermann")
    cookie = doctor.client.get_cookie("careloop")
    assert cookie and cookie.http_only and cookie.same_site == "Lax"
    assert len(cookie.value) == 43 and "." not in cookie.value
    kept = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE}*"))
    assert len(kept) > 1_000
    for word in (cookie.value, "Berg", "berg", clinic.practitioner, clinic.patient, "Mustermann"):
        assert word.encode() not in kept, word


def test_another_process_and_another_start_know_the_session(
    visit: Callable[..., Visitor], doctor: Visitor
) -> None:
    cookie = doctor.client.get_cookie("careloop")
    other = visit()
    other.client.set_cookie("careloop", cookie.value if cookie else "")
    other.get("/")
    assert other.post("/logout").status_code == 303
    doctor.get("/", 302)


def test_another_key_ends_every_session(visit: Callable[..., Visitor], doctor: Visitor) -> None:
    cookie = doctor.client.get_cookie("careloop")
    stranger = visit(review_session_key="another")
    stranger.client.set_cookie("careloop", cookie.value if cookie else "")
    stranger.get("/", 302)


def test_nobody_at_work_ends_the_session(visit: Callable[..., Visitor]) -> None:
    visitor = visit(review_idle_sec=3.0)
    visitor.log_in()
    for _ in range(7):
        time.sleep(0.5)
        visitor.get("/")
    time.sleep(3.1)
    visitor.get("/", 302)


def test_a_page_that_refreshes_itself_is_nobody_at_work(visit: Callable[..., Visitor]) -> None:
    visitor = visit(review_idle_sec=3.0)
    visitor.log_in()
    answers = []
    for _ in range(7):
        time.sleep(0.5)
        answers.append(visitor.client.get("/", headers=REFRESH).status_code)
    assert answers[0] == 200 and answers[-1] == 302


def test_the_shift_ends_the_session_however_busy(visit: Callable[..., Visitor]) -> None:
    visitor = visit(review_session_sec=3.0)
    visitor.log_in()
    visitor.get("/")
    time.sleep(3.1)
    visitor.get("/", 302)


@pytest.mark.parametrize("roles", ["physician", "radiologist,physician"])
def test_a_login_with_other_roles_ends_the_older_sessions(
    visit: Callable[..., Visitor], clinic: Clinic, roles: str
) -> None:
    before, same, other = (
        visit(review_local_user=f"berg:{clinic.practitioner}:{r}", **ROLES)
        for r in ("radiologist", "radiologist", roles)
    )
    for visitor in (before, same):
        visitor.log_in()
    before.get("/")
    other.log_in()
    for visitor in (before, same):
        visitor.get("/", 302)
    other.get("/")


def test_a_login_as_another_practitioner_ends_the_older_sessions(
    visit: Callable[..., Visitor], doctor: Visitor, clinic: Clinic
) -> None:
    second = clinic.ehr.create({"resourceType": "Practitioner", "name": [{"family": "Neu"}]})
    renamed = visit(review_local_user=f"berg:{second.reference}")
    doctor.get("/")
    renamed.log_in()
    doctor.get("/", 302)


def test_a_login_that_is_refused_now_ends_the_older_sessions(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    before = visit(review_local_user=f"berg:{clinic.practitioner}:radiologist", **ROLES)
    now = visit(review_local_user=f"berg:{clinic.practitioner}:porter", **ROLES)
    for visitor in (before, now):
        visitor.client.get("/login")
    before.log_in()
    before.get("/")
    assert now.log_in().status_code == 403
    before.get("/", 302)


def test_who_left_reads_nothing_more(
    visit: Callable[..., Visitor], clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.review.access.staff.RECHECK_SEC", 0.0)
    visitor = visit()
    visitor.log_in()
    visitor.get("/")
    known = clinic.ehr.read(clinic.practitioner)
    assert known
    clinic.ehr.update(known | {"active": False}, known["meta"]["versionId"])
    refused = visitor.get("/", 403)
    assert "your session has ended" in refused and "Ask your administrator" in refused
    visitor.get("/", 302)


@pytest.mark.parametrize("path", ["/", "/results/{}", "/results/{}/media/heat-map", "/session"])
def test_who_left_reads_nothing_more_by_a_request_of_her_pages_own(
    visit: Callable[..., Visitor], clinic: Clinic, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("services.review.access.staff.RECHECK_SEC", 0.0)
    task, visitor = a_film(clinic), visit()
    visitor.log_in()
    visitor.get("/")
    known = clinic.ehr.read(clinic.practitioner)
    assert known
    clinic.ehr.update(known | {"active": False}, known["meta"]["versionId"])
    if path == "/session":
        at_work = {"csrf": visitor.token()}
        refused = visitor.client.post(path, data=at_work, headers=REFRESH)
        assert refused.status_code == 401
    else:
        refused = visitor.client.get(path.format(task), headers=REFRESH)
        assert refused.status_code == 403 and "your session has ended" in refused.text
    visitor.get("/", 302)


def test_a_login_page_that_stayed_open_over_night_asks_again(
    visit: Callable[..., Visitor],
) -> None:
    visitor = visit()
    visitor.client.get("/login")
    answer = visitor.post("/login", token="of yesterday", name="berg", password="x")
    assert answer.status_code == 400 and "Log in now" in answer.text
    assert visitor.log_in().status_code == 303


def test_a_page_may_ask_whether_its_session_goes_on_without_prolonging_it(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    visitor = visit(review_idle_sec=3.0)
    assert visitor.client.get("/session").status_code == 401
    visitor.log_in()
    visitor.get("/")
    token, answers = visitor.token(), []
    for _ in range(8):
        answers.append(visitor.client.get("/session", headers=REFRESH))
        time.sleep(0.5)
    assert answers[0].get_json() == {"person": clinic.practitioner, "csrf": token}
    assert answers[-1].status_code == 401


def test_somebody_at_work_on_a_page_keeps_its_session(visit: Callable[..., Visitor]) -> None:
    visitor = visit(review_idle_sec=3.0)
    visitor.log_in()
    visitor.get("/")
    token = visitor.token()
    for _ in range(7):
        time.sleep(0.5)
        sent = visitor.client.post("/session", data={"csrf": token}, headers=REFRESH)
        assert sent.status_code == 200
    visitor.get("/")
    assert visitor.post("/session", token="wrong").status_code == 400


@pytest.mark.parametrize("host", ["https://review.example", "http://localhost"])
def test_the_cookie_is_taken_back_as_it_was_given(visit: Callable[..., Visitor], host: str) -> None:
    visitor = visit(review_url=host)
    visitor.client.get("/login", base_url=host)
    with visitor.client.session_transaction(base_url=host) as session:
        token = session["csrf"]
    given = {"csrf": token, "name": "berg", "password": PASSWORD}
    begun = visitor.client.post("/login", base_url=host, data=given)
    visitor.client.get("/", base_url=host)
    with visitor.client.session_transaction(base_url=host) as session:
        token = session["csrf"]
    ended = visitor.client.post("/logout", base_url=host, data={"csrf": token})
    for answer in (begun, ended):
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-careloop=") == ("Secure" in cookie)
        assert ("Secure" in cookie) == host.startswith("https")
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie


def test_one_can_log_out_while_the_ehr_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.review.access.staff.RECHECK_SEC", 0.0)
    with FakeEhr(HAPI) as fake:
        ehr = open_ehr(load_settings(fhir_url=fake.base, fhir_timeout_sec=1))
        settings = load_settings(fhir_url=fake.base, state_dir=tmp_path, **open_clinic(ehr).login)
        visitor = Visitor(create_review_app(settings, ehr).test_client())
        visitor.log_in()
        visitor.get("/")
    thief, token = visitor.copy(), visitor.token()
    visitor.get("/", 503)
    assert visitor.post("/logout", token=token).status_code == 303
    thief.get("/", 302)
    assert visitor.post("/logout", token=token).status_code == 303, "once more harms nobody"


def test_sessions_that_can_t_be_read_are_told_and_let_nobody_in(
    visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    visitor = visit()
    visitor.log_in()
    visitor.get("/")
    with closing(sqlite3.connect(tmp_path / FILE)) as rows:
        rows.execute("ALTER TABLE sessions RENAME TO elsewhere")
    for path in ("/", "/results/7", "/login"):
        answer = visitor.client.get(path)
        assert answer.status_code == 503 and "Logins can" in answer.text
    assert visitor.client.get("/healthz").status_code == 200


def test_a_form_that_expired_has_the_same_words_everywhere(doctor: Visitor) -> None:
    said = "This form has expired, and nothing was saved."
    for path in ("/login", "/logout", "/session", "/emergency/end", "/results/7/decision"):
        for token in ("", "another", "ü" * 40):
            refused = doctor.post(path, token)
            assert refused.status_code == 400 and said in refused.text, (path, token)
