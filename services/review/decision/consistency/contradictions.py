"""Contradictions between a conclusion and the choices on its findings (pure)."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from services.review import present
from services.review.decision.consistency import negation
from services.review.decision.consistency.negation import Voice
from services.review.decision.consistency.terms import WORD, Terms, terms_of
from shared.answers import digest
from shared.fhir import codes
from shared.json import Json

Fate = Literal["confirmed", "refuted", "left"]

SPEAKING: Final = frozenset({"Observation", "Condition", "MedicationRequest", "ServiceRequest"})
"""What is named in a conclusion; a goal's name may itself deny (`No stent thrombosis`)."""
SWEPT: Final = frozenset({"Observation", "Condition"})
"""`No abnormality` speaks of findings, not of proposals or of genes."""
ABSENT: Final = frozenset(
    {"absent", "negative", "no", "none", "not detected", "not present", "not seen", "not found"}
)
ABSENT_CODES: Final = ("NEG", "ND")
"""Negative, not detected."""


@dataclass(frozen=True)
class Contradiction:
    """One to ask about.

    Attributes:
        voice: what the conclusion does with what it names.
        words: the clause in which it does so.
        fate: what the choice says of it.
        token: names this very contradiction; it changes with the words and with the fate.
    """

    key: str
    name: str
    voice: Voice
    words: str
    fate: Fate

    @property
    def token(self) -> str:
        return digest(self.key, self.voice, self.words, self.fate)[-16:]


def contradictions(
    text: str,
    outputs: Mapping[str, Json],
    confirmed: Collection[str],
    refuted: Collection[str],
    left: Collection[str] = (),
) -> list[Contradiction]:
    """List each of them once, in the order of the outputs.

    Args:
        confirmed, refuted: keys of outputs.
        left: what the result says nothing about; a conclusion that speaks of it is asked about.
    """
    pieces = negation.clauses(text.replace("\u2019", "'"))
    found = []
    for key, resource in outputs.items():
        terms = terms_of(resource) if resource["resourceType"] in SPEAKING else None
        fate = _fate(key, confirmed, refuted, left)
        if terms is None or fate is None or _is_implied(resource):
            continue
        for wrong in _wrong(resource, fate):
            if words := _first(pieces, terms, wrong, resource):
                found.append(Contradiction(key, _name(resource), wrong, words, fate))
                break
    return found


def _fate(
    key: str, confirmed: Collection[str], refuted: Collection[str], left: Collection[str]
) -> Fate | None:
    if key in confirmed:
        return "confirmed"
    if key in refuted:
        return "refuted"
    return "left" if key in left else None


def _wrong(resource: Json, fate: Fate) -> tuple[Voice, ...]:
    """The voices that contradict the fate.

    A finding whose value says that something is absent is denied by who affirms that thing.
    """
    if fate == "left":
        return ("affirmed", "denied")
    stands = (fate == "confirmed") != _says_absent(resource)
    return ("denied",) if stands else ("affirmed",)


def _first(pieces: list[str], terms: Terms, wrong: Voice, resource: Json) -> str:
    """The first clause that speaks so of it; empty: none does."""
    spoken = [(piece, voice) for piece in pieces for voice in _voices(piece, terms)]
    if found := next((piece for piece, voice in spoken if voice == wrong), ""):
        return found
    if wrong != "denied" or not _can_be_swept(resource):
        return ""
    says_so = negation.retracts if spoken else negation.sweeps
    return next((piece for piece in pieces if says_so(piece)), "")


def _voices(piece: str, terms: Terms) -> Iterator[Voice]:
    for word in WORD.finditer(piece):
        if terms.name(word[0]):
            yield from negation.voices(piece, *word.span())
    for also in terms.others:
        for found in also.same.finditer(piece):
            yield from negation.voices(piece, *found.span())
        for found in also.broader.finditer(piece):
            yield from negation.voices(piece, *found.span()) - {"affirmed"}


def _can_be_swept(resource: Json) -> bool:
    genomic = codes.has_code(resource.get("category"), codes.V2_0074, "GE")
    return resource["resourceType"] in SWEPT and not genomic


def _is_implied(resource: Json) -> bool:
    """Tell whether it is named by a drug, for which a gene means something."""
    return codes.has_code(resource.get("code"), codes.GENOMICS_TBD, "therapeutic-implication")


def _says_absent(resource: Json) -> bool:
    if codes.has_code(resource.get("interpretation"), codes.INTERPRETATION, *ABSENT_CODES):
        return True
    return present.value_text(resource).strip().casefold() in ABSENT


def _name(resource: Json) -> str:
    named = (
        present.concept_text(resource.get(element))
        for element in ("medicationCodeableConcept", "code")
    )
    value = present.concept_text(resource.get("valueCodeableConcept"))
    terms = next(filter(None, named), "")
    return value if value and resource["resourceType"] == "Observation" else terms
