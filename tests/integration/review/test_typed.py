"""Review: what is typed is seen by everybody, or refused with words, and never lost."""

import html

import pytest
from werkzeug.test import TestResponse

from shared.errors import Unavailable
from shared.json import Json
from tests.browser.clinic import Clinic, a_film
from tests.integration.review.support import Visitor, fates


@pytest.mark.parametrize(
    ("char", "words"),
    [
        ("\u200b", "zero width space (U+200B)"),
        ("\ufeff", "zero width no-break space (U+FEFF)"),
        ("\u202e", "right-to-left override (U+202E)"),
        ("\x07", "control character (U+0007)"),
        ("\x00", "control character (U+0000)"),
        ("\u2066", "left-to-right isolate (U+2066)"),
        ("\u00ad", "soft hyphen (U+00AD)"),
        ("\u3164", "hangul filler (U+3164)"),
        ("\U000e0041", "tag latin capital letter a (U+E0041)"),
    ],
)
def test_what_nobody_can_see_is_refused_with_its_name_and_the_words_stay(
    doctor: Visitor, clinic: Clinic, char: str, words: str
) -> None:
    task = a_film(clinic)
    refused = doctor.decide(task, "reject", reason=f"The film was{char} blurred.")
    page = html.unescape(refused.text)
    assert refused.status_code == 400 and words in page and "after “The film was”" in page
    assert ">The film was blurred.</textarea>" in page
    assert clinic.task(task)["status"] == "requested"

    form = {"reviewed": "yes", "text": f"Masses{char}."} | fates(refute=["pneumonia"])
    amended = doctor.decide(task, "amend", **form)
    assert amended.status_code == 400 and ">Masses.</textarea>" in amended.text
    form = {"reviewed": "yes", "text": "Masses.", "reason": char} | fates(refute=["pneumonia"])
    assert "The reason has a character" in doctor.decide(task, "amend", **form).text
    assert clinic.outputs(task)["report"]["status"] == "preliminary"


def test_a_reason_of_nothing_that_is_seen_is_none(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    for blank in ("\u200b\u200b", "\u3164", "\u00a0\u2003", "\n\t "):
        assert doctor.decide(task, "reject", reason=blank).status_code == 400
    assert clinic.task(task)["status"] == "requested"


def half_a_character(doctor: Visitor, task: str, sent_as: str) -> TestResponse:
    page = doctor.get(f"/results/{task}")
    stamp = page.split('name="stamp" value="')[1].split('"')[0]
    sent = f"csrf={doctor.token()}&stamp={stamp}&action=reject&reason=Blurred{sent_as}"
    return doctor.client.post(
        f"/results/{task}/decision",
        data=sent.encode(),
        content_type="application/x-www-form-urlencoded",
    )


@pytest.mark.parametrize("sent_as", ["%ED%A0%80", "%EF%BF%BD"], ids=["as is", "by a browser"])
def test_half_a_character_is_refused(doctor: Visitor, clinic: Clinic, sent_as: str) -> None:
    task = a_film(clinic)
    refused = half_a_character(doctor, task, sent_as)
    assert refused.status_code == 400 and "can&#39;t be read" in refused.text
    assert ">Blurred" in refused.text and clinic.task(task)["status"] == "requested"


@pytest.mark.parametrize("action", ["reject", "amend"])
def test_a_long_reason_is_refused_and_not_cut(doctor: Visitor, clinic: Clinic, action: str) -> None:
    task, reason = a_film(clinic), "a" * 1_500
    form = {"reviewed": "yes", "text": "Masses."} | fates(refute=["pneumonia"])
    refused = doctor.decide(task, action, reason=reason, **form)
    assert refused.status_code == 400
    assert "The reason is longer than 1000 characters: it has 1500." in refused.text
    assert reason in refused.text and clinic.task(task)["status"] == "requested"
    page = doctor.get(f"/results/{task}")
    assert "maxlength" not in page.split('id="decision"')[1], "a browser would cut what is pasted"
    assert doctor.decide(task, action, reason="a" * 1_000, **form).status_code == 303
    assert clinic.task(task)["statusReason"]["text"] == "a" * 1_000


@pytest.mark.parametrize(
    "text", ["Größe 5 × 7 mm;\n\tneu.", "می‌خواهم", "👩‍⚕️ reviewed", "高血圧、心不全", "naïve café"]
)
def test_every_script_can_be_typed(doctor: Visitor, clinic: Clinic, text: str) -> None:
    task = a_film(clinic)
    assert doctor.decide(task, "reject", reason=text).status_code == 303
    assert clinic.task(task)["statusReason"]["text"] == text


WORDS = {"reason": "Typed with care: the film was blurred."}


def kept(answer: TestResponse) -> bool:
    return f">{WORDS['reason']}</pre>" in answer.text and "which was not saved" in answer.text


def test_what_was_typed_survives_a_session_that_ended(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    doctor.get(f"/results/{task}")
    doctor.client.delete_cookie("careloop")
    answer = doctor.client.post(f"/results/{task}/decision", data={"action": "reject"} | WORDS)
    assert answer.status_code == 401 and kept(answer)
    assert f'href="/results/{task}"' in answer.text, "the way back leads through the login"
    text = doctor.client.post(
        f"/results/{task}/decision", data={"action": "amend", "text": "A <b>mass</b>.\u202e"}
    )
    assert ">A &lt;b&gt;mass&lt;/b&gt;.</pre>" in text.text


@pytest.mark.parametrize(
    "typed", [{"action": "reject", "reason": "A\u202e b"}, {"action": "amend", "text": "A\u200b b"}]
)
def test_what_nobody_can_see_is_taken_out_where_the_result_changed(
    doctor: Visitor, clinic: Clinic, typed: dict[str, str]
) -> None:
    task = a_film(clinic)
    doctor.get(f"/results/{task}")
    answer = doctor.post(f"/results/{task}/decision", stamp="of-before", **typed)
    assert answer.status_code == 409 and "<pre>A b</pre>" in answer.text


def test_what_was_typed_survives_a_form_that_expired(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    answer = doctor.post(f"/results/{task}/decision", token="old", action="reject", **WORDS)
    assert answer.status_code == 400 and kept(answer)


def test_what_was_typed_survives_a_clinician_who_was_closed(
    doctor: Visitor, clinic: Clinic
) -> None:
    task = a_film(clinic)
    doctor.get(f"/results/{task}")
    closed = clinic.ehr.read(clinic.practitioner)
    assert closed
    clinic.ehr.update(closed | {"active": False}, closed["meta"]["versionId"])
    answer = doctor.post(f"/results/{task}/decision", action="reject", **WORDS)
    assert answer.status_code == 403 and kept(answer)


def test_what_was_typed_survives_a_result_that_is_gone(doctor: Visitor, clinic: Clinic) -> None:
    doctor.get(f"/results/{a_film(clinic)}")
    answer = doctor.post("/results/nothing/decision", action="reject", **WORDS)
    assert answer.status_code == 404 and kept(answer)


def test_what_was_typed_survives_an_ehr_that_is_away(
    doctor: Visitor, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(transaction: Json) -> None:
        raise Unavailable("ehr", "no answer")

    task = a_film(clinic)
    monkeypatch.setattr(clinic.ehr, "transact", away)
    answer = doctor.decide(task, "reject", **WORDS)
    assert answer.status_code == 503 and kept(answer)


def test_no_other_page_repeats_a_form(doctor: Visitor, clinic: Clinic) -> None:
    answer = doctor.post(f"/results/{a_film(clinic)}/close", token="old", **WORDS)
    assert answer.status_code == 400 and WORDS["reason"] not in answer.text
