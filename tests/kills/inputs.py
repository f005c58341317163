"""Light inputs for the kills: short notes, small VCFs, small films, each another one.

The same seed gives the same patients, kinds, texts and order.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydicom.uid import generate_uid

from tests.films import film

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "patient"
PATIENT_EACH: Final = 10
"""Inputs for one patient."""
KINDS: Final = ("note", "note", "note", "note", "film", "genome")
STEP: Final = 8
"""Every 8th pixel: 245 x 231, so that a film takes a model a moment."""
DRUGS: Final = ("clopidogrel", "omeprazole", "simvastatin", "warfarin", "ibuprofen", "lisinopril")
ILLS: Final = ("hypertension", "pneumonia", "hyperlipidemia", "asthma", "coronary artery disease")


@dataclass(frozen=True)
class Input:
    """A folder with a patient and one file, for `load_patient`.

    Attributes:
        kind: `note`, `film` or `genome`.
    """

    folder: Path
    kind: str


def inputs(folder: Path, count: int, seed: int, run: str) -> Iterator[Input]:
    """Write the folders one after another.

    Args:
        run: stands in every identifier, so that a second run on the same EHR is another one.
    """
    rng = random.Random(seed)
    patients = max(1, count // PATIENT_EACH)
    for number in range(count):
        kind, patient = rng.choice(KINDS), number % patients
        place = folder / f"{number:04}"
        place.mkdir(parents=True)
        (place / "patient.json").write_text(_patient(f"{run}-{patient}", patient))
        WRITERS[kind](place, f"{run}-{number}", rng)
        yield Input(place, kind)


def _patient(identity: str, number: int) -> str:
    bundle = json.loads((EXAMPLE / "patient.json").read_text())
    [entry] = [e for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient"]
    entry["resource"]["identifier"][0]["value"] = f"kills-{identity}"
    entry["resource"]["name"] = [{"family": f"Kills{number}"}]
    return json.dumps(bundle | {"entry": [entry]})


def _note(place: Path, name: str, rng: random.Random) -> None:
    ills, drugs = rng.sample(ILLS, 2), rng.sample(DRUGS, 2)
    (place / "note.txt").write_text(
        f"Visit {name}. The patient was seen for a routine visit and is doing well today. She "
        f"takes her tablets every day and has no new complaint.\n\n"
        f"PAST MEDICAL HISTORY:\n- {ills[0]}\n- {ills[1]}\n\n"
        f"MEDICATIONS:\n1. {drugs[0]} daily\n2. {drugs[1]} daily\n"
    )


def _genome(place: Path, name: str, rng: random.Random) -> None:
    first, rest = (EXAMPLE / "genome.vcf").read_text().split("\n", 1)
    (place / "genome.vcf").write_text(f"{first}\n##run={name}\n{rest}")


def _film(place: Path, name: str, rng: random.Random) -> None:
    made = film()
    pixels = np.ascontiguousarray(made.pixel_array[::STEP, ::STEP])
    made.Rows, made.Columns = pixels.shape
    made.PixelData = pixels.tobytes()
    for tag in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(made, tag, generate_uid(entropy_srcs=["kills", tag, name]))
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.save_as(place / "film.dcm", enforce_file_format=True)


WRITERS: Final = {"note": _note, "film": _film, "genome": _genome}
