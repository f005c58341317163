"""Fixtures of the tests of notes model."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.notes.model import NotesModel, load
from shared.settings import Settings
from tests.integration.notes_model.support import tiny_bert


@pytest.fixture(scope="module")
def model() -> NotesModel:
    return load(Settings())


@pytest.fixture
def own_model(tmp_path: Path) -> Iterator[Path]:
    network, tokenizer = tiny_bert(tmp_path)
    folder = tmp_path / "own"
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    yield folder
