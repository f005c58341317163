"""Inputs, findings, and the domain of the chest model (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from shared.json import Json

View = Literal["PA", "AP", "frontal"]

ADULT_YEARS: Final = 18


@dataclass(frozen=True)
class Film:
    """One frontal chest film.

    Attributes:
        instance: SOP Instance UID.
        view: `frontal`: it is PA or AP, and the tags don't say which.
        pixels: what the network sees of it, (SIZE, SIZE), see `services.imaging.preprocess`.
    """

    instance: str
    view: View
    pixels: npt.NDArray[np.float32] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Inputs:
    """An imaging study with a frontal chest film of an adult.

    Attributes:
        subject: `Patient/id`.
        study: the ImagingStudy as read.
        film: the one that is analysed.
        frontal, lateral: how many films of each kind the study has.
        content: digest of the study's films: SOP Instance UIDs and pixels.
        sources: `Type/id` -> version.
        effective: when the study began; None: neither the record nor the film tells.
    """

    subject: str
    study: Json = field(repr=False)
    film: Film
    frontal: int
    lateral: int
    content: str
    sources: Mapping[str, str]
    effective: str | None = None

    @property
    def reference(self) -> str:
        """`ImagingStudy/id`."""
        return f"ImagingStudy/{self.study['id']}"


@dataclass(frozen=True)
class Findings:
    """What the model says.

    Attributes:
        probability: of pneumonia, 0..1, calibrated to the training data's share of it.
        threshold: at or above it pneumonia is reported as suspected.
        heat_map: palette PNG over the whole film.
    """

    probability: float
    threshold: float
    heat_map: bytes = field(repr=False)

    @property
    def suspected(self) -> bool:
        """Pneumonia is suspected."""
        return self.probability >= self.threshold
