"""Other words for findings, which the finding itself does not carry (pure data).

Editorial: chosen by careloop from everyday reports, and no terminology's relation. A word too many
is a question too many.
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Also:
    """How else a text may speak of a finding.

    Attributes:
        finding: a word of the finding's own name.
        same: synonyms and narrower kinds: who affirms or denies them speaks of it.
        broader: who denies these denies it; who affirms them may mean another thing.
    """

    finding: re.Pattern[str]
    same: re.Pattern[str]
    broader: re.Pattern[str]


NOTHING: Final = r"(?!)"


def _also(finding: str, same: str, broader: str = NOTHING) -> Also:
    words = (rf"\b(?:{pattern})\b" for pattern in (finding, same, broader))
    return Also(*(re.compile(each, re.IGNORECASE) for each in words))


ELSEWHERE: Final = (
    *("urinary", "urinary tract", "urine", "wound", "skin", "viral", "fungal", "line", "joint"),
    *("bone", "catheter", "ear", "eye", "throat", "sinus", "dental"),
)
SITES: Final = (
    r"wound|skin|urin\w+|bladder|kidney\w*|bones?|joints?|ears?|foot|legs?|eyes?|throat|sinus\w*|"
    r"teeth|line|catheter|abdomen"
)
INFECTIONS: Final = (
    "".join(rf"(?<!{kind} )" for kind in ELSEWHERE)
    + r"infections?"
    + rf"(?! (?:of|in) (?:the |an? |her |his )?(?:{SITES})\b)(?! (?:control|marker|parameter)\w*)"
)
"""Those that may be of the lungs: no site elsewhere is named."""

TABLE: Final = (
    _also(
        "pneumonias?",
        r"(?:broncho|pleuro)[- ]?pneumoni\w+|PNA|LRTI|(?:chest|lung|pulmonary|lower respiratory"
        r"(?: tract)?) infections?|air[- ]?space (?:disease|shadowing)",
        rf"{INFECTIONS}|infective (?:changes?|foc\w+|process\w*)",
    ),
    _also("effusions?", r"pleural fluid|hydrothora\w+|ha?emothora\w+", r"fluid(?! levels?)"),
    _also(r"pneumothora\w+", r"PTX|pleural air"),
    _also("cardiomegaly", r"(?:enlarged|big) heart|cardiac enlargement|heart (?:is )?enlarged"),
    _also("o?edema", r"(?:pulmonary|vascular|venous) congestion", "congestion"),
    _also("fractures?", r"broken (?:rib|bone)s?"),
    _also(r"embol\w+", r"thrombo-?embol\w+", r"clots?"),
    _also("atelectas[ei]s", r"(?:lobar|partial|segmental|lung) collapse"),
    _also(
        r"(?<!pulmonary )(?<!portal )(?<!ocular )(?<!intracranial )hypertensi\w+",
        r"HTN|(?:high|raised|elevated) blood pressure",
    ),
)
