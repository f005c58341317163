"""Name the words by which a clause denies, in English (pure data)."""

import re
from typing import Final


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


CONTRAST: Final = _any_of(
    r"[;!\n]",
    r"\.(?=\s|$)",
    r"\b(?:but|however|although|though|except|apart from|besides|whereas|while|yet|nevertheless|"
    r"other than)\b",
)
"""After it another statement begins."""

NOT: Final = (
    r"no|not|non|nor|nothing|neither|never|without|w/o|none|nil|zero|hardly|barely|cannot|"
    r"\w+n't|little|insufficient|fail\w*|lack\w*"
)
AWAY: Final = (
    r"absen\w*|exclu\w+|rul\w+ out|r/o|unlikely|less likely|improbable|doubt\w*|negative|refut\w+|"
    r"low (?:probability|likelihood|suspicion)|dispro\w+|resol\w+|cleared|healed|gone|stop\w*|"
    r"discontinu\w*|ceas\w+|declin\w+|refus\w+|withdr\w+|reject\w*|free|off|unconfirmed|"
    r"unsupported|unproven|false|artefact\w*|artifact\w*|misread|denied|over-?call\w*|mimic\w*|"
    r"wrong\w*|incorrect\w*|mistaken|mistake|nowhere|questionable|equivocal|uncertain|hold|held|paus\w+"
)
BEFORE_ONLY: Final = (
    r"against|rather than|instead of|deny|denies|disagree\w*(?: with)?|argu\w+|avoid\w*|so-called|"
    r"(?:mis)?taken for|mistook|alternative(?: diagnosis)? to"
)
BEFORE: Final = _any_of(rf"\b(?:{NOT}|{AWAY}|{BEFORE_ONLY})\b")
"""Denies what comes after it."""

SEEN: Final = (
    r"seen|identified|found|confirmed|present|detected|demonstrated|visible|visuali[sz]ed|evident|"
    r"likely|supported|shown|noted|appreciated|suspected|convincing|there|given|taken|started|"
    r"indicated|advised|wanted|needed|recommended|reproduced|the case|real|true"
)
VERB: Final = (
    r"is|are|was|were|be|been|has|have|had|do|does|did|can|could|may|might|would|should|will|"
    r"seems?|appears?|looks?"
)
AFTER: Final = _any_of(
    rf"\b(?:{VERB})\s+(?:\w+\s+){{0,2}}?(?:{NOT})\b",
    rf"\b(?:not|never|no longer)\s+(?:\w+\s+){{0,2}}?(?:{SEEN})\b",
    rf"\b(?:{AWAY})\b",
    r"\b(?:cannot|none|\w+n't)\b",
    r"^\s*[:=(–—?-]\s*(?:none|not|nil|0|neg|negative|absent|excluded)\b",
    r"^\s*[:=(–—?-]\s*no\s+(?:evidence|signs?|features?|indications?|suspicion)\b",
    r"^\W*(?:no|nope|none|not|nil|neg|negative|absent|excluded|n)\W*$",
    r"^\s*\(\s*[-–—−]\s*(?:ve)?\s*\)|^\s*[-–—−]\s*(?:ve)?$",
)
"""Denies what comes before it."""
ANSWER: Final = _any_of(r"\W*(?:no|nope|none|not|nil)\W*")
"""A piece that answers what stands before it."""

TWICE: Final = _any_of(
    rf"\b(?:{NOT})\b(?:\W+\w+){{0,3}}?\W+(?:{AWAY})\b",
    r"\b(?:to )?(?:rule out|exclude)\b|\br/o\b",
    r"\b(?:questionable|equivocal|uncertain)\b",
    r"\w\s+[-–—−]$",
)
"""Denied twice (`not excluded`), still to be denied (`to rule out`), or cut off (`-`)."""
NEUTRAL: Final = _any_of(
    r"\bno (?:\w+ )?(?:change|progress\w*|worsening|improvement|increase|decrease|growth|"
    r"difference)\b",
    r"\bnot (?:\w+ )?(?:changed|progressed|worsened|improved|increased|decreased|grown|larger|"
    r"smaller|worse|better|different)\b",
)
"""Denies a change, and so affirms what has not changed."""

LIST_END: Final = _any_of(r"\b(?:or|nor)\b")
TURN: Final = _any_of(
    r",|:|–|—|\s-\s",
    r"\b(?:and|plus)\b",
    r"(?<!consistent )(?<!compatible )(?<!keeping )(?<!line )\bwith\b",
)
"""After it a clause may have begun to say something else."""
PLURAL: Final = _any_of(r"\b(?:are|were|have)\b")

PLACE: Final = (
    r"chest|film|study|studies|lungs?|lung fields?|examination|exam|scan|radiograph|x-?ray|cxr"
)
WELL: Final = r"normal|unremarkable|healthy|clean|clear"
UNLESS: Final = (
    r"(?<!\bnot )(?<!\bnot a )(?<!\bno )(?<!\bnever )(?<!\botherwise )(?<!\bnot an )(?<!\bto )"
)
"""`Not a normal film`, `otherwise normal` say nothing of everything."""
THROUGHOUT: Final = (
    r"(?! (?:in|of|below|within) the (?:abdomen|pelvis|head|neck|brain|spine|leg)\w*)"
)
RETRACTING: Final = _any_of(
    rf"{UNLESS}\bfalse[- ](?:positives?|alarm)\b(?! (?:rate|fraction|ratio))",
)
"""Takes back what was found, also where the text names it."""
SWEEPING: Final = _any_of(
    r"\b(?:no|without(?: any)?)\s+(?:(?!other|further|additional|more|new)\w+\s+){0,3}?"
    r"(?:abnormalit\w+|findings?|patholog\w+|disease|lesions?|process\w*|anomal\w+|"
    rf"consolidations?|infiltrat\w+|opacit\w+|airspace disease|acute changes?)\b{THROUGHOUT}",
    r"\bnothing (?:abnormal|found|of note|acute|suspicious|pathologic\w*|remarkable|significant|"
    rf"focal|wrong|seen|to (?:see|report|find|note))\b{THROUGHOUT}",
    rf"{UNLESS}\b(?:normal|unremarkable) (?:\w+ ){{0,2}}(?:{PLACE}|image|report|result|"
    r"appearances?)\b",
    rf"{UNLESS}\b(?:healthy|clean|clear) (?:\w+ )?(?:{PLACE})\b",
    rf"{UNLESS}\bnegative (?:(?!for)\w+ )?(?:{PLACE}|image|report|result)\b(?! for)",
    rf"{UNLESS}\b(?:{PLACE})(?:(?! not| shows?| demonstrates?) \w+){{0,3}}(?: |:\s*|\s-\s)"
    rf"(?:{WELL}|negative(?! for))\b",
    r"\b(?:NAD|WNL)\b",
    r"^\W*(?:(?:all|everything|entirely|completely|overall|it|this|both|looks?|appears?|is|are)\s+)*"
    rf"(?:within normal limits|{WELL}|negative|fine)\W*$",
    RETRACTING.pattern,
)
"""Says of everything at once that it is not there."""
