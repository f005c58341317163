"""Keep the AI's words under an amendment, and compare them (pure).

An EHR may keep no history, so the verifier's Provenance names the version that was amended and
carries its words.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final, Literal

from shared.fhir import codes
from shared.json import Json
from shared.references import local_reference, version_of

MODEL_WORDS: Final = f"{codes.NS}/StructureDefinition/model-words"
TOKEN: Final = re.compile(r"\S+\s*|\s+")
MANY: Final = 400
"""With so many words the frequent ones are passed over: else a page could take minutes."""


@dataclass(frozen=True)
class Piece:
    """A run of words: in both texts, taken out of the AI's, or added by the clinician."""

    fate: Literal["same", "struck", "added"]
    text: str


@dataclass(frozen=True)
class Words:
    """What an amended result shows of the AI's draft.

    Attributes:
        said: the AI's conclusion; None where the EHR does not hold it.
        pieces: the difference; empty where the clinician left the conclusion as it was.
    """

    said: str | None
    pieces: Sequence[Piece] = ()


def entity(focus: Json, said: str) -> Json:
    """Build the Provenance entity: the version that was amended, and its words."""
    what = codes.versioned(local_reference(focus), version_of(focus))
    kept = [{"url": MODEL_WORDS, "valueString": said}]
    return {"role": "revision", "what": what} | ({"extension": kept} if said else {})


def words_of(provenance: Iterable[Mapping[str, Any]], now: str) -> Words:
    """The AI's words by the Provenances of a result, against its text now."""
    said = None
    for each in provenance:
        for kept in each.get("entity", []):
            for extension in kept.get("extension", []):
                if extension.get("url") == MODEL_WORDS:
                    said = str(extension.get("valueString", ""))
    if said is None or said.strip() == now.strip():
        return Words(said)
    return Words(said, difference(said, now))


def difference(old: str, new: str) -> list[Piece]:
    """What was taken out of a text and what was put in, word by word."""
    before, after = TOKEN.findall(old.strip()), TOKEN.findall(new.strip())
    matched = SequenceMatcher(
        None, [t.strip() for t in before], [t.strip() for t in after], len(after) > MANY
    )
    pieces = []
    for what, i, j, k, m in matched.get_opcodes():
        if what == "equal":
            same = zip(before[i:j], after[k:m], strict=True)
            pieces.append(Piece("same", "".join(max(pair, key=len) for pair in same)))
            continue
        both = (Piece("struck", "".join(before[i:j])), Piece("added", "".join(after[k:m])))
        pieces += [piece for piece in both if piece.text]
    return pieces
