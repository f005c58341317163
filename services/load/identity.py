"""How a loaded resource is known again (pure).

And whether what carries that identifier already is the same.

Identifiers are shared more often than their name says: one accession number on every result of an
order, one dummy social security number on every patient who gave none. Taken as a condition as it
is, such a number would file one patient's documents under another.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from fhir.resources.R4B import get_fhir_model_class

from services.load.resources import Entry
from shared.answers import digest
from shared.errors import InvalidInput
from shared.fhir import codes
from shared.json import Json
from shared.references import subject_of

Key = tuple[str, str]
# Identifier of a resource that came without one: the digest of its content
RESOURCE: Final = f"{codes.NS}/loaded"
SIMPLE: Final = re.compile(r"[A-Za-z0-9.:/_~-]+")  # may stand in a query as it is
IDENTIFIER_TYPE: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
RECORD_NUMBERS: Final = frozenset(
    {"MR", "MRT", "PI"}
)  # v2-0203: medical record number, a temporary one, patient internal identifier
SHARED_NUMBERS: Final = frozenset(
    {"SS", "SB", "ACSN", "PLAC", "FILL", "PGN"}
)  # v2-0203: social security or beneficiary; accession, placer, filler, group
SOCIAL_SECURITY: Final = frozenset(
    {"http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1"}
)
SHORT_LIVED: Final = frozenset({"temp", "old"})  # Identifier.use
MEANINGS: Final = ("code", "medicationCodeableConcept", "vaccineCode")


def has_identifier(kind: str) -> bool:
    """R4 gives this type an identifier.

    The others (Binary, Provenance, AuditEvent, ...) could not be known again.
    """
    return _identifiers(kind) != "none"


def keyed(entries: Sequence[Entry]) -> list[Entry]:
    """Give each entry the identifier to know it by.

    Its best one that no other resource of its type carries.

    Raises:
        InvalidInput: an entry has identifiers, and another one carries all of them: only one of the
            two would stand in the record.
    """
    owners: dict[tuple[str, Key], list[Entry]] = {}
    for entry in entries:
        for key in identities(entry.resource):
            owners.setdefault((entry.kind, key), []).append(entry)
    return [_keyed(entry, owners) for entry in entries]


def _keyed(entry: Entry, owners: Mapping[tuple[str, Key], Sequence[Entry]]) -> Entry:
    keys = identities(entry.resource)
    rivals = {
        key: next((o for o in owners[entry.kind, key] if o.resource != entry.resource), None)
        for key in keys
    }
    own = next((key for key in keys if rivals[key] is None), None)
    if keys and own is None:
        rival = rivals[keys[0]]
        assert rival is not None
        raise InvalidInput(
            f"{entry.place}: shares its identifier of the system {keys[0][0]} with {rival.place}, "
            "so that only one of them would be loaded. "
            "Give each an identifier of its own, or take the shared one out."
        )
    return replace(entry, key=own)


def identities(resource: Json) -> list[Key]:
    """(system, value) of the identifiers that may stand in a query as they are.

    Those that are least likely shared come first.
    """
    pairs = [
        (i.get("system"), i.get("value")) for i in sorted(_identifier_list(resource), key=_rank)
    ]
    return list(
        dict.fromkeys(
            (str(s), str(v))
            for s, v in pairs
            if all(isinstance(part, str) and SIMPLE.fullmatch(part) for part in (s, v))
        )
    )


def _rank(identifier: Json) -> int:
    types = {
        c.get("code")
        for c in codes.codings(identifier.get("type"))
        if c.get("system") == IDENTIFIER_TYPE
    }
    if (
        types & SHARED_NUMBERS
        or identifier.get("system") in SOCIAL_SECURITY
        or identifier.get("use") in SHORT_LIVED
    ):
        return 2
    return 0 if types & RECORD_NUMBERS else 1


def identified(resource: Json, key: Key | None) -> tuple[Json, Key]:
    """With an identifier to know it by, `key` or one of its own making.

    References must point at the EHR already, so that two patients' stay two.
    """
    if key is not None:
        return resource, key
    own = {"system": RESOURCE, "value": digest(resource)[:48]}
    if _identifiers(resource["resourceType"]) == "one":
        return resource | {"identifier": own}, (own["system"], own["value"])
    known = resource.get("identifier", [])
    return resource | {"identifier": [*known, own] if isinstance(known, list) else own}, (
        own["system"],
        own["value"],
    )


def refuse_another(place: str, resource: Json, key: Key, found: Json) -> None:
    """Refuse a resource at the EHR that is another one.

    By whom and what it is about, as far as these can tell.

    Args:
        resource: to be loaded, its references pointing at the EHR.
        found: what stands at the EHR.

    Raises:
        InvalidInput: names the system of the identifier, and no value.
    """
    if differs := next(_differences(resource, found), None):
        raise InvalidInput(
            f"{place}: its identifier of the system {key[0]} stands at the EHR already; there, the "
            f"{resource['resourceType']} {differs}. "
            "Is the identifier a shared or a dummy one? Give the resource one of its own; what "
            "stands at the EHR was left as it is."
        )


def _differences(resource: Json, found: Json) -> Iterator[str]:
    if resource["resourceType"] == "Patient":
        yield from _of_persons(resource, found)
    elif subject_of(resource) != subject_of(found):
        yield "is about another patient"
    for element in MEANINGS:
        ours, theirs = (_meanings(r.get(element)) for r in (resource, found))
        if ours and theirs and not ours & theirs:
            yield f"has another {element}"


def _of_persons(resource: Json, found: Json) -> Iterator[str]:
    born = [str(r.get("birthDate", "")) for r in (resource, found)]
    if not (
        born[0].startswith(born[1]) or born[1].startswith(born[0])
    ):  # `1940` says less than `1940-03-05`, not another
        yield "has another date of birth"
    ours, theirs = (_by_system(r) for r in (resource, found))
    for system in ours.keys() & theirs.keys():
        if not ours[system] & theirs[system]:
            yield f"has another identifier of the system {system}"


def _by_system(resource: Json) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for item in _identifier_list(resource):
        if (
            isinstance(item.get("system"), str)
            and "value" in item
            and item.get("use") not in SHORT_LIVED
        ):
            found.setdefault(item["system"], set()).add(str(item["value"]))
    return found


def _identifier_list(resource: Json) -> Iterable[Json]:
    listed = resource.get("identifier", [])
    return [i for i in (listed if isinstance(listed, list) else [listed]) if isinstance(i, dict)]


def _meanings(concept: object) -> set[object]:
    """Its codes; its text, where it has none."""
    if not isinstance(concept, dict):
        return set()
    coded: set[object] = {
        (c.get("system"), c["code"]) for c in codes.codings(concept) if "code" in c
    }
    return coded or ({concept["text"]} if "text" in concept else set())


@cache
def _identifiers(kind: str) -> str:
    """`none`, `one` or `many`."""
    field = get_fhir_model_class(kind).model_fields.get("identifier")
    if field is None:
        return "none"
    return "many" if "list" in str(field.annotation).lower() else "one"
