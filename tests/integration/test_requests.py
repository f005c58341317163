"""How often each service asks the EHR for one event of the demo's patient."""

from pathlib import Path

import pytest

from benchmarks.requests import counted

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
MOST = {"HAPI": 3, "sekmet": 4}
"""For a first result whose input is no Binary."""
PLAN = 3
"""A plan's record, the values of its reports, the drugs of its orders."""
BINARY = 1


@pytest.mark.parametrize("server", MOST)
def test_each_service_asks_as_often_as_the_page_says(server: str) -> None:
    rows = list(counted(server))
    assert {row[0] for row in rows} >= {"genomics", "imaging", "notes", "treatment"}
    for row in rows:
        assert f"| {' | '.join(map(str, row))} |" in PAGE.read_text(encoding="utf-8")
        service, _, first, again, denial = row
        more = PLAN if service == "treatment" else BINARY
        assert first <= MOST[server] + more + (service == "treatment")
        assert again <= 1 + more and denial <= 9
