"""What the page of a result asks, beside the result itself (pure)."""

from collections.abc import Iterator

from services.review.ahead import orders
from services.review.banner import allergies
from services.review.panels import material
from services.review.result import heads
from services.review.result.asking.needs import Found, PageNeeds
from services.review.result.film import endpoints
from shared.ehr.ahead import Question, reading


def of_page(found: Found) -> Iterator[Question]:
    """List what the page asks, its forms included."""
    yield from map(allergies.question, found.records)
    if found.is_plan:
        yield from map(heads.question, found.records)
    yield from orders.of_exchange(found)
    yield from orders.of_left(found)
    yield from orders.of_advice(found)
    yield from of_film(found)
    for output in found.outputs.values():
        yield from map(reading, material.named_by(output))


def of_film(found: Found) -> Iterator[Question]:
    """List what leads to the film beneath a picture, where there is one."""
    if any(r["resourceType"] == "Media" for r in found.outputs.values()):
        studies = found.of_kind("ImagingStudy")
        yield from (reading(ref) for study in studies for ref in endpoints(study))


def of_decision(practitioner: str) -> PageNeeds:
    """Return what is asked before a decision, which may end in the page again.

    Args:
        practitioner: who decides: she is read anew.
    """

    def needs(found: Found) -> Iterator[Question]:
        yield reading(practitioner)
        yield from of_page(found)

    return needs
