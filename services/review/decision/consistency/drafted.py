"""Leave out what a draft says without a word on the patient (pure).

Its limits and its model name diseases; the description of a plan names the drugs that it compared,
and the titles of its alerts and choices. None of that affirms or denies what is decided. It is left
out only as drafted: what a clinician wrote herself is read.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from services.review import present
from shared.json import Json

LIMITS: Final = "Limits: "
"""With this an analyser begins what it says of its model."""
OF_THE_MODEL: Final = re.compile(r"(?:(?<=[.!?] )|^)The model [^.]*\.")
"""A sentence about the model, before the limits."""
OF_A_PLAN: Final = re.compile(
    r"(?:(?<=[.!?] )|^)(?:Compared: \d+ of \d+ active orders\.|"
    r"Not checked: .*?, ordered by a signed plan of careloop\.|"
    r"(?:Not known to the rules, so not checked|Not used, because too old|"
    r"Based on AI results that were unsigned when this was drafted): .*?\.(?=\s|$))",
    re.DOTALL,
)
"""A sentence of a plan on what it was drawn from, as the treatment service writes it."""
HEADINGS: Final = re.compile(
    r"(?:no|\d+) gene-guided proposals?, (?:no|\d+) alerts?(?: \(\d+ high-severity\))?, "
    r"(?:no|\d+) follow-ups?\. (.*?)(?= Not used, because | Based on AI results |$)",
    re.DOTALL,
)
"""The titles of what a plan holds, after the sentence that counts it."""


def of_the_patient(text: str, drafted: str, outputs: Mapping[str, Json]) -> str:
    """Leave out what is not about the patient, where it stands as drafted."""
    said, mark, limits = drafted.partition(LIMITS)
    for passage in filter(None, [mark + limits, *OF_THE_MODEL.findall(said)]):
        text = text.replace(passage, " ")
    for passage in OF_A_PLAN.findall(drafted):
        text = text.replace(passage, " ")
    for title in _titles(drafted, outputs):
        alone = _alone(title)
        text = alone.sub(" ", text) if alone.search(drafted) else text
    return text


def _titles(drafted: str, outputs: Mapping[str, Json]) -> list[str]:
    """List what stands in the draft as a title, the longest first."""
    listed = (t for found in HEADINGS.findall(drafted) for t in found.split("; "))
    found = {title.strip().rstrip(".") for title in (*listed, *_headings(outputs))}
    return sorted(found - {""}, key=len, reverse=True)


def _headings(outputs: Mapping[str, Json]) -> Iterator[str]:
    """Name the alerts and the choices."""
    for resource in outputs.values():
        if resource["resourceType"] == "DetectedIssue":
            yield present.concept_text(resource.get("code"))
        if resource["resourceType"] == "RequestGroup":
            yield from (str(a.get("title", "")) for a in resource.get("action", []))


def _alone(title: str) -> re.Pattern[str]:
    """Match the title as a whole sentence, or as an item of a list of them."""
    return re.compile(rf"(?:(?<=[.;!?]\s)|^){re.escape(title)}(?=[.;]|\s*$)", re.MULTILINE)
