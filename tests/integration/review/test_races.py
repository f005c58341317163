"""Review: somebody signs while the pages are reading the result for another's signature."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from services.review import sign_off
from services.review.result.read import gather
from services.review.result.result import Result
from shared.ehr.client import Ehr
from tests.browser.clinic import Clinic, a_film
from tests.integration.review.support import Visitor


@pytest.mark.parametrize("half", ["outputs", "head", "provenance"])
def test_a_reading_that_is_half_old_is_not_shown(
    visit: Callable[..., Visitor], clinic: Clinic, monkeypatch: pytest.MonkeyPatch, half: str
) -> None:
    first, second = visit(), visit()
    first.log_in()
    second.log_in()
    task = a_film(clinic)
    stamp = re.search(r'name="stamp" value="([0-9a-f]+)"', second.get(f"/results/{task}"))
    assert stamp
    read: list[str] = []

    def torn(ehr: Ehr, task_id: str, *_: object) -> Result:
        """Half of it is as it stood before the other's signature, half as after it."""
        before = gather(ehr, task_id)
        read.append(task_id)
        if len(read) > 1:
            return before
        assert first.decide(task, "sign", reviewed="yes").status_code == 303
        return replace(before, **{half: getattr(gather(ehr, task_id), half)})

    monkeypatch.setattr(sign_off, "gather", torn)
    late = second.post(f"/results/{task}/decision", stamp=stamp[1], action="sign", reviewed="yes")
    assert late.status_code == 409 and "Nothing was saved" in late.text
    assert "AI draft, not verified" not in late.text and "Decided elsewhere" not in late.text
    assert "<h2>Signed</h2>" in late.text and 'name="stamp"' not in late.text
