"""Five patients as folders of real files: the film of `pydicom-data` cut down, the demo's genome
and note, each with its own trouble.
"""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
import pydicom
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "patient"
CANARY: Final = "XQZ77"  # in every note: it may stand in no log and no metric
STEP: Final = (
    4  # every 4th pixel: 489 x 461 instead of 1955 x 1841, so that ten films pass in a test's time
)


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a patient's files."""

    film_truncated: bool = False
    genome_truncated: bool = False


TROUBLES: Final = {
    "healthy": Trouble(),
    "film": Trouble(film_truncated=True),
    "genome": Trouble(genome_truncated=True),
    "denies": Trouble(),
    "changes": Trouble(),
}


def write_patients(folder: Path) -> dict[str, Path]:
    """A folder for each patient, by the name of her trouble."""
    return {name: _write(folder / name, name, trouble) for name, trouble in TROUBLES.items()}


def _write(folder: Path, name: str, trouble: Trouble) -> Path:
    folder.mkdir(parents=True)
    (folder / "patient.json").write_text(_bundle(name))
    (folder / "note.txt").write_text(
        (EXAMPLE / "note.txt").read_text() + f"\nVisit {CANARY}-{name}.\n"
    )
    genome = (EXAMPLE / "genome.vcf").read_text()
    lines = genome.splitlines()
    cut = len(lines[-1]) // 2
    (folder / "genome.vcf").write_text(
        genome.rstrip("\n")[: -cut - 1] if trouble.genome_truncated else genome
    )
    _film(folder / "film.dcm", truncated=trouble.film_truncated)
    return folder


def _bundle(name: str) -> str:
    """The demo patient's, under identifiers of this patient's own."""
    bundle = json.loads((EXAMPLE / "patient.json").read_text())
    for entry in bundle["entry"]:
        entry["resource"]["identifier"][0]["value"] += f"-{name}"
    return json.dumps(bundle)


def _film(path: Path, *, truncated: bool) -> None:
    film = pydicom.dcmread(str(files("data_store") / "data" / "RG1_UNCR.dcm"))
    pixels = np.ascontiguousarray(film.pixel_array[::STEP, ::STEP])
    film.Rows, film.Columns = pixels.shape
    film.PixelData = pixels.tobytes()[: pixels.nbytes // 4 * 2 if truncated else pixels.nbytes]
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.StudyInstanceUID, film.SeriesInstanceUID, film.SOPInstanceUID = (
        generate_uid(),
        generate_uid(),
        generate_uid(),
    )
    film.file_meta.MediaStorageSOPInstanceUID = film.SOPInstanceUID
    film.save_as(path, enforce_file_format=True)
