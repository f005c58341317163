"""The CapabilityStatement: the needs of a safe write-back.

What it leaves open counts as possible.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from shared.errors import FhirError
from shared.json import Json

INTERACTIONS: Final = {"c": "create", "r": "read", "u": "update", "s": "search-type", "d": "delete"}
MUST_BE_LISTED: Final = ("Task", "Provenance")


Ask = Callable[[str, Mapping[str, str]], Json]
"""GETs a path on the base with parameters."""


def missing_at(ask: Ask, needs: Mapping[str, str]) -> list[str]:
    """List everything missing at an EHR, one sentence each.

    Some CapabilityStatements are incomplete. So a type that is not listed counts as missing only
    when the EHR does not answer a search for it either.

    Args:
        needs: resource type -> letters of `cruds`.
    """
    statement = ask("metadata", {})
    unlisted = unlisted_types(statement, needs)
    answered = frozenset(kind for kind in unlisted if _is_known(ask, kind))
    return missing_capabilities(statement, needs, answered)


def _is_known(ask: Ask, kind: str) -> bool:
    try:
        ask(kind, {"_summary": "count"})
    except FhirError as error:
        # Our scopes may leave out this search; an unknown type is 404.
        return error.status in (401, 403)
    return True


def missing_capabilities(
    statement: Json, needs: Mapping[str, str], answered: Collection[str] = ()
) -> list[str]:
    """List the gaps of an EHR, one sentence each; empty when careloop can work.

    A type's optional flags and lists (`conditionalCreate`, `versioning`, `interaction`) count
    against the EHR only where they say no; an absent flag says nothing (R4 CapabilityStatement
    gives no defaults). `transaction` must be listed.

    Args:
        needs: resource type -> letters of `cruds`, see `shared.ehr.auth.scopes.permissions`.
        answered: types that the statement does not list, and that the EHR answered for all the
            same.
    """
    if statement.get("resourceType") != "CapabilityStatement":
        return ["the metadata is not a CapabilityStatement"]
    return list(
        _missing(
            statement, {kind: letters for kind, letters in needs.items() if kind not in answered}
        )
    )


def unlisted_types(statement: Json, needs: Mapping[str, str]) -> list[str]:
    """List the types of `needs` outside the statement: some statements are incomplete."""
    return sorted(set(needs) - set(_types(statement)))


def subscription_topics(statement: Json) -> list[str]:
    """List the canonical URLs of the EHR's Backport topics."""
    extension = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
    extensions = _types(statement).get("Subscription", {}).get("extension", [])
    return [
        e["valueCanonical"]
        for e in extensions
        if e.get("url") == extension and "valueCanonical" in e
    ]


def _missing(statement: Json, needs: Mapping[str, str]) -> Iterator[str]:
    version = str(statement.get("fhirVersion", ""))
    if not version.startswith("4.0"):
        yield f"FHIR R4 (4.0.1); it speaks {version or 'no version that it names'}"
    if not any(i.get("code") == "transaction" for i in _server(statement).get("interaction", [])):
        yield "transaction Bundles"
    listed = _types(statement)
    for kind, letters in {**dict.fromkeys(MUST_BE_LISTED, ""), **needs}.items():
        if kind not in listed:
            yield f"the resource type {kind}"
        else:
            yield from _missing_of(kind, letters, listed[kind])


def _missing_of(kind: str, letters: str, declared: Json) -> Iterator[str]:
    codes = {i.get("code") for i in declared.get("interaction", [])}
    wanted = [INTERACTIONS[letter] for letter in letters]
    if codes and (lacking := [code for code in wanted if code not in codes]):
        yield f"{', '.join(lacking)} of {kind}"
    if "u" in letters and declared.get("versioning") == "no-version":
        yield f"versions of {kind} (If-Match)"
    if kind == "Task" and declared.get("conditionalCreate") is False:
        yield "conditional create of Task"


def _server(statement: Json) -> Json:
    found: Json = next((r for r in statement.get("rest", []) if r.get("mode") == "server"), {})
    return found


def _types(statement: Json) -> dict[str, Json]:
    return {r["type"]: r for r in _server(statement).get("resource", []) if "type" in r}
