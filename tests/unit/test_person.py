"""What the links between patient records say: who is one person, and when nobody can tell."""

from dataclasses import replace
from typing import Any

import pytest

from shared.errors import NotAnalysed
from shared.fhir.person import (
    CONTRADICTION,
    ELSEWHERE,
    GONE,
    MOST,
    TOO_MANY,
    UNREADABLE,
    Person,
    linked_alike,
    linked_records,
    person_of,
)
from shared.json import Json

ELSEWHERE_A = "https://other.example/fhir/Patient/a"


def record(name: str, *links: tuple[str, str], active: bool | None = None) -> Json:
    """A Patient with links: (type, id or reference)."""
    found = [
        {
            "type": kind,
            "other": {"reference": other if "/" in other else f"Patient/{other}"},
        }
        for kind, other in links
    ]
    stated = {} if active is None else {"active": active}
    return {"resourceType": "Patient", "id": name, **({"link": found} if found else {}), **stated}


def by(other: str) -> tuple[str, str]:
    return "replaced-by", other


def of(other: str) -> tuple[str, str]:
    return "replaces", other


def person(start: str, *records: Json) -> Person:
    """The person found from this record, at an EHR with these; the search finds what links."""
    held = {f"Patient/{r['id']}": r for r in records}

    def linking(reference: str) -> list[Json]:
        return [r for r in records if reference in linked_records(r)]

    return person_of(f"Patient/{start}", held.get, linking)


def seen_from_each(*records: Json) -> set[Person]:
    found = (person(str(r["id"]), *records) for r in records)
    return {replace(each, doubtful=(), successors=()) for each in found}


A_INTO_B = Person("Patient/b", ("Patient/b", "Patient/a"))


@pytest.mark.parametrize(
    "records",
    [
        [record("a", by("b"), active=False), record("b", of("a"), active=True)],
        [record("a", by("b"), active=False), record("b")],
        [record("a", active=False), record("b", of("a"))],
        [record("a", by("b")), record("b", of("a"))],
        [record("a", by("Patient/b/_history/3"), active=False), record("b")],
    ],
    ids=["both say so", "the retired one", "the survivor", "no active", "a version"],
)
def test_a_merge_is_seen_from_both_records_alike(records: list[Json]) -> None:
    assert seen_from_each(*records) == {A_INTO_B}


@pytest.mark.parametrize(
    "records",
    [
        [record("a"), record("b")],
        [record("a", ("seealso", "b")), record("b", ("refer", "a"))],
        [record("a", by("b"), active=True), record("b", of("a"), active=True)],
        [record("a", active=True), record("b", of("a"), active=True)],
        [record("a", by("b"), active=True), record("b")],
    ],
    ids=["no link", "refer, seealso", "active again", "active, one link", "active, other link"],
)
def test_records_that_are_not_merged_stay_apart(records: list[Json]) -> None:
    assert seen_from_each(*records) == {
        Person("Patient/a", ("Patient/a",)),
        Person("Patient/b", ("Patient/b",)),
    }


@pytest.mark.parametrize(
    ("records", "doubtful"),
    [
        ([record("a", by("b"), active=True), record("b", of("a"), active=True)], True),
        ([record("a", active=True), record("b", of("a"), active=True)], True),
        ([record("a", by("b"), active=True), record("b")], True),
        ([record("a", ("seealso", "b"), active=True), record("b")], False),
        ([record("a", by("b"), active=False), record("b")], False),
    ],
    ids=["both say so", "the survivor", "the retired one", "seealso", "merged"],
)
def test_a_link_that_retires_nobody_leaves_a_doubt(records: list[Json], doubtful: bool) -> None:
    found = {name: person(name, *records).doubtful for name in ("a", "b")}
    assert found == ({"a": ("Patient/b",), "b": ("Patient/a",)} if doubtful else {"a": (), "b": ()})


@pytest.mark.parametrize("one_sided", [False, True])
def test_a_chain_ends_at_its_last_record(one_sided: bool) -> None:
    back: Any = [] if one_sided else [of("a")]
    chain = [
        record("a", by("b"), active=False),
        record("b", by("c"), *back, active=False),
        record("c", active=True),
        record("d", by("c"), active=False),
    ]
    assert seen_from_each(*chain) == {
        Person("Patient/c", ("Patient/c", "Patient/a", "Patient/b", "Patient/d"))
    }


def test_a_chain_that_also_names_its_end_is_no_contradiction() -> None:
    chain = [record("a", by("b"), by("c")), record("b", by("c")), record("c")]
    assert {found.survivor for found in seen_from_each(*chain)} == {"Patient/c"}


def test_an_unmerge_in_the_middle_leaves_two_persons() -> None:
    parted = [
        record("a", by("b"), active=False),
        record("b", by("c"), active=True),
        record("c", of("b"), active=True),
    ]
    assert seen_from_each(*parted) == {A_INTO_B, Person("Patient/c", ("Patient/c",))}


@pytest.mark.parametrize(
    "records",
    [
        [record("a", by("b")), record("b", by("a"))],
        [record("a", by("a"), active=False)],
        [record("a", by("b")), record("b", by("c")), record("c", by("a"))],
        [record("a", by("b"), by("c")), record("b"), record("c")],
        [record("a"), record("b", of("a")), record("c", of("a"))],
        [record("a", by("b"), by("c")), record("b", by("a")), record("c")],
        [record("a", by("b"), by(ELSEWHERE_A)), record("b")],
        [record("a", by("b"), of("b")), record("b", active=False)],
    ],
    ids=[
        "circle of two",
        "circle of one",
        "circle of three",
        "two survivors",
        "two that replace",
        "circle with a way out",
        "here and elsewhere",
        "both ways",
    ],
)
def test_links_that_contradict_each_other_are_refused_from_each_record(
    records: list[Json],
) -> None:
    for start in records:
        with pytest.raises(NotAnalysed, match=CONTRADICTION):
            person(str(start["id"]), *records)


def test_a_record_in_use_settles_a_circle() -> None:
    circle = [record("a", by("b"), active=False), record("b", by("a"), active=True)]
    assert seen_from_each(*circle) == {A_INTO_B}


def test_a_retired_record_that_is_gone_is_left_out() -> None:
    assert person("b", record("b", of("a"))) == Person("Patient/b", ("Patient/b",))
    assert person("a", record("b", of("a"))) == Person("Patient/a", ("Patient/a",), gone=True)


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        (by("b"), GONE),
        (by(ELSEWHERE_A), ELSEWHERE),
        (by("urn:uuid:1b0a6f7e-0000-4000-8000-00000000/1"), ELSEWHERE),
        (by("/fhir/Patient/b"), ELSEWHERE),
        (by("RelatedPerson/7"), UNREADABLE),
        (by("#x/"), UNREADABLE),
        (by("Patient/b/c"), UNREADABLE),
        (by("Patient/b c"), UNREADABLE),
        (by("Patient/.."), UNREADABLE),
        (by("Patient/"), UNREADABLE),
    ],
    ids=[
        "gone",
        "another system",
        "a urn",
        "a path of the host",
        "no Patient",
        "contained",
        "too many steps",
        "a blank",
        "a step up",
        "no id",
    ],
)
def test_a_survivor_that_can_not_be_read_is_not_guessed(link: Any, reason: str) -> None:
    with pytest.raises(NotAnalysed, match=reason):
        person("a", record("a", link, active=False), record("x"))


def test_a_survivor_that_is_named_by_identifier_alone_is_not_guessed() -> None:
    retired = record("a", active=False) | {
        "link": [{"type": "replaced-by", "other": {"identifier": {"value": "7"}}}]
    }
    with pytest.raises(NotAnalysed, match=ELSEWHERE):
        person("a", retired)


@pytest.mark.parametrize(
    "other",
    [
        {"other": {"reference": "#x"}},
        {"other": {"reference": ""}},
        {"other": {"reference": "b"}},
        {"other": {"reference": None}},
        {"other": {"reference": {"reference": "Patient/b"}}},
        {"other": {"display": "b"}},
        {"other": {"identifier": "b"}},
        {"other": {}},
        {"other": "Patient/b"},
        {"other": ["Patient/b"]},
        {"other": None},
        {},
    ],
    ids=str,
)
def test_a_target_that_is_not_readable_is_said_to_be_so(other: Json) -> None:
    retired = record("a", active=False) | {"link": [{"type": "replaced-by"} | other]}
    with pytest.raises(NotAnalysed, match=UNREADABLE):
        person("a", retired, record("b"))
    beside = record("a", by("b"), active=False)
    beside["link"].append({"type": "replaced-by"} | other)
    with pytest.raises(NotAnalysed, match=UNREADABLE):
        person("b", beside, record("b"))
    in_use = record("a", active=True) | {"link": [{"type": "replaced-by"} | other]}
    found = person("a", in_use)
    assert replace(found, successors=()) == Person("Patient/a", ("Patient/a",))
    assert found.successors, "what is not readable is said"
    survivor = record("b") | {"link": [{"type": "replaces"} | other]}
    assert person("b", survivor) == Person("Patient/b", ("Patient/b",), unreadable=True)
    alike = record("b") | {"link": [{"type": "seealso"} | other]}
    assert person("b", alike) == Person("Patient/b", ("Patient/b",))


@pytest.mark.parametrize("other", [{"display": "b"}, "Patient/b", None])
def test_nobody_is_alike_whom_no_link_names(other: Any) -> None:
    assert linked_alike(record("a") | {"link": [{"type": "refer", "other": other}]}) == ()


def test_a_record_of_another_system_that_was_replaced_is_said_and_not_read() -> None:
    found = person("b", record("b", of(ELSEWHERE_A)), record("a", active=False))
    assert found == Person("Patient/b", ("Patient/b",), beyond=True)


def test_more_records_than_anybody_has_are_refused() -> None:
    few = [record(f"r{n}", by("b"), active=False) for n in range(MOST - 1)]
    survivor = record("b", active=True)
    assert len(person("b", survivor, *few).records) == MOST
    for start in ("b", "r3", "more"):
        with pytest.raises(NotAnalysed, match=TOO_MANY):
            person(start, survivor, *few, record("more", by("b"), active=False))


@pytest.mark.parametrize(
    "link", [None, "x", [None], [{}], [{"type": "replaces"}], [{"type": 7, "other": []}]]
)
def test_links_of_an_odd_shape_join_nothing(link: Any) -> None:
    found = person("a", record("a") | {"link": link}, record("b"))
    assert found.records == ("Patient/a",)
