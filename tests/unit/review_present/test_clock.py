"""Review: times in the hospital's zone."""

from datetime import UTC, date
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from services.review import clock
from shared.errors import Misconfigured
from shared.settings import Settings, load_settings

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
TODAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-11-22T15:49:00Z", UTC, "22 Nov 2026, 15:49 UTC"),
        ("2026-11-22T15:49:00Z", BERLIN, "22 Nov 2026, 16:49 CET"),
        ("2026-07-22T15:49:00.123Z", BERLIN, "22 Jul 2026, 17:49 CEST"),
        ("2026-11-22T23:30:00Z", BERLIN, "23 Nov 2026, 00:30 CET"),
        ("2026-11-22T01:00:00+01:00", NEW_YORK, "21 Nov 2026, 19:00 EST"),
        ("2026-11-22T15:49:00Z", SAO_PAULO, "22 Nov 2026, 12:49 UTC-03"),
        ("2004-08-26", NEW_YORK, "26 Aug 2004"),
        ("2004-08", NEW_YORK, "Aug 2004"),
        ("2004", NEW_YORK, "2004"),
        ("soon", UTC, "soon"),
        (None, UTC, ""),
    ],
)
def test_a_time_is_in_the_zone_and_a_date_in_none(text: str, zone: ZoneInfo, expected: str) -> None:
    assert clock.when(text, zone) == expected


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-11-28T10:00:00Z", UTC, "today, 10:00 UTC"),
        ("2026-11-27T23:30:00Z", BERLIN, "today, 00:30 CET"),
        ("2026-11-27T23:30:00Z", UTC, "yesterday, 23:30 UTC"),
        ("2026-11-28T02:00:00Z", NEW_YORK, "yesterday, 21:00 EST"),
        ("2026-11-26T10:00:00Z", UTC, "26 Nov 2026, 10:00 UTC"),
        ("2026-11-29T10:00:00Z", UTC, "29 Nov 2026, 10:00 UTC"),
        ("2026-11-28", NEW_YORK, "today"),
        ("2026-11", UTC, "Nov 2026"),
        ("", UTC, ""),
    ],
)
def test_today_and_yesterday_are_the_hospitals(text: str, zone: ZoneInfo, expected: str) -> None:
    assert clock.relative(text, zone, TODAY) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2004-08-26", "22 years ago"),
        ("2004-08-26T18:50:59-04:00", "22 years ago"),
        ("2024-11-29", "23 months ago"),
        ("2026-09-28", "2 months ago"),
        ("2026-11-18", "10 days ago"),
        ("2026-11-27", ""),
        ("2026-11-28", ""),
        ("2026-11-29", "in the future"),
        ("2026-11", ""),
        ("2026", ""),
        ("2004", "21 years ago"),
        ("soon", ""),
        (None, ""),
    ],
)
def test_how_long_ago(text: str | None, expected: str) -> None:
    assert clock.ago(text, UTC, TODAY) == expected


def test_the_day_of_a_moment_is_the_zones() -> None:
    assert clock.day("2004-08-26T22:51:00Z", BERLIN) == "27 Aug 2004"
    assert clock.day("2004-08-26T22:51:00Z", UTC) == "26 Aug 2004"
    assert clock.day("1940-03-02", NEW_YORK) == "2 Mar 1940"


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "Asia/Kathmandu"])
def test_the_zone_is_a_setting(name: str) -> None:
    assert load_settings(timezone=name).timezone == name


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "../etc/passwd", "/etc/localtime", "Europe", "+1"]
)
def test_what_is_no_zone_is_refused_at_the_start(name: str) -> None:
    with pytest.raises(Misconfigured, match=r"CARELOOP_TIMEZONE: .*not an IANA time zone"):
        load_settings(timezone=name)
    with pytest.raises(ValidationError):
        Settings(timezone=name)
