"""Review: film."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.clinic import (
    Clinic,
    a_film,
    chest_film,
    study,
)
from tests.integration.review.support import UID, Visitor, put_film


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
