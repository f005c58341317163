"""Imaging: a result is as old as its film."""

from pathlib import Path
from typing import Any

import pytest

from shared.dicom.study import started
from shared.json import Json
from tests.films import film
from tests.unit.imaging.support import found, gathered, study_of


@pytest.mark.parametrize(
    ("elements", "time"),
    [
        ({"started": "2011-02-03T04:05:06+01:00"}, "2011-02-03T04:05:06+01:00"),
        ({"started": "2011-02"}, "2011-02"),
        ({"started": "2011-02-03T04:05:06"}, "2011-02-03"),
        ({"started": "unknown"}, "2004-08-26T18:50:59-04:00"),
        ({"started": None}, "2004-08-26T18:50:59-04:00"),
    ],
)
def test_the_record_tells_and_else_the_film(tmp_path: Path, elements: Json, time: str) -> None:
    study = {k: v for k, v in study_of(film(), **elements).items() if v is not None}
    assert found(gathered(tmp_path, film(), study=study)).effective == time


NO_ZONE = {"TimezoneOffsetFromUTC": "", "StudyTime": "101112"}
NO_DATES = NO_ZONE | {"StudyDate": "", "SeriesDate": "", "AcquisitionDate": ""}


@pytest.mark.parametrize(
    ("tags", "time"),
    [
        ({"TimezoneOffsetFromUTC": "+0200", "StudyTime": "101112"}, "2004-08-26T10:11:12+02:00"),
        ({"TimezoneOffsetFromUTC": "+9900", "StudyTime": "101112"}, "2004-08-26"),
        (NO_ZONE, "2004-08-26"),
        (NO_ZONE | {"StudyDate": "", "SeriesDate": "20040827"}, "2004-08-27"),
        (NO_DATES | {"AcquisitionDate": "20040828"}, "2004-08-28"),
        (NO_DATES | {"StudyDate": "26.08.2004"}, None),
        (NO_DATES, None),
    ],
)
def test_a_film_tells_its_date_and_with_a_zone_its_time(tags: Any, time: str | None) -> None:
    assert started(film(**tags)) == time


def test_what_is_written_has_the_time_of_the_film_and_the_same_content(tmp_path: Path) -> None:
    dated = found(gathered(tmp_path / "a", film()))
    other = found(gathered(tmp_path / "b", film(), study=study_of(film(), started="2011-02-03")))
    assert dated.content == other.content, "a corrected date alone draws nothing again"
    assert other.effective == "2011-02-03" != dated.effective
