"""Tag probabilities of words -> entities (pure).

The best sequence that BIO allows (Viterbi), for any model's own label names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.notes.domain import Entity, Kind
from services.notes.reading.tables import table
from shared.errors import Misconfigured

Floats = NDArray[np.float64]
BEGINS, CONTINUES = "BSU", "IELM"  # BIO, BIOES and BILOU
IMPOSSIBLE = -1e9


@dataclass(frozen=True)
class Scheme:
    """What each label of a model means.

    Attributes:
        kinds: by label index: `problem`, `drug`, or None for what this service does not look for.
        names: the label without its prefix; two labels of one name are one entity's.
        begins: this label opens an entity.
        allowed: [from, to]: 0 where `to` may follow `from`, else very negative.
    """

    kinds: tuple[Kind | None, ...]
    names: tuple[str, ...]
    begins: tuple[bool, ...]
    allowed: Floats


def scheme_of(labels: Mapping[int, str]) -> Scheme:
    """The scheme in a model's `id2label`.

    Raises:
        Misconfigured: no label is a problem's or a drug's; it names the labels that there are.
    """
    ordered = [labels[i] for i in range(len(labels))]
    parts = [_parts(label) for label in ordered]
    meaning: dict[str, Kind] = dict.fromkeys(table("labels")["problem"], "problem") | dict.fromkeys(
        table("labels")["drug"], "drug"
    )
    kinds = tuple(meaning.get(name.lower()) for _, name in parts)
    if not any(kinds):
        raise Misconfigured(
            "CARELOOP_NOTES_MODEL: none of its labels is a problem's or a drug's: "
            f"{', '.join(ordered)}; known names: {', '.join(meaning)}"
        )
    begun = {name for prefix, name in parts if prefix in tuple(BEGINS)}
    follows = np.zeros((len(parts), len(parts)))
    for to, (prefix, name) in enumerate(parts):
        if prefix in tuple(CONTINUES) and name in begun:
            follows[:, to] = [0.0 if name == other else IMPOSSIBLE for _, other in parts]
    return Scheme(
        kinds,
        tuple(name for _, name in parts),
        tuple(prefix in tuple(BEGINS) for prefix, _ in parts),
        follows,
    )


def _parts(label: str) -> tuple[str, str]:
    prefix, dash, name = label.partition("-")
    return (prefix.upper(), name) if dash and len(prefix) == 1 else ("", label)


def entities(words: Sequence[tuple[int, int]], scores: Floats, scheme: Scheme) -> list[Entity]:
    """Entities of one passage.

    Args:
        words: (start, end) of each word in the passage.
        scores: log probabilities [words, labels].
        scheme: what the labels mean.

    Returns:
        In order, with the mean probability of their kind as confidence.
    """
    if not len(words):
        return []
    path = viterbi(scores, scheme.allowed)
    found: list[Entity] = []
    first = 0
    for at in range(1, len(path) + 1):
        ends = (
            at == len(path)
            or scheme.names[path[at]] != scheme.names[path[first]]
            or scheme.begins[path[at]]
        )
        if ends:
            kind = scheme.kinds[path[first]]
            if kind is not None:
                same = [
                    i for i, name in enumerate(scheme.names) if name == scheme.names[path[first]]
                ]
                confidence = float(np.exp(scores[first:at][:, same]).sum(axis=1).mean())
                found.append(Entity(words[first][0], words[at - 1][1], kind, min(confidence, 1.0)))
            first = at
    return found


def viterbi(scores: Floats, allowed: Floats) -> list[int]:
    """The most probable sequence of labels in which each may follow the one before.

    No entity begins in its middle.
    """
    size = scores.shape[1]
    best = scores[0] + np.where(allowed.min(axis=0) < 0, IMPOSSIBLE, 0.0)
    came = np.zeros(scores.shape, dtype=np.int64)
    for at in range(1, len(scores)):
        ways = best[:, None] + allowed
        came[at] = ways.argmax(axis=0)
        best = ways[came[at], np.arange(size)] + scores[at]
    path = [int(best.argmax())]
    for at in range(len(scores) - 1, 0, -1):
        path.append(int(came[at][path[-1]]))
    return path[::-1]
