"""Reading the annotated corpora that train and measure the notes models.

Used by train.py and evaluate.py alone.

- Entities: `token<TAB>tag` lines, a blank line after each sentence (BC5CDR and NCBI-disease, IOB2).
- Negation: the NegEx test set, one `concept<TAB>sentence` per line with its annotations.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NEGATION_COLUMNS = 6


@dataclass(frozen=True)
class Sentence:
    """Words with one IOB2 tag each.

    `O`, `B-Disease`, `I-Disease`, `B-Chemical`, `I-Chemical`.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]

    @property
    def text(self) -> str:
        """The words with one space between them.

        The corpora keep no white space of their own.
        """
        return " ".join(self.words)


@dataclass(frozen=True)
class Assertion:
    """One line of the NegEx set.

    A concept and the sentence that it stands in, with its three annotations in lower case.
    """

    concept: str
    sentence: str
    negation: str
    temporality: str
    experiencer: str


def read_iob(path: Path) -> list[Sentence]:
    """The sentences of an IOB file.

    Raises:
        ValueError: a line without exactly one tab; it names the line.
    """
    return list(_sentences(path))


def _sentences(path: Path) -> Iterator[Sentence]:
    words: list[str] = []
    tags: list[str] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    word, tag = line.rstrip("\n").split("\t")
                except ValueError:
                    raise ValueError(f"{path.name} line {number}: not `token<TAB>tag`") from None
                words.append(word)
                tags.append(tag)
            elif words:
                yield Sentence(tuple(words), tuple(tags))
                words, tags = [], []
    if words:
        yield Sentence(tuple(words), tuple(tags))


def entity_spans(sentence: Sentence) -> set[tuple[int, int, str]]:
    """(first character, end, kind) of each entity in `sentence.text`.

    An `I-` that continues nothing opens one.
    """
    spans: set[tuple[int, int, str]] = set()
    start, end, kind, at = 0, 0, "", 0
    for word, tag in zip(sentence.words, sentence.tags, strict=True):
        prefix, _, name = tag.partition("-")
        if kind and (prefix != "I" or name != kind):
            spans.add((start, end, kind))
            kind = ""
        if prefix != "O":
            start, kind = (at, name) if not kind else (start, kind)
            end = at + len(word)
        at += len(word) + 1
    return spans | ({(start, end, kind)} if kind else set())


def read_assertions(path: Path) -> list[Assertion]:
    """Read the complete lines of the NegEx set, annotations in lower case."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [
            Assertion(r[1], r[2], *(c.strip().lower() for c in r[3:6]))
            for r in rows
            if len(r) >= NEGATION_COLUMNS
        ]
