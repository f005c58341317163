"""Grad-CAM -> a palette PNG with transparency, to be laid over the film (pure)."""

from io import BytesIO
from typing import Final

import numpy as np
import numpy.typing as npt

EDGE_PX: Final = 512
LEVELS: Final = 64  # shades; a smooth map stays far below 200 kB
OPAQUE: Final = 170  # alpha of the hottest shade, of 255: the film must shine through
FLOOR: Final = 0.3  # of the map's highest value: what is cooler is left transparent


def heat_map(attention: npt.NDArray[np.float32]) -> bytes:
    """PNG of EDGE_PX x EDGE_PX that covers the whole film.

    Transparent below FLOOR, where the score owes little or nothing; then yellow, then red.

    Args:
        attention: (rows, columns), at least 0, any unit; scaled to its own maximum, so it says
            where, not how much.
    """
    from PIL import Image  # of the extra `imaging`; intake and review load its declaration, too

    top = float(attention.max())
    scaled = attention / top if top > 0 else np.zeros_like(attention)
    smooth = Image.fromarray(scaled.astype(np.float32)).resize(
        (EDGE_PX, EDGE_PX), Image.Resampling.BICUBIC
    )
    shades = np.clip(np.rint(np.asarray(smooth) * (LEVELS - 1)), 0, LEVELS - 1).astype(np.uint8)
    image = Image.fromarray(shades, mode="P")
    image.putpalette(
        [
            channel
            for level in range(LEVELS)
            for channel in (255, round(255 * (1 - level / (LEVELS - 1))), 0)
        ]
    )
    shares = [level / (LEVELS - 1) for level in range(LEVELS)]
    alpha = bytes(round(OPAQUE * share) if share >= FLOOR else 0 for share in shares)
    buffer = BytesIO()
    image.save(buffer, "PNG", transparency=alpha, optimize=True)
    return buffer.getvalue()
