"""What the tests of notes reading share."""

import string
from collections.abc import Sequence

import numpy as np

from services.notes.analyze import read
from services.notes.domain import Entity, Inputs


class ListsOnly:
    """A reader that marks nothing: what lists, rules and headings do alone."""

    def entities(self, passages: Sequence[str]) -> list[list[Entity]]:
        return [[] for _ in passages]


def note(text: str, language: str | None = None) -> Inputs:
    return Inputs(
        "Patient/1",
        "",
        {"DocumentReference/1": "1"},
        "DocumentReference/1",
        "34117-2",
        text,
        language,
    )


def listed(text: str) -> list[tuple[str, str, str]]:
    return [(m.text, m.name, m.assertion) for m in read(note(text), ListsOnly()).mentions]


PUNCTUATION = (*string.punctuation, "•", "–", "“", "…", "\u00a0")


BLANK = (" ", "\t\r", " \n", "\n", "a\n")


LISTS = (
    "\n- ",
    "\n#",
    "a. ",
    "no ",
    "- ",
    "* ",
    "** ",
    ": ",
    "A:",
    "1. ",
    "0",
    "x",
    "9.9",
    "A\n\n",
    "\n\nA",
    "Dr. ",
    ". (",
    "\n\n\r",
)


HEADINGS = (
    "PLAN: ",
    "PLAN",
    "PLAN ",
    "PLAN\n",
    ". PLAN",
    "Past Medical ",
    "Past Medical History:\n",
    "**Plan**\n",
    "\n\nOdd Title:",
)


NAMES = (
    "aspirin ",
    "aspirin, no fever. ",
    "HTN ",
    "takes aspirin 81 mg\n",
    "severe fever ",
    "aspirin 1",
)


BEGINNINGS = ("PLAN", ". PLAN", "\n\nOdd title", "aspirin 1", "1. ")


GERMAN = (
    "Die Patientin wurde wegen Husten und Fieber aufgenommen. Keine Brustschmerzen, kein "
    "Durchfall. Seit drei Tagen Auswurf. Medikation: Aspirin."
)


FRENCH = (
    "La patiente est hospitalisée pour une toux avec de la fièvre depuis trois jours. Elle "
    "n'a pas de douleurs. Hypertension connue, lisinopril."
)


SPANISH = (
    "Paciente con tos y fiebre desde hace tres días, sin dolor en el pecho. Hipertensión y "
    "diabetes, en tratamiento con metformina."
)


BIO = {0: "O", 1: "B-Chemical", 2: "I-Chemical", 3: "B-Disease", 4: "I-Disease"}


def scores(rows: Sequence[Sequence[float]]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.log(np.array(rows) / np.sum(rows, axis=1, keepdims=True))
