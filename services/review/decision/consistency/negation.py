"""Tell whether a clause affirms a word in it, denies it, or may do either (pure).

A small grammar of English, not a model. Where it can't tell, it answers both: the clinician is
asked, and a question too many costs less than a contradiction under a signature.
"""

from typing import Final, Literal

from services.review.decision.consistency import cues

Voice = Literal["affirmed", "denied"]
NEAR: Final = 40
"""Characters after a word in which its list may end."""


def clauses(text: str) -> list[str]:
    """Cut the text into pieces that deny or affirm for themselves.

    A piece that only answers (`Pneumonia. No.`) stays with what it answers.
    """
    pieces: list[str] = []
    for piece in filter(None, (each.strip() for each in cues.CONTRAST.split(text))):
        if pieces and cues.ANSWER.fullmatch(piece):
            pieces[-1] += f", {piece}"
        else:
            pieces.append(piece)
    return pieces


def voices(clause: str, start: int, end: int) -> frozenset[Voice]:
    """Tell how the clause speaks of the word at this place."""
    said = cues.NEUTRAL.sub(lambda found: " " * len(found[0]), clause)
    before, after = said[:start], said[end:]
    sure = [*_before(before, after), *_after(after)]
    if not sure:
        return frozenset({"affirmed"})
    if cues.TWICE.search(said) or not any(sure):
        return frozenset({"affirmed", "denied"})
    return frozenset({"denied"})


def sweeps(clause: str) -> bool:
    """Tell whether the clause says that nothing at all was found."""
    return cues.SWEEPING.search(clause) is not None


def retracts(clause: str) -> bool:
    """Tell whether the clause takes back what the text itself affirms."""
    return cues.RETRACTING.search(clause) is not None


def _before(before: str, after: str) -> list[bool]:
    """Tell whether the last denial before the word is sure to reach it.

    Empty where there is none.
    """
    found = list(cues.BEFORE.finditer(before))
    if not found:
        return []
    between = before[found[-1].end() :]
    listed = cues.LIST_END.search(between) or cues.LIST_END.search(after[:NEAR])
    return [bool(listed) or not cues.TURN.search(between)]


def _after(after: str) -> list[bool]:
    """Tell whether the first denial after the word is sure to mean it.

    Empty where there is none.
    """
    found = cues.AFTER.search(after)
    if found is None:
        return []
    between = after[: found.start()]
    return [not cues.TURN.search(between) or bool(cues.PLURAL.search(after[: found.end()]))]
