"""Review: open tabs are told when the list can't be trusted, and when it can again."""

import threading
from pathlib import Path

import pytest

from services.review.worklist import streams
from services.review.worklist.index import INDEX, Index
from services.review.worklist.streams import Streams
from shared.instants import now

LONG_AGO = "2020-01-01T00:00:00.000Z"


def test_a_tab_hears_that_the_list_is_built_goes_stale_and_is_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK_SEC", 0.02)
    index, stop = Index(tmp_path / INDEX), threading.Event()
    told = Streams(index, stop).events()
    number = index.changes()
    assert f"data: {number} building\n" in next(told)
    index.note(complete=now(), swept=now())
    assert f"data: {number}\n" in next(told)
    index.note(swept=LONG_AGO)
    assert f"data: {number} stale\n" in next(told)
    index.note(swept=now())
    assert f"data: {number}\n" in next(told)
    stop.set()
    index.close()


@pytest.mark.parametrize("most", [1, 0])
def test_a_stream_ends_where_the_index_can_t_be_read(tmp_path: Path, most: int) -> None:
    (tmp_path / INDEX).mkdir()
    index = Index(tmp_path / INDEX)
    assert list(Streams(index, threading.Event(), most).events()) == []
    index.close()
