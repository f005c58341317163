"""ConText (medspaCy): negated, historical, the family's.

The only importer of spaCy.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from services.notes.reading.sentences import Span
from services.notes.reading.tables import table


class Context:
    """ConText over single sentences.

    A blank English tokenizer, and medspaCy's rules with ours (`data/context.toml`).
    """

    def __init__(self) -> None:
        from loguru import logger

        for package in ("medspacy", "PyRuSH", "quickumls"):
            logger.disable(package)  # they log sentences at debug level: notes are patient data
        with warnings.catch_warnings():
            # spaCy's command line, which medspaCy imports and nobody here runs, takes a function of
            # click from its old place
            warnings.filterwarnings(
                "ignore", "Importing 'parser.split_arg_string' is deprecated", DeprecationWarning
            )
            import spacy
            from medspacy.context import ConText, ConTextRule
            from medspacy.custom_tokenizer import create_medspacy_tokenizer

        nlp = spacy.blank("en")
        nlp.tokenizer = create_medspacy_tokenizer(nlp)
        nlp.max_length = 10**7
        self._nlp = nlp
        self._context = ConText(nlp, rules=None, input_span_type="group", span_attrs=None)
        theirs = ConTextRule.from_json(self._context.DEFAULT_RULES_FILEPATH)
        self._context.add(
            [rule for rule in theirs if rule.literal not in table("context")["without"]]
        )
        self._context.add([ConTextRule(**rule) for rule in _rules()])

    def categories(self, sentence: str, spans: Sequence[Span]) -> list[frozenset[str]]:
        """ConText's categories for each span.

        The sentence is one sentence, whatever its punctuation.
        """
        squeezed, places = squeeze(sentence)
        doc = self._nlp.make_doc(squeezed)
        for token in doc:
            token.is_sent_start = token.i == 0
        targets = [
            doc.char_span(places[a], places[b - 1] + 1, label="MENTION", alignment_mode="expand")
            for a, b in spans
        ]
        doc.spans["medspacy_spans"] = targets
        self._context(doc)
        return [frozenset(m.category for m in target._.modifiers) for target in targets]


def squeeze(text: str) -> tuple[str, list[int]]:
    """Return the text with single spaces, and where each character went.

    A rule's words may be apart, or on two lines.
    """
    kept: list[str] = []
    places: list[int] = []
    for character in text:
        if not character.isspace():
            kept.append(character)
        elif kept and kept[-1] != " ":
            kept.append(" ")
        places.append(max(len(kept) - 1, 0))
    return "".join(kept), places


def _rules() -> Iterator[dict[str, Any]]:
    for rule in table("context")["rules"]:
        for phrase in rule["phrases"]:
            yield {
                "literal": phrase,
                "category": rule["category"],
                "direction": rule["direction"].upper(),
                "max_scope": rule["within"] or None,
            }
