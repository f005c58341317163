"""The training films on disk, as `../shared/data` holds them.

Pictures, labels, and what the network sees of them. For train.py and evaluate.py.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from services.imaging.domain import ADULT_YEARS
from services.imaging.preprocess import standardise
from services.imaging.training.statistics import Bools, Floats

ADULTS: Final = "chest_xray_adults_nih"
CHILDREN: Final = "chest_xray_children"
LABELS: Final = f"{ADULTS}/labels.csv"
FILMS: Final = (LABELS, f"{CHILDREN}/test")


@dataclass(frozen=True)
class Films:
    """Labelled films. Every array has one entry per film.

    Attributes:
        paths: where each is.
        pneumonia: the label.
        patients: who must stay in one fold.
        views: PA or AP; empty strings where the set does not say.
        ages: years; NaN where the set does not say.
    """

    paths: Sequence[Path]
    pneumonia: Bools
    patients: npt.NDArray[Any]
    views: npt.NDArray[Any]
    ages: Floats

    def __len__(self) -> int:
        return len(self.paths)

    def standardised(
        self, *, inverted: bool = False, mirrored: bool = False
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Each film as the network sees it.

        Inverted: black for white before anything is done.
        """
        for path in self.paths:
            film = np.asarray(Image.open(path).convert("L"), dtype=np.float32)
            seen = standardise(255 - film if inverted else film)
            yield np.ascontiguousarray(seen[:, ::-1]) if mirrored else seen


def adults(data: Path) -> Films:
    """The NIH films of people of ADULT_YEARS and more."""
    folder = data / ADULTS
    with (data / LABELS).open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if int(row["age"]) >= ADULT_YEARS]
    return Films(
        [folder / row["file"] for row in rows],
        np.array(["Pneumonia" in row["findings"].split("|") for row in rows]),
        np.array([row["patient"] for row in rows]),
        np.array([row["view"] for row in rows]),
        np.array([float(row["age"]) for row in rows]),
    )


def children(data: Path) -> Films:
    """The test films of the children's set.

    Outside the domain, where the network must not be believed.
    """
    folder = data / CHILDREN / "test"
    paths = sorted(folder.glob("*/*.*"))
    names = np.array([str(n) for n in range(len(paths))])
    return Films(
        paths,
        np.array([p.parent.name == "PNEUMONIA" for p in paths]),
        names,
        np.full(len(paths), ""),
        np.full(len(paths), np.nan),
    )
