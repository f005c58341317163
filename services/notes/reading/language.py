"""Is this English? (pure) Counted on function words.

Enough to turn away what the models and word lists cannot read, not a language detector.
"""

import re
import unicodedata
from collections import Counter
from typing import Final

from services.notes.reading.tables import table

WORD: Final = re.compile(r"[^\W\d_]+")
FEW: Final = 12  # words: below this, function words prove nothing and only the script is looked at
LATIN_SHARE: Final = 0.7
FOREIGN_SHARE: Final = 0.08


def is_english(text: str, declared: str | None = None) -> bool:
    """Tell whether the text is English.

    False where the attachment declares another language, the script is not Latin, or another
    language's function words clearly prevail.
    """
    if declared and declared.lower().split("-")[0] != "en":
        return False
    found = WORD.findall(text)
    letters = Counter("".join(found))
    if (
        sum(count for letter, count in letters.items() if _latin(letter))
        < LATIN_SHARE * letters.total()
    ):
        return False
    words = [w.casefold() for w in found]
    if len(words) < FEW:
        return True
    share = {
        language: sum(w in names for w in words) / len(words)
        for language, names in _function_words().items()
    }
    foreign = max(value for language, value in share.items() if language != "en")
    return foreign < FOREIGN_SHARE or foreign <= share["en"]


def _latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN")


def _function_words() -> dict[str, frozenset[str]]:
    return {language: frozenset(words) for language, words in table("languages").items()}
