"""The review pages over HTTP on a real EHR: who gets in, what is refused, and that no page shows
another patient's data.
"""

import base64
import io
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pydicom
import pytest
from flask.testing import FlaskClient
from oidc_provider_mock import User as Account
from oidc_provider_mock import run_server_in_thread
from PIL import Image
from pydicom.data import get_testdata_file
from werkzeug.test import TestResponse

from services.clinic.ports import free_port
from services.review.app import create_review_app
from services.review.process import review_scopes, run_review
from shared import instants
from shared.answers import Answer
from shared.dicom.store import open_pacs
from shared.ehr.client import Ehr, open_ehr
from shared.errors import PoisonRecord
from shared.fhir import codes, heads
from shared.fhir.drafts import Draft, Pen
from shared.fhir.heads import head_of
from shared.runtime import dead_letters
from shared.settings import load_settings
from shared.stream.base import EVENTS_TOPIC, Message
from shared.stream.open import open_log
from tests.browser.clinic import (
    PASSWORD,
    Clinic,
    a_film,
    care_plan,
    chest_film,
    fill,
    genome,
    open_clinic,
    study,
)
from tests.fakes import HAPI, FakeEhr
from tests.peers import sekmet

UID = "1.2.826.0.1.3680043.8.498.77"


@dataclass
class Visitor:
    """Somebody at the pages, with a cookie jar; forms are filled in as a browser does."""

    client: FlaskClient

    def get(self, path: str, status: int = 200) -> str:
        response = self.client.get(path)
        assert response.status_code == status, response.text
        return response.text

    def post(self, path: str, token: str | None = None, **fields: Any) -> TestResponse:
        return self.client.post(
            path, data={"csrf": self.token() if token is None else token} | fields
        )

    def token(self) -> str:
        with self.client.session_transaction() as session:
            return str(session.get("csrf", ""))

    def log_in(self, name: str = "berg", password: str = PASSWORD, **fields: str) -> TestResponse:
        self.client.get("/login")
        return self.post("/login", name=name, password=password, **fields)

    def decide(self, task: str, action: str, **fields: Any) -> TestResponse:
        """Open the result, then send the form that it shows."""
        stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', self.get(f"/results/{task}"))
        return self.post(
            f"/results/{task}/decision", stamp=stamp[1] if stamp else "", action=action, **fields
        )


@pytest.fixture(scope="module", params=["sekmet", "habits of HAPI"])
def fhir_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if request.param == "sekmet":
        with sekmet(tmp_path_factory.mktemp("ehr")) as peer:
            yield peer.base
    else:
        with FakeEhr(HAPI) as fake:
            yield fake.base


@pytest.fixture
def ehr(fhir_url: str) -> Iterator[Ehr]:
    client = open_ehr(load_settings(fhir_url=fhir_url))
    yield client
    client.close()


@pytest.fixture
def clinic(ehr: Ehr) -> Clinic:
    return open_clinic(ehr)


@pytest.fixture
def visit(clinic: Clinic, fhir_url: str, tmp_path: Path) -> Callable[..., Visitor]:
    """Someone at pages with these settings, not logged in."""

    def visitor(**settings: Any) -> Visitor:
        given = clinic.login | {"state_dir": tmp_path} | settings
        return Visitor(
            create_review_app(load_settings(fhir_url=fhir_url, **given), clinic.ehr).test_client()
        )

    return visitor


@pytest.fixture
def doctor(visit: Callable[..., Visitor]) -> Visitor:
    visitor = visit()
    assert visitor.log_in().status_code == 303
    return visitor


# --- who gets in


def test_nobody_sees_anything_without_a_login(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    task, visitor = a_film(clinic), visit()
    for path in (
        "/",
        f"/results/{task}",
        f"/results/{task}/media/heat-map",
        f"/results/{task}/film",
        "/models/1",
    ):
        response = visitor.client.get(path)
        assert response.status_code == 302 and response.location.startswith("/login?next="), path
    assert visitor.post(f"/results/{task}/decision", action="sign").status_code == 401


def test_the_login_leads_back_to_the_page_that_was_asked_for(visit: Callable[..., Visitor]) -> None:
    assert visit().log_in(next="/results/7").location == "/results/7"
    assert visit().log_in(next="https://evil.example/").location == "/"


def test_guessing_is_slowed_down(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    assert [visitor.log_in(password="guess").status_code for _ in range(6)] == [401] * 5 + [429]
    assert visitor.log_in().status_code == 429


def test_logging_out_ends_it(doctor: Visitor) -> None:
    doctor.get("/")
    assert doctor.post("/logout").status_code == 303
    doctor.get("/", 302)


def test_a_session_ends_with_the_shift(doctor: Visitor) -> None:
    with doctor.client.session_transaction() as session:
        session["until"] = 1
    doctor.get("/", 302)


def test_a_cookie_of_another_key_is_worth_nothing(
    visit: Callable[..., Visitor], doctor: Visitor
) -> None:
    cookie = doctor.client.get_cookie("careloop")
    assert cookie and cookie.http_only and cookie.same_site == "Lax"
    stranger = visit()
    stranger.client.set_cookie("careloop", cookie.value)
    stranger.get("/", 302)


def test_cookies_are_secure_away_from_this_machine(visit: Callable[..., Visitor]) -> None:
    response = visit(review_url="https://review.example").client.get(
        "/login", base_url="https://review.example"
    )
    assert (
        response.headers["Set-Cookie"].startswith("__Host-careloop=")
        and "Secure" in response.headers["Set-Cookie"]
    )


# --- what every answer carries


def test_every_answer_is_protected(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    for path in ("/", f"/results/{task}", "/results/nothing", f"/results/{task}/media/heat-map"):
        headers = doctor.client.get(path).headers
        assert (
            "default-src 'none'" in headers["Content-Security-Policy"]
            and "unsafe" not in headers["Content-Security-Policy"]
        )
        assert (
            headers["Cache-Control"] == "no-store"
            and headers["X-Content-Type-Options"] == "nosniff"
        )
    assert doctor.client.get(f"/results/{task}/media/heat-map").content_type == "image/png"


def test_pages_hold_no_inline_script_or_style(doctor: Visitor, clinic: Clinic) -> None:
    for page in [
        doctor.get("/"),
        *(doctor.get(f"/results/{task}") for task in fill(clinic).values()),
    ]:
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", page)


# --- deciding


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_form_without_its_token_changes_nothing(
    doctor: Visitor, clinic: Clinic, token: str
) -> None:
    task = a_film(clinic)
    doctor.get(f"/results/{task}")
    for path in (f"/results/{task}/decision", f"/results/{task}/close", "/logout"):
        assert doctor.post(path, token=token, action="sign", reviewed="yes").status_code == 400
    assert clinic.task(task)["status"] == "requested"


def test_a_form_of_another_site_changes_nothing(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    doctor.get(f"/results/{task}")
    sent = doctor.client.post(
        f"/results/{task}/decision",
        data={"csrf": doctor.token(), "action": "sign"},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert sent.status_code == 400 and clinic.task(task)["status"] == "requested"


@pytest.mark.parametrize(
    ("action", "fields", "words"),
    [
        ("sign", {}, "Confirm that you have reviewed"),
        ("reject", {"reason": "  "}, "Say why"),
        ("amend", {"reviewed": "yes", "text": " "}, "may not be empty"),
        ("amend", {"text": "Different."}, "Confirm that you have reviewed"),
    ],
)
def test_an_incomplete_form_says_what_is_missing_and_keeps_what_was_typed(
    doctor: Visitor, clinic: Clinic, action: str, fields: dict[str, str], words: str
) -> None:
    task = a_film(clinic)
    response = doctor.decide(task, action, **fields)
    assert response.status_code == 400 and words in response.text
    assert fields.get("text", "").strip() in response.text
    assert clinic.task(task)["status"] == "requested"


def test_an_amendment_that_changes_nothing_is_told_so(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    text = clinic.outputs(task)["report"]["conclusion"]
    assert (
        "changed nothing"
        in doctor.decide(task, "amend", reviewed="yes", text=text, keep=["pneumonia"]).text
    )


PNEUMONIA = codes.concept(codes.SNOMED, "233604007", "Pneumonia")


def a_coded_film(clinic: Clinic) -> str:
    """A report that says the same thing in words, in a code, as a document and in a picture."""
    source = study(clinic.ehr, clinic.patient)

    def drafts(pen: Pen) -> list[Draft]:
        *others, report = chest_film(source)(pen)
        form = {
            "contentType": "text/plain",
            "data": base64.b64encode(b"Pneumonia suspected.").decode(),
        }
        return [
            *others,
            replace(
                report,
                resource=report.resource | {"conclusionCode": [PNEUMONIA], "presentedForm": [form]},
            ),
        ]

    return clinic.result("imaging", source, drafts)


def test_a_conclusion_that_a_clinician_rewrote_no_longer_carries_the_model_s_code(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_coded_film(clinic)
    page = doctor.get(f"/results/{task}")
    assert "The report is coded as <strong>Pneumonia</strong>, by the model." in page
    assert (
        doctor.decide(task, "amend", reviewed="yes", text="No pneumonia; masses.").status_code
        == 303
    )
    written = clinic.outputs(task)
    report = written["report"]
    assert (report["status"], report["conclusion"]) == ("amended", "No pneumonia; masses.")
    assert {"conclusionCode", "presentedForm", "result", "media", "text"} & set(report) == set()
    assert (written["pneumonia"]["status"], written["heat-map"]["status"]) == (
        "cancelled",
        "entered-in-error",
    )
    assert all(
        word not in orjson.dumps(report).decode()
        for word in ("233604007", "Pneumonia", "in keeping with")
    )
    assert "by the model" not in doctor.get(f"/results/{task}")


def test_a_rewritten_conclusion_loses_its_code_even_where_the_finding_is_kept(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_coded_film(clinic)
    assert (
        doctor.decide(
            task, "amend", reviewed="yes", text="Atelectasis.", keep=["pneumonia"]
        ).status_code
        == 303
    )
    written = clinic.outputs(task)
    assert {"conclusionCode", "presentedForm"} & set(written["report"]) == set()
    assert (written["pneumonia"]["status"], written["heat-map"]["status"]) == ("final", "completed")
    assert len(written["report"]["result"]) == len(written["report"]["media"]) == 1


def test_a_code_goes_with_the_finding_that_it_stands_for(doctor: Visitor, clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    text = clinic.outputs(task)["report"]["conclusion"]
    assert doctor.decide(task, "amend", reviewed="yes", text=text).status_code == 303
    assert {"conclusionCode", "presentedForm", "result"} & set(
        clinic.outputs(task)["report"]
    ) == set()


def test_a_signed_report_keeps_its_code(doctor: Visitor, clinic: Clinic) -> None:
    task = a_coded_film(clinic)
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 303
    report = clinic.outputs(task)["report"]
    assert (
        report["conclusionCode"] == [PNEUMONIA]
        and "presentedForm" in report
        and report["status"] == "final"
    )


def test_two_clinicians_one_decision(
    visit: Callable[..., Visitor], doctor: Visitor, clinic: Clinic
) -> None:
    task, colleague = a_film(clinic), visit()
    colleague.log_in()
    page = colleague.get(f"/results/{task}")
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 303
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', page)
    assert stamp
    late = colleague.post(
        f"/results/{task}/decision", stamp=stamp[1], action="reject", reason="Typed with care"
    )
    assert (
        late.status_code == 409
        and "changed while you were reading" in late.text
        and "Typed with care" in late.text
    )
    assert clinic.outputs(task)["report"]["status"] == "final"


def test_a_write_that_comes_between_page_and_signature_wins(
    doctor: Visitor, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, transact = a_film(clinic), clinic.ehr.transact

    def slow(transaction: dict[str, Any]) -> Any:
        finding = clinic.outputs(task)["pneumonia"]
        clinic.ehr.update(
            finding | {"note": [{"text": "Written in the same second."}]},
            finding["meta"]["versionId"],
        )
        return transact(transaction)

    monkeypatch.setattr(clinic.ehr, "transact", slow)
    response = doctor.decide(task, "sign", reviewed="yes")
    assert response.status_code == 409 and "Written in the same second." in response.text
    assert (
        clinic.task(task)["status"] == "requested"
        and clinic.outputs(task)["report"]["status"] == "preliminary"
    )


def test_a_rejection_for_the_wrong_patient_is_entered_in_error(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    assert (
        doctor.decide(
            task, "reject", reason="Somebody else's film", wrong_patient="yes"
        ).status_code
        == 303
    )
    assert {r["status"] for r in clinic.outputs(task).values()} == {"entered-in-error"}


def test_a_gene_that_is_dropped_takes_its_advice_along(doctor: Visitor, clinic: Clinic) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("genomics", source, genome(source))
    assert (
        doctor.decide(task, "amend", reviewed="yes", text="Sample mix-up suspected.").status_code
        == 303
    )
    assert {key: r["status"] for key, r in clinic.outputs(task).items()} == {
        "genotype-cyp2c19": "cancelled",
        "clopidogrel": "cancelled",
        "advice-clopidogrel": "cancelled",
        "report": "amended",
    }


def test_what_was_drawn_from_a_gene_taken_back_elsewhere_is_not_signed(
    doctor: Visitor, clinic: Clinic
) -> None:
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("genomics", source, genome(source))
    assert "taken back in another system" not in doctor.get(f"/results/{task}")
    gene = clinic.outputs(task)["genotype-cyp2c19"]
    clinic.ehr.update(gene | {"status": "entered-in-error"}, gene["meta"]["versionId"])
    assert "not accepted either, even if you sign: clopidogrel" in doctor.get(f"/results/{task}")
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 303
    assert {key: r["status"] for key, r in clinic.outputs(task).items()} == {
        "genotype-cyp2c19": "entered-in-error",
        "clopidogrel": "cancelled",
        "advice-clopidogrel": "cancelled",
        "report": "final",
    }


def a_plan_on_a_report(clinic: Clinic) -> tuple[str, dict[str, Any]]:
    """A plan and the report that it rests on."""
    a_film(clinic)
    report = next(
        r
        for r in clinic.ehr.search(
            "DiagnosticReport", {"patient": clinic.patient}, subject=clinic.patient
        )
    )
    return clinic.result(
        "treatment", clinic.patient, care_plan([f"DiagnosticReport/{report['id']}"])
    ), report


NO_CHOICE = {"choice-choice/0": "none"}


def test_a_plan_is_not_signed_when_its_report_was_rejected_while_the_page_was_open(
    doctor: Visitor, clinic: Clinic
) -> None:
    task, report = a_plan_on_a_report(clinic)
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', doctor.get(f"/results/{task}"))
    assert stamp
    clinic.ehr.update(report | {"status": "cancelled"}, report["meta"]["versionId"])
    late = doctor.post(
        f"/results/{task}/decision", stamp=stamp[1], action="sign", reviewed="yes", **NO_CHOICE
    )
    assert (
        late.status_code == 409
        and "XR Chest 2 Views (cancelled)" in late.text
        and "Sign with this choice" not in late.text
    )
    assert {clinic.task(task)["status"], clinic.outputs(task)["report"]["status"]} == {
        "requested",
        "draft",
    }


def test_a_plan_on_a_rejected_report_is_not_signed_but_may_be_rejected(
    doctor: Visitor, clinic: Clinic
) -> None:
    task, report = a_plan_on_a_report(clinic)
    clinic.ehr.update(report | {"status": "cancelled"}, report["meta"]["versionId"])
    for action in ("sign", "amend"):
        assert (
            doctor.decide(task, action, reviewed="yes", text="Prasugrel.", **NO_CHOICE).status_code
            == 409
        )
    assert clinic.outputs(task)["report"]["status"] == "draft"
    assert doctor.decide(task, "reject", reason="The film was read wrongly.").status_code == 303
    assert clinic.outputs(task)["report"]["status"] == "revoked"


def test_a_plan_on_standing_reports_is_signed(doctor: Visitor, clinic: Clinic) -> None:
    task, _ = a_plan_on_a_report(clinic)
    assert doctor.decide(task, "sign", reviewed="yes", **NO_CHOICE).status_code == 303


def test_a_long_text_is_refused_and_never_cut(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    refused = doctor.decide(task, "amend", reviewed="yes", keep=["pneumonia"], text="a" * 20_001)
    assert refused.status_code == 400 and "longer than 20000 characters" in refused.text
    source, long = study(clinic.ehr, clinic.patient), "Findings. " * 2_500
    task = clinic.result("imaging", source, chest_film(source, conclusion=long.strip()))
    assert doctor.decide(task, "amend", reviewed="yes", text=long).status_code == 303
    assert clinic.outputs(task)["report"]["conclusion"] == long.strip()


def test_a_plan_is_not_signed_without_its_choice(doctor: Visitor, clinic: Clinic) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    page = doctor.get(f"/results/{task}")
    assert page.count('value="choice/0/0"') == 2 and not re.search(
        r'type="radio"[^>]* checked', page
    ), "nothing is chosen beforehand"
    for choice in ({}, {"choice-choice/0": "choice/0/5"}):
        assert (refused := doctor.decide(task, "sign", reviewed="yes", **choice)).status_code == 400
        assert "Choose at most one of the alternatives for: Antiplatelet therapy" in refused.text
    assert {
        r["status"]
        for k, r in clinic.outputs(task).items()
        if k in ("prasugrel", "ticagrelor", "choice", "report")
    } == {"draft"}
    assert clinic.task(task)["status"] == "requested"


def test_what_was_chosen_is_kept_by_a_page_that_asks_again(doctor: Visitor, clinic: Clinic) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    again = doctor.decide(task, "sign", **{"choice-choice/0": "choice/0/1"})
    assert again.status_code == 400 and re.search(r'id="sign-choice/0/1"[^>]* checked', again.text)
    amended = doctor.decide(
        task,
        "amend",
        reviewed="yes",
        text="Ticagrelor.",
        keep=["goal", "rehabilitation", "interaction"],
    )
    assert (
        amended.status_code == 400
        and ">Ticagrelor.</textarea>" in amended.text
        and not re.search(r'type="radio"[^>]* checked', amended.text)
    )


@pytest.mark.parametrize(
    ("answer", "statuses", "words"),
    [
        ("choice/0/1", ("cancelled", "active", "active"), "Antiplatelet therapy: ticagrelor."),
        (
            "none",
            ("cancelled", "cancelled", "revoked"),
            "Antiplatelet therapy: none of the alternatives.",
        ),
    ],
)
def test_a_plan_is_signed_with_the_choice_alone(
    doctor: Visitor, clinic: Clinic, answer: str, statuses: tuple[str, ...], words: str
) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    assert (
        doctor.decide(task, "sign", reviewed="yes", **{"choice-choice/0": answer}).status_code
        == 303
    )
    written, head = clinic.outputs(task), clinic.task(task)
    assert (
        tuple(written[key]["status"] for key in ("prasugrel", "ticagrelor", "choice")) == statuses
    )
    assert written["report"]["status"] == written["rehabilitation"]["status"] == "active"
    assert len(written["choice"]["action"][0]["action"]) == 2, "the group keeps what it offered"
    assert (
        codes.first_code(head["businessStatus"], codes.DECISION) == "signed"
        and head["note"][0]["text"] == words
    )
    assert words in doctor.get(f"/results/{task}")


def test_the_page_says_that_the_replaced_order_goes_on(doctor: Visitor, clinic: Clinic) -> None:
    order = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "subject": codes.reference(clinic.patient),
    }
    standing = clinic.ehr.create(
        order | {"medicationCodeableConcept": {"text": "clopidogrel 75 mg"}}
    ).reference
    task = clinic.result("treatment", clinic.patient, care_plan([], standing))
    assert (
        "Instead of clopidogrel 75 mg. <strong>Signing does not stop that order.</strong>"
        in doctor.get(f"/results/{task}")
    )


def test_an_amendment_takes_its_choice_along(doctor: Visitor, clinic: Clinic) -> None:
    task = clinic.result("treatment", clinic.patient, care_plan([]))
    kept = {
        "reviewed": "yes",
        "text": "Prasugrel; no rehabilitation.",
        "keep": ["goal", "interaction"],
        "choice-choice/0": "choice/0/0",
    }
    assert doctor.decide(task, "amend", **kept).status_code == 303
    written = clinic.outputs(task)
    assert [written[key]["status"] for key in ("prasugrel", "ticagrelor", "rehabilitation")] == [
        "active",
        "cancelled",
        "revoked",
    ]


def test_a_report_made_final_elsewhere_is_respected_and_its_head_closed(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    report = clinic.outputs(task)["report"]
    clinic.ehr.update(report | {"status": "final"}, report["meta"]["versionId"])
    assert doctor.decide(task, "reject", reason="No").status_code == 409
    page = doctor.get(f"/results/{task}")
    assert "Decided elsewhere" in page and "Sign as it stands" not in page
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', page)
    assert stamp and doctor.post(f"/results/{task}/close", stamp=stamp[1]).status_code == 303
    assert (
        clinic.task(task)["status"] == "completed"
        and clinic.outputs(task)["report"]["meta"]["versionId"] == "2"
    )


def test_every_look_and_every_decision_is_in_the_audit_trail(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    doctor.decide(task, "sign", reviewed="yes")
    events = [e for e in clinic.ehr.search("AuditEvent", {}) if clinic.patient in str(e["entity"])]
    assert sorted(e["action"] for e in events) == ["R", "U"]
    assert all(e["agent"][0]["who"]["reference"].endswith(clinic.practitioner) for e in events)


# --- who may sign


def test_without_a_practitioner_one_may_look_and_not_sign(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    task, visitor = a_film(clinic), visit(review_local_user="guest:Practitioner/unknown")
    visitor.log_in("guest")
    page = visitor.get(f"/results/{task}")
    assert "fhirUser" in page and "Sign as it stands" not in page
    refused = visitor.post(f"/results/{task}/decision", action="sign", reviewed="yes", stamp="x")
    assert (
        refused.status_code == 403
        and "fhirUser" in refused.text
        and clinic.task(task)["status"] == "requested"
    )


def test_a_practitioner_who_left_signs_no_more_in_the_session_that_is_still_open(
    doctor: Visitor, clinic: Clinic
) -> None:
    task, known = a_film(clinic), clinic.ehr.read(clinic.practitioner)
    assert known
    clinic.ehr.update(known | {"active": False}, known["meta"]["versionId"])
    refused = doctor.decide(task, "sign", reviewed="yes")
    assert refused.status_code == 403 and "not active in the record any more" in refused.text
    assert clinic.task(task)["status"] == "requested"


def test_a_role_signs_its_categories_alone(visit: Callable[..., Visitor], clinic: Clinic) -> None:
    task, visitor = a_film(clinic), visit(review_roles='{"geneticist": ["GE"]}')
    visitor.log_in()
    assert visitor.decide(task, "sign", reviewed="yes").status_code == 403


def through_the_issuer(visitor: Visitor, subject: str) -> TestResponse:
    """Log in at the issuer as a browser would; returns the answer to the callback."""
    away = visitor.client.get("/login/oidc?next=/results/7")
    query = parse_qs(urlsplit(away.location).query)
    assert query["code_challenge_method"] == ["S256"] and query["nonce"] and query["state"]
    back = httpx.post(away.location, data={"sub": subject}, timeout=60)
    place = urlsplit(back.headers["location"])
    return visitor.client.get(f"{place.path}?{place.query}")


@pytest.mark.filterwarnings(
    "ignore:get_jwt_config:DeprecationWarning"
)  # of the test provider, which runs in this process
def test_a_hospital_login_signs_as_its_practitioner(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    task = a_film(clinic)
    accounts = [
        Account(
            sub="ada",
            claims={
                "fhirUser": f"https://ehr.example/fhir/{clinic.practitioner}",
                "roles": ["radiologist"],
                "name": "Ada",
            },
        ),
        Account(sub="otto", claims={"name": "Otto", "roles": "radiologist"}),
    ]
    with run_server_in_thread(user_claims=accounts) as issuer:
        given = {
            "review_oidc_issuer": f"http://localhost:{issuer.server_port}",
            "review_oidc_client_id": "careloop",
            "review_local_user": None,
        }
        given |= {
            "review_oidc_client_secret": "secret",
            "review_local_password": None,
            "review_roles": '{"radiologist": ["RAD"]}',
        }
        nobody, ada = visit(**given), visit(**given)
        assert through_the_issuer(nobody, "otto").location == "/results/7"
        assert nobody.decide(task, "sign", reviewed="yes").status_code == 403
        assert "local login" not in ada.get("/login")
        assert through_the_issuer(ada, "ada").location == "/results/7"
        assert ada.decide(task, "sign", reviewed="yes").status_code == 303
    assert clinic.task(task)["owner"]["reference"].endswith(clinic.practitioner)


def test_an_answer_that_nobody_asked_the_issuer_for_lets_nobody_in(
    visit: Callable[..., Visitor],
) -> None:
    with run_server_in_thread() as issuer:
        visitor = visit(
            review_oidc_issuer=f"http://localhost:{issuer.server_port}",
            review_oidc_client_id="careloop",
        )
        assert visitor.client.get("/login/callback?code=stolen&state=guessed").status_code == 401
        visitor.get("/", 302)


def test_an_issuer_that_is_away_is_told(visit: Callable[..., Visitor]) -> None:
    visitor = visit(review_oidc_issuer="http://127.0.0.1:9", review_oidc_client_id="careloop")
    assert "does not answer" in visitor.get("/login/oidc", 503)


# --- one patient, no other


def test_pages_hold_nothing_of_another_patient(doctor: Visitor, clinic: Clinic) -> None:
    other = open_clinic(clinic.ehr, "Otto", "Fremdling")
    fill(other)
    source = study(clinic.ehr, clinic.patient)
    task = clinic.result("imaging", source, chest_film(source, "Clear lungs."))
    strange = next(
        r
        for r in clinic.ehr.search(
            "DiagnosticReport", {"patient": other.patient}, subject=other.patient
        )
    )
    head = clinic.task(task)
    for item in head["output"]:  # the head points into somebody else's record
        if codes.has_code(item["type"], codes.TASK_PART, "pneumonia"):
            item["valueReference"] = codes.reference(f"DiagnosticReport/{strange['id']}")
    clinic.ehr.update(head, head["meta"]["versionId"])
    page = doctor.get(f"/results/{task}")
    assert "belong to another patient" in page and "Sign as it stands" not in page
    for word in ("Otto", "Fremdling", strange["conclusion"], strange["id"]):
        assert word not in page.replace(f"DiagnosticReport/{strange['id']}", ""), word
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 409
    assert clinic.task(task)["status"] == "requested"


def test_a_result_drawn_from_another_patient_s_film_is_not_signed(
    doctor: Visitor, clinic: Clinic
) -> None:
    other = open_clinic(clinic.ehr, "Otto", "Fremdling")
    source = study(clinic.ehr, other.patient)
    task = clinic.result("imaging", source, chest_film(source))
    page = doctor.get(f"/results/{task}")
    assert (
        "belong to another patient" in page
        and "can't be decided on" in page
        and "Sign as it stands" not in page
    )
    assert doctor.decide(task, "sign", reviewed="yes").status_code == 409
    assert clinic.task(task)["status"] == "requested"


def test_the_worklist_filters_by_patient_service_and_outcome(
    doctor: Visitor, clinic: Clinic
) -> None:
    tasks = fill(clinic)
    patient = clinic.patient.split("/")[1]
    rows = r'class="go" href="/results/([^"]+)"'
    assert set(re.findall(rows, doctor.get(f"/?patient={patient}"))) == set(tasks.values())
    assert re.findall(rows, doctor.get(f"/?patient={patient}&service=notes")) == [tasks["notes"]]
    doctor.decide(tasks["notes"], "sign", reviewed="yes")
    assert re.findall(rows, doctor.get(f"/?patient={patient}&outcome=completed")) == [
        tasks["notes"]
    ]
    assert re.findall(rows, doctor.get("/?patient=Nobody")) == []
    assert doctor.client.get("/?outcome=everything").status_code == 400
    assert doctor.client.get("/?page=0").status_code == 400


def test_newest_first_and_a_page_at_a_time(doctor: Visitor, clinic: Clinic) -> None:
    made = [
        clinic.result("imaging", source, chest_film(source))
        for source in (study(clinic.ehr, clinic.patient) for _ in range(27))
    ]
    patient = clinic.patient.split("/")[1]
    pages = [
        re.findall(
            r'class="go" href="/results/([^"]+)"', doctor.get(f"/?patient={patient}&page={n}")
        )
        for n in (1, 2)
    ]
    assert [len(p) for p in pages] == [25, 2] and pages[0] + pages[1] == made[::-1]


def test_the_gravest_comes_first_and_says_why(doctor: Visitor, clinic: Clinic) -> None:
    plan = clinic.result("treatment", clinic.patient, care_plan([]))
    film = a_film(clinic)
    patient = clinic.patient.split("/")[1]
    page = doctor.get(f"/?patient={patient}")
    assert re.findall(r'class="go" href="/results/([^"]+)"', page) == [plan, film]
    assert (
        "1 high alert<" in page
        and "Replace clopidogrel by prasugrel." in page
        and "in keeping with pneumonia" in page
    )
    assert (
        doctor.decide(plan, "sign", reviewed="yes", **{"choice-choice/0": "none"}).status_code
        == 303
    )
    assert "high alert" not in doctor.get(f"/?patient={patient}")


def test_an_answers_uuid_is_an_address(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    [answer] = [i["value"] for i in clinic.task(task)["identifier"] if i["system"] == codes.ANSWER]
    assert doctor.client.get(f"/results/{answer}").location == f"/results/{task}"


@pytest.mark.parametrize(
    "path",
    [
        "/results/nothing",
        "/results/7?x=1",
        "/models/nothing",
        "/results/nothing/media/x",
        "/results/nothing/film",
    ],
)
def test_what_is_not_there_is_not_there(doctor: Visitor, path: str) -> None:
    assert "Not found" in doctor.get(path, 404) or "careloop" in doctor.get(path, 404)


def test_a_task_that_is_not_ours_is_no_result(doctor: Visitor, clinic: Clinic) -> None:
    strange = clinic.ehr.create(
        {
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "description": "Call the ward",
            "for": codes.reference(clinic.patient),
        }
    )
    doctor.get(f"/results/{strange.reference.split('/')[1]}", 404)
    assert "Call the ward" not in doctor.get("/")


def test_what_was_not_analysed_says_why_even_without_a_patient(
    doctor: Visitor, clinic: Clinic
) -> None:
    answer, now = Answer("imaging", "ImagingStudy/of-a-group"), instants.now()
    device = clinic.ehr.create({"resourceType": "Device", "status": "active"}).reference
    group = clinic.ehr.create({"resourceType": "Group", "type": "person", "actual": True}).reference
    draft = heads.first_draft(answer, 1, subject=None, device=device, now=now)
    written = clinic.ehr.create(draft, heads.if_none_exist(answer, 1))
    head = head_of(
        draft | {"id": written.reference.split("/")[1], "meta": {"versionId": written.version}}
    )
    focus = heads.focus_on(answer, exists=False)
    refused = heads.without_result(
        head,
        "rejected",
        subject=None,
        basis="x",
        reason="The subject is not a Patient.",
        focus=focus,
        outputs={},
        now=now,
    )
    clinic.ehr.update(refused | {"for": codes.reference(group)}, written.version)
    listed = doctor.get("/?outcome=rejected")
    assert (
        "The subject is not a Patient." in listed
        and f"/results/{head.reference.split('/')[1]}" in listed
    )
    page = doctor.get(f"/results/{head.reference.split('/')[1]}")
    assert "The subject is not a Patient." in page and "Nothing to decide" in page


def test_the_process_serves_until_it_is_stopped(fhir_url: str, tmp_path: Path) -> None:
    port, stop = free_port(), threading.Event()
    settings = load_settings(fhir_url=fhir_url, state_dir=tmp_path, http_port=port)
    process = threading.Thread(target=run_review, args=(settings, stop))
    process.start()
    try:
        answers = {
            path: _patiently(f"http://127.0.0.1:{port}{path}")
            for path in ("/healthz", "/readyz", "/metrics", "/login")
        }
    finally:
        stop.set()
        process.join(60)
    assert set(answers.values()) == {200} and not process.is_alive()


def _patiently(url: str) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return httpx.get(url, timeout=60).status_code
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(url)


def test_an_undecodable_record_is_on_the_page(
    visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    event_log = open_log(load_settings(state_dir=tmp_path))
    event_log.create_topics(2, ["imaging", "genomics", "notes", "treatment"])
    event_log.sink().send(EVENTS_TOPIC, [Message(b"Patient/1", b"{canary")])
    [record] = event_log.scan(EVENTS_TOPIC)
    dead_letters.bury(event_log.sink(), "notes", record, PoisonRecord("not JSON at position 1"), 1)
    visitor = visit()
    visitor.log_in()
    page = visitor.get("/")
    assert (
        "PoisonRecord" in page
        and "not JSON at position 1" in page
        and "canary" not in page
        and "Patient/1" not in page
    )


def test_the_ehr_being_away_is_told(clinic: Clinic, tmp_path: Path) -> None:
    away = open_ehr(load_settings(fhir_url="http://127.0.0.1:9/fhir", fhir_timeout_sec=1))
    given = {
        "review_local_user": "berg:Practitioner/1",
        "review_local_password": PASSWORD,
        "state_dir": tmp_path,
    }
    visitor = Visitor(
        create_review_app(
            load_settings(fhir_url="http://127.0.0.1:9/fhir", **given), away
        ).test_client()
    )
    visitor.client.get("/login")
    with visitor.client.session_transaction() as session:
        session.update({"user": {"name": "x", "practitioner": None, "roles": []}, "until": 9e9})
    assert "does not answer" in visitor.get("/", 503)
    assert (
        visitor.client.get("/healthz").status_code == 200
        and visitor.client.get("/readyz").status_code == 503
    )
    [waiting] = visitor.client.get("/readyz").get_json()["waiting_for"]
    assert waiting.startswith("the EHR (ehr is not available: ConnectError at http://127.0.0.1:")


def test_no_patient_data_is_logged(
    doctor: Visitor, clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    task = a_film(clinic)
    doctor.get("/?patient=Mustermann")
    doctor.decide(task, "reject", reason="Canary reason")
    ours = "\n".join(
        record.getMessage()
        for record in caplog.records
        if record.name.startswith(("services", "shared", "careloop"))
    )
    assert task in ours and not any(
        word in ours for word in ("Mustermann", "Canary", "Opacity", "1940-03-02")
    )


def test_it_asks_for_no_more_than_it_needs() -> None:
    scopes = dict(scope.removeprefix("system/").split(".") for scope in review_scopes().split())
    assert (
        scopes["DiagnosticReport"] == "rus"
        and scopes["Practitioner"] == scopes["Medication"] == "rs"
        and scopes["Provenance"] == "cs"
        and scopes["AuditEvent"] == "c"
    )


def test_nothing_of_the_pages_is_fetched_from_elsewhere() -> None:
    folder = Path(__file__).parents[2] / "services" / "review"
    found = subprocess.run(
        [
            "grep",
            "-rnE",
            r"(src|href|url\()=?[\"'(]?https?://",
            folder / "templates",
            folder / "static",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""


# --- the film


def put_film(folder: Path, *, upper_half: bool = False, **tags: str) -> Any:
    """A chest film in the folder PACS, ours by its UIDs; half of one has another shape."""
    dataset = pydicom.dcmread(str(get_testdata_file("RG1_UNCR.dcm")))
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = (
        UID,
        f"{UID}.1",
        f"{UID}.1.1",
    )
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    for name, value in tags.items():
        setattr(dataset, name, value)
    if upper_half:
        pixels = dataset.pixel_array[: dataset.Rows // 2]
        dataset.Rows, dataset.PixelData = pixels.shape[0], pixels.tobytes()
    open_pacs(load_settings(state_dir=folder)).store([dataset])
    return dataset


def test_the_heat_map_lies_on_the_film(doctor: Visitor, clinic: Clinic, tmp_path: Path) -> None:
    dataset = put_film(tmp_path)
    source = study(clinic.ehr, clinic.patient, UID)
    task = clinic.result("imaging", source, chest_film(source))
    page = doctor.get(f"/results/{task}")
    assert f"/results/{task}/film" in page and "can't be shown" not in page
    film = Image.open(io.BytesIO(doctor.client.get(f"/results/{task}/film").data))
    assert film.width / film.height == pytest.approx(dataset.Columns / dataset.Rows, rel=0.01)


def test_without_its_film_the_map_is_shown_alone_and_why(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    page = doctor.get(f"/results/{task}")
    assert (
        "does not have it" in page
        and f"/results/{task}/media/heat-map" in page
        and f"/results/{task}/film" not in page
    )
    doctor.get(f"/results/{task}/film", 404)


def test_an_archive_that_is_away_does_not_keep_the_page(
    visit: Callable[..., Visitor], clinic: Clinic
) -> None:
    visitor, task = visit(dicomweb_url="http://127.0.0.1:9/dicom-web"), a_film(clinic)
    visitor.log_in()
    assert "archive does not answer" in visitor.get(f"/results/{task}")


def test_a_map_is_never_laid_over_a_film_that_may_be_another(
    doctor: Visitor, clinic: Clinic, tmp_path: Path
) -> None:
    put_film(tmp_path)
    put_film(tmp_path, SOPInstanceUID=f"{UID}.1.2")
    source = study(clinic.ehr, clinic.patient, UID)
    task = clinic.result("imaging", source, chest_film(source))
    assert "which one was analysed" in doctor.get(f"/results/{task}")


def test_of_several_films_the_one_that_the_map_names_is_shown(
    doctor: Visitor, clinic: Clinic, tmp_path: Path
) -> None:
    put_film(tmp_path)
    named = put_film(tmp_path, SOPInstanceUID=f"{UID}.1.2", upper_half=True)
    source = study(clinic.ehr, clinic.patient, UID)
    task = clinic.result("imaging", source, chest_film(source, instance=str(named.SOPInstanceUID)))
    assert "can't be shown" not in doctor.get(f"/results/{task}")
    film = Image.open(io.BytesIO(doctor.client.get(f"/results/{task}/film").data))
    assert film.width / film.height == pytest.approx(named.Columns / named.Rows, rel=0.01)
