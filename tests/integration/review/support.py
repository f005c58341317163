"""What the tests of review share."""

import base64
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pydicom
from flask.testing import FlaskClient
from pydicom.data import get_testdata_file
from werkzeug.test import TestResponse

from shared.dicom.store import open_pacs
from shared.fhir import codes
from shared.fhir.drafts import Draft, Pen
from shared.settings import load_settings
from tests.browser.clinic import (
    PASSWORD,
    Clinic,
    a_film,
    care_plan,
    chest_film,
    study,
)

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

    def copy(self, cookie: str = "careloop") -> "Visitor":
        """Somebody elsewhere who has a copy of the cookie."""
        kept = self.client.get_cookie(cookie)
        stranger = Visitor(self.client.application.test_client())
        stranger.client.set_cookie(cookie, kept.value if kept else "")
        return stranger

    def decide(self, task: str, action: str, **fields: Any) -> TestResponse:
        """Open the result, then send the form that it shows."""
        stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', self.get(f"/results/{task}"))
        return self.post(
            f"/results/{task}/decision", stamp=stamp[1] if stamp else "", action=action, **fields
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


def fates(**keys: Sequence[str]) -> dict[str, str]:
    """The fields that say what becomes of each part: `confirm`, `refute`, `leave`."""
    return {f"part-{key}": fate for fate, named in keys.items() for key in named}


def meant(page: str) -> list[str]:
    """The ticks by which a contradiction is meant, as the page offers them."""
    return re.findall(r'name="meant" value="([0-9a-f]+)"', page)


def accepted(*keys: str) -> dict[str, str]:
    """The fields that order these proposals, each of which stands alone."""
    return {f"choice-{key}": f"{key}/0" for key in keys}


def declined(*keys: str) -> dict[str, str]:
    """The fields that leave these proposals, each of which stands alone."""
    return {f"choice-{key}": "none" for key in keys}


REHABILITATION = accepted("rehabilitation")
NO_CHOICE = {"choice-choice/0": "none"} | REHABILITATION
"""Of a plan's alternatives none, and what stands alone is ordered."""


def audited(clinic: Clinic, *actions: str) -> list[dict[str, Any]]:
    """The events of the audit trail that name this clinician, of these actions."""
    return [
        event
        for event in clinic.ehr.search("AuditEvent", {})
        if clinic.practitioner in str(event["agent"])
        and (not actions or event["action"] in actions)
    ]


def named(event: dict[str, Any]) -> set[str]:
    """What an event of the audit trail is about."""
    whats = [entity.get("what", {}) for entity in event["entity"]]
    return {
        what.get("reference", what.get("identifier", {}).get("value", "")).split("/fhir/")[-1]
        for what in whats
    } - {""}


def through_the_issuer(visitor: Visitor, subject: str) -> TestResponse:
    """Log in at the issuer as a browser would; returns the answer to the callback."""
    away = visitor.client.get("/login/oidc?next=/results/7")
    query = parse_qs(urlsplit(away.location).query)
    assert query["code_challenge_method"] == ["S256"] and query["nonce"] and query["state"]
    back = httpx.post(away.location, data={"sub": subject}, timeout=60)
    place = urlsplit(back.headers["location"])
    return visitor.client.get(f"{place.path}?{place.query}")


def _patiently(url: str, status: int | None = None) -> int:
    """Ask until somebody answers, with this status if one is given."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            answered = httpx.get(url, timeout=60).status_code
        except httpx.TransportError:
            answered = 0
        if answered and status in (None, answered):
            return answered
        time.sleep(0.05)
    raise TimeoutError(url)


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
