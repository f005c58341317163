"""A batch of films -> findings (pure but for the model that it is given)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from services.imaging.domain import Findings, Inputs
from services.imaging.heat_map import heat_map
from shared.errors import NotAnalysed

if TYPE_CHECKING:
    from services.imaging.model import ChestModel


def analyze(batch: Sequence[Inputs], model: "ChestModel") -> list[Findings | NotAnalysed]:
    """One result per input, in order: all films go through the network at once."""
    predictions = model.predict(np.stack([inputs.film.pixels for inputs in batch]))
    return [Findings(p.probability, model.threshold, heat_map(p.attention)) for p in predictions]
