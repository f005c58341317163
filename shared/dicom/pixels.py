"""Pixels of one frame, alike for every way of storing a film (pure).

(PS3.3 C.7.6.3, C.11.) `grey` is what a model reads: brighter means more attenuation, whatever
PhotometricInterpretation says, and no linear window, which is a choice of display. `film_png` is
what a person sees: the window is applied.
"""

from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi
from pydicom.pixels.utils import pixel_array

from shared.dicom.parse import MALFORMED
from shared.errors import InvalidInput, NotAnalysed

Grey = npt.NDArray[np.float32]

MAX_FRAME_BYTES: Final = 128 * 2**20
"""The largest mammograms are 60 MB."""
MAX_PIXEL_BYTES: Final = 512 * 2**20
MONOCHROME: Final = ("MONOCHROME1", "MONOCHROME2")
NOT_GREY: Final = "PhotometricInterpretation is neither MONOCHROME1 nor MONOCHROME2"


def check_size(dataset: Dataset) -> None:
    """Bound the memory of a decoder, from the tags alone.

    Compressed pixels can claim any size.

    Raises:
        InvalidInput: a tag is missing, not a positive number, or the product exceeds
            MAX_FRAME_BYTES or MAX_PIXEL_BYTES.
    """
    rows, columns, samples = (
        _number(dataset, name) for name in ("Rows", "Columns", "SamplesPerPixel")
    )
    frame_bytes = rows * columns * samples * max(1, _number(dataset, "BitsAllocated") // 8)
    frames = _number(dataset, "NumberOfFrames", 1)
    if frame_bytes > MAX_FRAME_BYTES:
        raise InvalidInput("Rows x Columns x BitsAllocated exceeds what is decoded")
    if frame_bytes * frames > MAX_PIXEL_BYTES:
        raise InvalidInput("NumberOfFrames exceeds what is decoded")
    if "PixelData" not in dataset:
        raise InvalidInput("PixelData is missing")


def _number(dataset: Dataset, name: str, default: int | None = None) -> int:
    try:
        # None becomes the error below.
        number = int(dataset.get(name) or default)  # type: ignore[arg-type]
    except MALFORMED:
        raise InvalidInput(f"{name} is missing or not a number") from None
    if number < 1:
        raise InvalidInput(f"{name} is not a positive number")
    return number


def stored(dataset: Dataset, frame: int = 0) -> npt.NDArray[Any]:
    """Read the stored pixel values of one frame, (Rows, Columns).

    Raises:
        NotAnalysed: a colour image.
        InvalidInput: too large, truncated, or a transfer syntax that no decoder here reads.
    """
    check_size(dataset)
    if dataset.get("PhotometricInterpretation") not in MONOCHROME or dataset.SamplesPerPixel != 1:
        raise NotAnalysed(NOT_GREY)
    try:
        values = pixel_array(dataset, index=frame)
    except (*MALFORMED, RuntimeError, MemoryError):
        raise InvalidInput(
            "PixelData can't be decoded as Rows, Columns, BitsAllocated and TransferSyntaxUID say"
        ) from None
    return values


def grey(dataset: Dataset, frame: int = 0) -> Grey:
    """Read one frame, (Rows, Columns) float32: brighter is denser, padding is NaN.

    The modality LUT and a non-linear VOI are applied. The unit is arbitrary (a film has none): use
    it after a normalisation that ignores scale and offset.

    Raises:
        NotAnalysed, InvalidInput: see `stored`; no contrast at all.
    """
    return _upright(dataset, frame)[0]


def _upright(dataset: Dataset, frame: int) -> tuple[Grey, float]:
    """Return `grey`, and the sum of its mirroring.

    For MONOCHROME1 bright = sum - value; the sum is NaN where nothing was mirrored.
    """
    values = stored(dataset, frame)
    shown = _modality(dataset, values)
    if _is_curved(dataset):
        shown = _voi(dataset, shown)
    bright = shown.astype(np.float32)
    low, high = float(bright.min()), float(bright.max())
    if not high > low:
        raise InvalidInput("PixelData holds one single value")

    mirror = np.nan
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        mirror = low + high
        bright = np.float32(mirror) - bright

    padded = _padding(dataset, values)
    if padded is not None and not padded.all():
        bright[padded] = np.nan
    return bright, mirror


def _is_curved(dataset: Dataset) -> bool:
    """Tell whether the VOI transform is no straight line.

    Then it belongs to the image and not to the reader's taste.
    """
    return "VOILUTSequence" in dataset or dataset.get("VOILUTFunction") == "SIGMOID"


def _modality(dataset: Dataset, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    try:
        return np.asarray(apply_modality_lut(values, dataset))
    except MALFORMED:
        raise InvalidInput(
            "ModalityLUTSequence, RescaleSlope or RescaleIntercept is malformed"
        ) from None


def _voi(dataset: Dataset, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    integers = values.dtype.kind == "f" and bool((values == np.floor(values)).all())
    try:
        if "VOILUTSequence" in dataset:
            return np.asarray(apply_voi(values.astype(np.int32) if integers else values, dataset))
        centre, width = _window(dataset)
        # PS3.3 C.11.2.1.3.1
        return np.asarray(1.0 / (1.0 + np.exp(-4.0 * (values - centre) / width)))
    except (*MALFORMED, Warning):
        raise InvalidInput("VOILUTSequence, WindowCenter or WindowWidth is malformed") from None


def _window(dataset: Dataset) -> tuple[float, float]:
    """Return (centre, width) of the first window; ValueError without a usable one."""
    pair = []
    for name in ("WindowCenter", "WindowWidth"):
        value = dataset.get(name)
        first = value[0] if isinstance(value, list | tuple) or hasattr(value, "append") else value
        pair.append(float(first))
    if not (np.isfinite(pair).all() and pair[1] >= 1):
        raise ValueError("WindowWidth")
    return pair[0], pair[1]


def _padding(dataset: Dataset, values: npt.NDArray[Any]) -> npt.NDArray[np.bool_] | None:
    """Mark the pixels outside the film, by PixelPaddingValue and its RangeLimit.

    (PS3.3 C.7.5.1.1.2.)
    """
    stated = [dataset.get(name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    try:
        limits = [int(value) for value in stated if value not in (None, "")]
    except MALFORMED:
        raise InvalidInput("PixelPaddingValue or PixelPaddingRangeLimit is not a number") from None
    if stated[0] in (None, ""):
        return None
    return np.asarray((values >= min(limits)) & (values <= max(limits)))


def film_png(dataset: Dataset, max_px: int = 1024) -> bytes:
    """Draw the first frame as a reader sees it: 8-bit greyscale PNG.

    Args:
        max_px: at most this wide and high.

    Raises:
        NotAnalysed, InvalidInput: see `grey`.
    """
    shown = np.clip(_displayed(dataset) * 255.0, 0, 255).astype(np.uint8)
    image = Image.fromarray(shown)
    image.thumbnail((max_px, max_px), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _displayed(dataset: Dataset) -> Grey:
    """Scale to 0..1 by the first linear window; padding is black.

    Without a linear window it is scaled from the 0.5th to the 99.5th percentile.
    """
    bright, mirror = _upright(dataset, 0)
    try:
        centre, width = (np.nan, np.nan) if _is_curved(dataset) else _window(dataset)
    except MALFORMED:
        centre, width = np.nan, np.nan
    if not np.isnan(mirror):
        centre = mirror - centre

    low, high = (float(q) for q in np.nanpercentile(bright, (0.5, 99.5)))
    if not np.isnan(centre):
        low, high = centre - width / 2, centre + width / 2

    scaled = (bright - low) / max(high - low, 1e-6)
    return np.asarray(np.nan_to_num(scaled, nan=0.0), dtype=np.float32)
