"""Tell whether a clause affirms a word in it, denies it, or may do either (pure).

A small grammar of English, not a model. Where it can't tell, it answers both: the clinician is
asked, and a question too many costs less than a contradiction under a signature.
"""

import re
from typing import Final, Literal

Voice = Literal["affirmed", "denied"]

CONTRAST: Final = re.compile(
    r"(?:[;!\n]|\.(?=\s|$)|\b(?:but|however|although|though|except|apart from|besides|whereas|"
    r"while|yet|nevertheless|other than)\b)",
    re.IGNORECASE,
)
NOT: Final = (
    r"no|not|non|nor|neither|never|without|w/o|none|nil|zero|hardly|barely|cannot|\w+n't|little|"
    r"insufficient|fail\w*|lack\w*"
)
AWAY: Final = (
    r"absen\w*|exclu\w+|rul\w+ out|r/o|unlikely|improbable|doubtful|negative|refut\w+|dispro\w+|"
    r"resolv\w+|cleared|healed|gone|stop\w*|discontinu\w*|ceas\w+|declin\w+|refus\w+|withdr\w+|"
    r"reject\w*|free|off|unconfirmed|unsupported|unproven|false|artefact\w*|artifact\w*|"
    r"misread|denied|over-?call\w*|mimic\w*|wrong\w*|incorrect\w*|nowhere"
)
BEFORE_ONLY: Final = r"against|rather than|instead of|deny|denies|disagree\w*|argu\w+|avoid\w*"
BEFORE: Final = re.compile(rf"\b(?:{NOT}|{AWAY}|{BEFORE_ONLY})\b", re.IGNORECASE)
SEEN: Final = (
    r"seen|identified|found|confirmed|present|detected|demonstrated|visible|visuali[sz]ed|evident|"
    r"likely|supported|shown|noted|appreciated|suspected|convincing|there|given|taken|started|"
    r"indicated|advised|wanted|needed|recommended|reproduced|the case|real|true"
)
VERB: Final = (
    r"is|are|was|were|be|been|has|have|had|do|does|did|can|could|may|might|would|should|will|"
    r"seems?|appears?|looks?"
)
AFTER: Final = re.compile(
    rf"\b(?:{VERB})\s+(?:\w+\s+){{0,2}}?(?:{NOT})\b|\b(?:not|never|no longer)\s+(?:\w+\s+){{0,2}}?"
    rf"(?:{SEEN})\b|\b(?:{AWAY})\b|\b(?:cannot|\w+n't)\b"
    rf"|^\s*[:=(–—?-]\s*(?:no|none|not|nil|0)\b",
    re.IGNORECASE,
)
TWICE: Final = re.compile(rf"\b(?:{NOT})\b(?:\W+\w+){{0,3}}?\W+(?:{AWAY})\b", re.IGNORECASE)
"""Denied twice: `not excluded`, `cannot rule out`."""
LIST_END: Final = re.compile(r"\b(?:or|nor)\b", re.IGNORECASE)
TURN: Final = re.compile(r",|:|–|—|\s-\s|\b(?:and|with|plus)\b", re.IGNORECASE)
"""After it a clause may have begun to say something else."""
PLURAL: Final = re.compile(r"\b(?:are|were|have)\b", re.IGNORECASE)
NEAR: Final = 40
SWEEPING: Final = re.compile(
    r"\bno\s+(?:(?!other|further|additional|more|new|change)\w+\s+){0,3}?(?:abnormalit\w+|"
    r"findings?|patholog\w+|disease|lesions?)\b|\bnothing (?:abnormal|found|of note)\b"
    r"|\bnormal (?:\w+ ){0,2}(?:study|film|radiograph|x-?ray|examination|scan|image|report|result|"
    r"appearances?)\b|\b(?:chest|film|study|lungs?|examination|scan) (?:is |are |appears? )?"
    r"(?:clear|normal|unremarkable)\b|\bunremarkable (?:\w+ ){0,2}(?:study|film|chest|scan)\b",
    re.IGNORECASE,
)
"""Says of everything at once that it is not there."""


def clauses(text: str) -> list[str]:
    """Cut the text into pieces that deny or affirm for themselves."""
    return [piece.strip() for piece in CONTRAST.split(text) if piece.strip()]


def voices(clause: str, start: int, end: int) -> frozenset[Voice]:
    """Tell how the clause speaks of the word at this place."""
    before, after = clause[:start], clause[end:]
    sure = [*_before(before, after), *_after(after)]
    if not sure:
        return frozenset({"affirmed"})
    if TWICE.search(clause) or not any(sure):
        return frozenset({"affirmed", "denied"})
    return frozenset({"denied"})


def sweeps(clause: str) -> bool:
    """Tell whether the clause says that nothing at all was found."""
    return SWEEPING.search(clause) is not None


def _before(before: str, after: str) -> list[bool]:
    """Tell whether the last denial before the word is sure to reach it.

    Empty where there is none.
    """
    found = list(BEFORE.finditer(before))
    if not found:
        return []
    between = before[found[-1].end() :]
    listed = LIST_END.search(between) or LIST_END.search(after[:NEAR])
    return [bool(listed) or not TURN.search(between)]


def _after(after: str) -> list[bool]:
    """Tell whether the first denial after the word is sure to mean it.

    Empty where there is none.
    """
    found = AFTER.search(after)
    if found is None:
        return []
    between = after[: found.start()]
    return [not TURN.search(between) or bool(PLURAL.search(after[: found.end()]))]
