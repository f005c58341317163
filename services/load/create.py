"""Put resources into the EHR by conditional create.

So that a second time changes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from services.load.files import FILE
from services.load.identity import RESOURCE, Key, identified, identities, refuse_another
from services.load.resources import Entry, in_order, pointed, references
from shared.ehr.client import Ehr
from shared.errors import Conflict, FhirError, InvalidInput
from shared.fhir import bundle
from shared.json import Json
from shared.references import local_reference

DIGESTS: Final = frozenset({FILE, RESOURCE})
"""Systems of identifiers that the content gives: what carries one is the same."""
UNSUPPORTED: Final = frozenset({400, 501})
"""What servers answer to a condition that they can't search by."""


@dataclass(frozen=True)
class Loaded:
    """One resource that stands in the EHR now."""

    file: str
    reference: str
    created: bool


def create_all(entries: list[Entry], ehr: Ehr) -> Iterator[Loaded]:
    ids: dict[str, str] = {}
    for group in in_order(entries):
        circle = len(group) > 1 or bool(set(references(group[0].resource)) & set(group[0].names))
        made = (
            _create_circle(group, ids, ehr)
            if circle
            else [
                create(e.file, *identified(pointed(e.resource, ids), e.key), e.place, ehr)
                for e in group
            ]
        )
        for entry, item in zip(group, made, strict=True):
            ids |= dict.fromkeys(entry.names, item.reference)
            yield item


def create(file: str, resource: Json, key: Key, place: str, ehr: Ehr) -> Loaded:
    try:
        written = ehr.create(resource, _condition(key))
        found = None if written.created or key[0] in DIGESTS else ehr.read(written.reference)
    except Conflict:
        raise InvalidInput(
            f"{place}: more than one resource at the EHR carries its identifier of the system "
            f"{key[0]}."
        ) from None
    except FhirError as error:
        if error.status not in UNSUPPORTED:
            raise InvalidInput(f"{place}: {error}") from None
        return _create_unindexed(file, resource, key, place, ehr)
    if found is not None:
        refuse_another(place, resource, key, found)
    return Loaded(file, written.reference, written.created)


def _create_unindexed(file: str, resource: Json, key: Key, place: str, ehr: Ehr) -> Loaded:
    """Where the EHR can't search this type by identifier.

    Look through all that it has of it, then create without a condition.
    """
    try:
        if (found := standing(resource, key, ehr)) is None:
            return Loaded(file, ehr.create(resource).reference, True)
    except FhirError as error:
        raise InvalidInput(f"{place}: {error}") from None
    refuse_another(place, resource, key, found)
    return Loaded(file, local_reference(found), False)


def standing(resource: Json, key: Key, ehr: Ehr) -> Json | None:
    system, value = key
    return next(ehr.search(resource["resourceType"], {"identifier": f"{system}|{value}"}), None)


def _create_circle(group: Sequence[Entry], ids: Mapping[str, str], ehr: Ehr) -> list[Loaded]:
    """Resources that refer to each other: one transaction.

    Its answer may lack entries, so each is looked up afterwards.
    """
    made = [identified(pointed(entry.resource, ids), entry.key) for entry in group]
    before = [standing(resource, key, ehr) for resource, key in made]
    known = {
        name: local_reference(found)
        for entry, found in zip(group, before, strict=True)
        if found
        for name in entry.names
    }
    for entry, (resource, key), found in zip(group, made, before, strict=True):
        if found:
            refuse_another(entry.place, pointed(resource, known), key, found)
    if not all(before):
        _transact(group, made, ehr)
    after = [standing(resource, key, ehr) for resource, key in made]
    return [
        Loaded(e.file, local_reference(found), old is None)
        for e, old, found in zip(group, before, after, strict=True)
        if found
    ]


def _transact(group: Sequence[Entry], made: Sequence[tuple[Json, Key]], ehr: Ehr) -> None:
    urns = [f"urn:uuid:{uuid4()}" for _ in group]
    own = {name: urn for entry, urn in zip(group, urns, strict=True) for name in entry.names}
    posts = [
        bundle.post(pointed(resource, own), urn, _condition(key))
        for (resource, key), urn in zip(made, urns, strict=True)
    ]
    try:
        ehr.transact({"resourceType": "Bundle", "type": "transaction", "entry": posts})
    except (FhirError, Conflict) as error:
        raise InvalidInput(
            f"{', '.join(e.place for e in group)}, which refer to each other: {error}"
        ) from None


def _condition(key: Key) -> str:
    return f"identifier={key[0]}|{key[1]}"


def own_key(resource: Json) -> Key:
    """Of what we made: it has one identifier."""
    return identities(resource)[0]
