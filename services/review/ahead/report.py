"""What the printed report of a result asks, beside the result itself (pure)."""

from collections.abc import Iterator
from contextlib import suppress

from services.review.ahead.page import of_page
from services.review.result.asking.needs import Found, answer_query
from services.review.result.evidence import card_reference
from shared.ehr.ahead import Question, reading, searching
from shared.fhir import codes
from shared.references import identifiers_of


def of_report(found: Found) -> Iterator[Question]:
    """List what its page asks, the newest revision and the models' cards."""
    yield from of_page(found)
    for identifier in identifiers_of(found.head.task):
        if identifier.get("system") == codes.ANSWER:
            with suppress(ValueError):
                yield searching("Task", answer_query(str(identifier.get("value"))))
    cards = (card_reference(device) for device in found.of_kind("Device"))
    yield from (reading(card) for card in cards if card)
