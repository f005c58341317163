"""Imaging: model."""

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from services.imaging.model import SHIPPED, ChestModel, load_folder
from services.imaging.preprocess import standardise
from shared.dicom.pixels import grey
from shared.errors import Misconfigured
from tests.films import film, twin
from tests.unit.imaging.support import altered, probability


@pytest.mark.parametrize(
    "other",
    [
        twin(),
        twin(WindowCenter="17767"),
        film(WindowCenter="100"),
        film(RescaleSlope="0.5", RescaleIntercept="7"),
    ],
)
def test_polarity_window_and_scale_leave_the_score_alone(model: ChestModel, other: Dataset) -> None:
    assert probability(model, other) == pytest.approx(probability(model, film()), abs=1e-4)


def test_wrong_polarity_would_be_seen(model: ChestModel) -> None:
    """The tests above could not fail if the network did not care."""
    assert (
        abs(
            probability(model, film(PhotometricInterpretation="MONOCHROME2"))
            - probability(model, film())
        )
        > 0.01
    )


def test_a_batch_says_what_each_film_says_alone(model: ChestModel) -> None:
    films = np.stack([standardise(grey(film())), standardise(grey(film()))[:, ::-1]])
    together = [p.probability for p in model.predict(films)]
    assert together == pytest.approx(
        [model.predict(one[None])[0].probability for one in films], abs=1e-5
    )
    assert together[0] != pytest.approx(together[1], abs=1e-6)


def test_cpu_and_gpu_agree(model: ChestModel) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA here")
    seen = standardise(grey(film()))[None]
    [cpu], [gpu] = model.predict(seen), load_folder(SHIPPED, "cuda").predict(seen)
    assert gpu.probability == pytest.approx(cpu.probability, abs=1e-2)


def test_altered_weights_are_refused(tmp_path: Path) -> None:
    folder = altered(tmp_path)
    raw = bytearray((folder / "model.safetensors").read_bytes())
    raw[-1] ^= 1
    (folder / "model.safetensors").write_bytes(raw)
    with pytest.raises(Misconfigured, match="SHA-256"):
        load_folder(folder)


@pytest.mark.parametrize(
    "config",
    [{"image_size": 224}, {"taps": [99]}, {"stem": 8}, {"weights_sha256": None}, {"blocks": "?"}],
    ids=str,
)
def test_a_folder_of_another_shape_is_refused(tmp_path: Path, config: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="CARELOOP_IMAGING_MODEL"):
        load_folder(altered(tmp_path, **config))


def test_a_pickle_is_refused_even_under_its_right_digest(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    buffer = BytesIO()
    torch.save({"stem.weight": torch.zeros(1)}, buffer)
    folder = altered(tmp_path, weights_sha256=hashlib.sha256(buffer.getvalue()).hexdigest())
    (folder / "model.safetensors").write_bytes(buffer.getvalue())
    with pytest.raises(Misconfigured):
        load_folder(folder)


def test_a_missing_folder_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="CARELOOP_IMAGING_MODEL"):
        load_folder(tmp_path)
