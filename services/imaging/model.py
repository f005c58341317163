"""The chest network and how it is loaded.

The only importer of torch in this service, beside train.py and evaluate.py.

EfficientNet-lite0 (Tan and Le 2019; the lite variant of 2020) up to its sixth stage, batch
normalisation folded in, and one linear layer on the mean and deviation of three stages' maps. What
changes a score (calibration and threshold too) lies in the weights file, so that its SHA-256 names
the model.
"""

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import LayerGradCam
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn
from torch.nn import functional

from services.imaging.preprocess import SIZE
from shared.errors import Misconfigured
from shared.service import ModelCard
from shared.settings import Settings

Films = npt.NDArray[np.float32]

SHIPPED: Final = Path(__file__).parent / "weights" / "chest-pneumonia"
NAME: Final = "chest-pneumonia"
WEIGHTS: Final = "model.safetensors"
MAX_WEIGHTS_BYTES: Final = 200 * 2**20


class Block(nn.Module):
    """Inverted residual (MobileNetV2) with folded normalisation and ReLU6.

    No squeeze and excitation in the lite family.

    Args:
        inputs, outputs: channels.
        expand: how many times wider it is inside; 1: no expansion layer.
        kernel, stride: of the depthwise convolution; its padding is TensorFlow's `SAME` for maps of
            even size.
    """

    def __init__(self, inputs: int, outputs: int, expand: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expand
        self.expand = nn.Conv2d(inputs, wide, 1) if expand > 1 else None
        self.depthwise = nn.Conv2d(wide, wide, kernel, stride, groups=wide)
        self.project = nn.Conv2d(wide, outputs, 1)
        self.residual = stride == 1 and inputs == outputs
        self.padding = same_padding(kernel, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """(films, inputs, h, w) -> (films, outputs, h / stride, w / stride)."""
        wide = functional.relu6(self.expand(maps)) if self.expand is not None else maps
        wide = functional.relu6(self.depthwise(functional.pad(wide, self.padding)))
        out: Tensor = self.project(wide)
        return out + maps if self.residual else out


def same_padding(kernel: int, stride: int) -> tuple[int, int, int, int]:
    """Return (left, right, top, bottom) of TensorFlow's `SAME` padding.

    The size must be a multiple of the stride.
    """
    total = kernel - stride
    return (total // 2, total - total // 2) * 2


class ChestNetwork(nn.Module):
    """Return log-odds of pneumonia: (films, 1, SIZE, SIZE) -> (films,).

    Args:
        stem: channels after the first convolution.
        blocks: `[inputs, outputs, expand, kernel, stride]` of each block.
        taps: indices of the blocks whose maps are pooled (mean and deviation over the map), in
            order.
    """

    def __init__(self, stem: int, blocks: Sequence[Sequence[int]], taps: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, stem, 3, 2)
        self.blocks = nn.ModuleList(Block(*block) for block in blocks)
        self.taps = tuple(taps)
        self.classifier = nn.Linear(2 * sum(blocks[tap][1] for tap in taps), 1)
        self.threshold: Tensor
        self.register_buffer("threshold", torch.zeros(()))

    def features(self, films: Tensor) -> Tensor:
        """(films, 2 x channels of the taps).

        For each tap the mean, then the deviation of each channel's map.
        """
        maps = functional.relu6(self.stem(functional.pad(films, same_padding(3, 2))))
        pooled = []
        for number, block in enumerate(self.blocks):
            maps = block(maps)
            if number in self.taps:
                pooled += [maps.mean((2, 3)), maps.var((2, 3), correction=0).add(1e-12).sqrt()]
        return torch.cat(pooled, 1)

    def forward(self, films: Tensor) -> Tensor:
        """See the class."""
        logits: Tensor = self.classifier(self.features(films))
        return logits.squeeze(1)

    @property
    def seen(self) -> nn.Module:
        """The layer whose maps Grad-CAM weighs.

        The first tap, through which all that is pooled has come.
        """
        return self.blocks[self.taps[0]]


@dataclass(frozen=True)
class Prediction:
    """What the network says of one film.

    Attributes:
        probability: of pneumonia, calibrated to the training data's share of it.
        attention: Grad-CAM, (20, 20), at least 0, in the units of the log-odds' gradient.
    """

    probability: float
    attention: Films


@dataclass(frozen=True)
class ChestModel:
    """A loaded network. Safe to share between threads: one film batch at a time.

    Attributes:
        card: who speaks.
        threshold: at or above it the finding is reported as suspected.
    """

    card: ModelCard
    threshold: float
    network: ChestNetwork = field(repr=False)
    device: torch.device = field(repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def predict(self, films: Films) -> list[Prediction]:
        """Predict for each film of (films, SIZE, SIZE), standardised.

        Raises:
            FloatingPointError: the network returned something that is no number.
        """
        with self.lock:
            batch = torch.from_numpy(np.array(films)).unsqueeze(1).to(self.device).requires_grad_()
            spoken: list[Tensor] = []  # one forward pass gives both
            cam = LayerGradCam(
                lambda x: _kept(self.network(x), spoken), self.network.seen
            ).attribute(batch, relu_attributions=True)
            probabilities = torch.sigmoid(spoken[-1]).double().cpu().numpy()
            maps = cam.detach().float().cpu().numpy()[:, 0]
        if not (np.isfinite(probabilities).all() and np.isfinite(maps).all()):
            raise FloatingPointError(f"{self.card.name} returned something that is no number")
        return [Prediction(float(p), m) for p, m in zip(probabilities, maps, strict=True)]


def _kept(output: Tensor, spoken: list[Tensor]) -> Tensor:
    spoken.append(output.detach())
    return output


def load(settings: Settings) -> ChestModel:
    """The model of the settings, on CUDA where there is one.

    The network is small: 32-bit there, too.

    Raises:
        Misconfigured: see `load_folder`.
    """
    torch.set_num_threads(settings.torch_threads)
    return load_folder(Path(settings.imaging_model) if settings.imaging_model else SHIPPED)


def load_folder(folder: Path, device: str | None = None) -> ChestModel:
    """Load a model folder.

    model.safetensors, config.json with the SHA-256 of it, README.md. Pickles are not read, whatever
    they are called.

    Raises:
        Misconfigured: a file is missing, malformed, altered, or not of this architecture.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        readme = (folder / "README.md").read_text(encoding="utf-8")
        raw = _weights(folder / WEIGHTS, str(config["weights_sha256"]))
        network = build(config)
        network.load_state_dict({k: v.float() for k, v in load_safetensors(raw).items()})
        card = ModelCard(
            config["name"],
            config["title"],
            config["version"],
            "sha256:" + config["weights_sha256"],
            readme,
        )
        if config["image_size"] != SIZE:
            raise ValueError("image_size")
    except OSError as error:
        raise Misconfigured(
            f"CARELOOP_IMAGING_MODEL: {folder}/{Path(error.filename or '').name} can't be read"
        ) from None
    except (KeyError, ValueError, TypeError, RuntimeError, IndexError, SafetensorError) as error:
        raise Misconfigured(
            f"CARELOOP_IMAGING_MODEL: {folder} does not hold a chest model ({type(error).__name__})"
        ) from None
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    network = (
        network.to(memory_format=torch.channels_last).to(where).eval()
    )  # channels last: twice as fast on a CPU
    network.requires_grad_(requires_grad=False)
    return ChestModel(card, float(network.threshold), network, where)


def _weights(path: Path, expected: str) -> bytes:
    if path.stat().st_size > MAX_WEIGHTS_BYTES:
        raise ValueError("too large")
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != expected:
        raise Misconfigured(
            f"CARELOOP_IMAGING_MODEL: {path} is not the file that config.json names (its SHA-256 "
            "differs)"
        )
    return raw


def build(config: Mapping[str, Any]) -> ChestNetwork:
    """The network that a config.json describes, its weights still random."""
    return ChestNetwork(config["stem"], config["blocks"], config["taps"])
