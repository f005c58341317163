"""A frontal film -> what the network sees (pure, numpy and Pillow).

The same for training files and for DICOM.

No display window is used: intensities are standardised over the film's middle, so that polarity
(undone before), rescale,
bit depth and window leave no trace in the score.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from shared.errors import InvalidInput

Grey = npt.NDArray[np.float32]

SIZE: Final = (
    320  # edge of what the network reads; a model that wants another is refused when it is loaded
)
# collimator, burnt-in letters and bare exposure sit at the edge: the statistics are taken inside
MARGIN: Final = 0.1
OUTLIERS: Final = (0.5, 99.5)  # percentiles; metal and dead pixels would set the scale
BOUND: Final = 2.5  # standard deviations
BLACK: Final = -BOUND  # what lies outside the film


def standardise(film: Grey) -> Grey:
    """(SIZE, SIZE), mean 0 and deviation 1 in the film's middle, within +-BOUND.

    Brighter is denser.

    The film is squeezed to a square, as the films that the network learnt from were.

    Args:
        film: (rows, columns), any unit; NaN is outside the film.

    Raises:
        InvalidInput: no contrast in the film's middle.
    """
    rows, columns = film.shape
    top, left = int(MARGIN * rows), int(MARGIN * columns)
    middle = film[top : rows - top, left : columns - left]
    middle = middle[np.isfinite(middle)]
    if not middle.size:
        raise InvalidInput("PixelData has no film in its middle")
    low, high = np.percentile(middle, OUTLIERS)
    middle = np.clip(middle, low, high)
    deviation = float(middle.std(dtype=np.float64))
    if not deviation > 0:
        raise InvalidInput("PixelData has no contrast in the middle of the film")
    scaled = (np.clip(film, low, high) - np.float32(middle.mean(dtype=np.float64))) / np.float32(
        deviation
    )
    scaled = np.clip(np.nan_to_num(scaled, nan=BLACK), -BOUND, BOUND).astype(np.float32)
    if scaled.shape == (SIZE, SIZE):
        return scaled
    resized = Image.fromarray(scaled).resize(
        (SIZE, SIZE), Image.Resampling.BILINEAR
    )  # Pillow widens the filter when it shrinks
    return np.asarray(resized, dtype=np.float32)
