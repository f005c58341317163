"""Name the rule behind a draft in an identifier, never in words (pure)."""

from dataclasses import replace

from shared.fhir import codes
from shared.fhir.drafts import Draft


def by_rule(draft: Draft, rule: str) -> Draft:
    """Name the rule behind a draft."""
    named = {"system": codes.RULE, "value": rule}
    identifiers = [*draft.resource["identifier"], named]
    return replace(draft, resource=draft.resource | {"identifier": identifiers})
