"""Fixtures of the tests of imaging."""

import pytest

from services.imaging.domain import Inputs
from services.imaging.model import SHIPPED, ChestModel, load_folder
from tests.films import film
from tests.unit.imaging.support import found, gathered


@pytest.fixture(scope="module")
def model() -> ChestModel:
    return load_folder(SHIPPED, "cpu")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return found(gathered(tmp_path_factory.mktemp("pacs"), film()))
