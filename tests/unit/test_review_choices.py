"""Alternatives of which at most one may become an order: what is asked, and what an answer leaves
out.
"""

import pytest

from services.review.decision import choices
from services.review.decision.choices import NONE, not_taken, unanswered, words
from shared.json import Json


def request(id: str, status: str = "draft") -> Json:
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": status,
        "medicationCodeableConcept": {"text": id},
    }


def group(id: str, *actions: Json) -> Json:
    return {"resourceType": "RequestGroup", "id": id, "status": "draft", "action": list(actions)}


def one_of(*children: Json, title: str = "One", behaviour: str = "at-most-one") -> Json:
    return {"title": title, "selectionBehavior": behaviour, "action": list(children)}


def order(id: str, kind: str = "MedicationRequest") -> Json:
    return {
        "title": f"take {id}",
        "resource": {"reference": f"{kind}/{id}/_history/1"},
    }


def answer(*resources: Json) -> dict[str, Json]:
    return {r["id"]: r for r in resources}


@pytest.mark.parametrize("behaviour", ["at-most-one", "exactly-one"])
def test_a_group_of_alternatives_is_a_choice(behaviour: str) -> None:
    [choice] = choices.choices(
        answer(
            request("a"),
            request("b"),
            group("g", one_of(order("a"), order("b"), behaviour=behaviour)),
        )
    )
    assert (choice.key, choice.title, choice.within) == ("g/0", "One", ())
    assert [(o.key, o.title, set(o.requests)) for o in choice.options] == [
        ("g/0/0", "take a", {"a"}),
        ("g/0/1", "take b", {"b"}),
    ]


@pytest.mark.parametrize("behaviour", ["any", "all", "all-or-none", "one-or-more", None])
def test_what_may_be_ordered_together_is_asked_one_by_one(behaviour: str | None) -> None:
    both = {"action": [order("a"), order("b")]} | (
        {"selectionBehavior": behaviour} if behaviour else {}
    )
    asked = choices.choices(answer(request("a"), request("b"), group("g", both)))
    assert [(choice.key, choice.is_alone) for choice in asked] == [("a", True), ("b", True)]


UNNAMED = {"resourceType": "MedicationRequest", "id": "a", "status": "draft"}
LONE = {
    "a drug": (request("a") | {"dosageInstruction": [{"text": "10 mg a day"}]}, "a 10 mg a day"),
    "a service": (UNNAMED | {"resourceType": "ServiceRequest", "code": {"text": "a"}}, "a"),
    "a drug that nothing names": (UNNAMED, "A proposal"),
}


@pytest.mark.parametrize(("lone", "title"), LONE.values(), ids=LONE)
def test_a_request_that_stands_alone_is_a_choice_of_one(lone: Json, title: str) -> None:
    asked = choices.choices(answer(lone))
    assert [(c.key, c.title, c.is_alone, c.refusal) for c in asked] == [
        ("a", title, True, "Do not order it")
    ]
    [order_it] = asked[0].options
    assert (order_it.key, order_it.title, order_it.open) == ("a/0", "Order it", True)
    for given in ({}, {"a": ""}, {"a": "a/1"}, {"b": "a/0"}, {"a": "a"}):
        assert unanswered(asked, given) == asked
    for given, left, said in (
        ({"a": "a/0"}, frozenset[str](), f"Ordered: {title}."),
        ({"a": NONE}, frozenset({"a"}), f"Not ordered: {title}."),
    ):
        assert unanswered(asked, given) == [] and not_taken(asked, given) == left
        assert words(asked, given) == [said]


@pytest.mark.parametrize("status", ["active", "cancelled", "entered-in-error"])
def test_what_was_decided_on_elsewhere_is_not_asked(status: str) -> None:
    assert choices.choices(answer(request("a", status))) == []
    assert [c.key for c in choices.all_offered(answer(request("a", status)))] == ["a"]


def test_a_goal_and_an_alert_are_no_orders() -> None:
    others = ("Goal", "DetectedIssue", "CarePlan", "Observation")
    assert choices.choices(answer(*({"resourceType": r, "id": r} for r in others))) == []


def test_nothing_is_said_of_an_order_that_goes_with_what_it_was_drawn_from() -> None:
    asked = choices.choices(answer(request("a"), request("b")))
    chosen = {"a": "a/0", "b": "b/0"}
    assert words(asked, chosen, frozenset({"a"})) == ["Ordered: b."]


def test_an_answer_leaves_out_the_others_and_nothing_else() -> None:
    asked = choices.choices(
        answer(
            request("a"),
            request("b"),
            request("c"),
            group("g", one_of(order("a"), order("b"), order("c"))),
        )
    )
    assert not_taken(asked, {}) == frozenset() and unanswered(asked, {}) == asked
    assert (
        not_taken(asked, {"g/0": "g/0/1"}) == {"a", "c"}
        and unanswered(asked, {"g/0": "g/0/1"}) == []
    )
    assert (
        not_taken(asked, {"g/0": NONE}) == {"a", "b", "c"}
        and unanswered(asked, {"g/0": NONE}) == []
    )
    assert (
        unanswered(asked, {"g/0": "g/0/9"}) == asked
        and unanswered(asked, {}, frozenset("abc")) == []
    )


NESTED = {
    "actions within an action": answer(
        *map(request, "abc"),
        group(
            "g",
            one_of(
                {"title": "surgery", "action": [order("a")]},
                {"title": "drugs", "action": [one_of(order("b"), order("c"), title="Drug")]},
            ),
        ),
    ),
    "a group within a group": answer(
        *map(request, "abc"),
        group("i", one_of(order("b"), order("c"), title="Drug")),
        group(
            "g", one_of(order("a"), {"title": "drugs", "resource": {"reference": "RequestGroup/i"}})
        ),
    ),
}


@pytest.mark.parametrize("outputs", NESTED.values(), ids=NESTED)
def test_a_choice_within_an_alternative_is_asked_only_with_it(outputs: dict[str, Json]) -> None:
    asked = choices.choices(outputs)
    outer, inner = asked
    assert (outer.title, inner.title, inner.within) == ("One", "Drug", ("drugs",))
    surgery, drugs = outer.options
    assert unanswered(asked, {outer.key: surgery.key}) == []
    assert unanswered(asked, {outer.key: drugs.key}) == [inner]
    both = {outer.key: drugs.key, inner.key: inner.options[1].key}
    assert unanswered(asked, both) == [] and not_taken(asked, both) == {"a", "b"}
    assert words(asked, both) == ["One: drugs.", "Drug: take c."]
    left_over = {outer.key: surgery.key, inner.key: inner.options[0].key}
    assert not_taken(asked, left_over) >= {"b", "c"} and "a" not in not_taken(asked, left_over)
    assert unanswered(asked, left_over) == [] and words(asked, left_over) == [
        f"One: {surgery.title}."
    ]


def test_answers_that_contradict_each_other_are_none() -> None:
    asked = choices.choices(
        answer(
            *map(request, "abc"),
            group("g", one_of(order("a"), order("b"))),
            group("h", one_of(order("a"), order("c"))),
        )
    )
    assert [c.key for c in unanswered(asked, {"g/0": "g/0/0", "h/0": "h/0/1"})] == ["g/0"]
    assert unanswered(asked, {"g/0": "g/0/0", "h/0": "h/0/0"}) == []


def test_groups_in_a_circle_are_asked_all_the_same() -> None:
    round_trip = [
        group("g", one_of(order("a"), order("h", "RequestGroup"))),
        group("h", one_of(order("b"), order("g", "RequestGroup"))),
    ]
    assert {c.key for c in choices.choices(answer(request("a"), request("b"), *round_trip))} == {
        "g/0",
        "h/0",
    }


def test_beside_an_order_made_elsewhere_nothing_else_can_be_chosen() -> None:
    asked = choices.choices(
        answer(request("a", "active"), request("b"), group("g", one_of(order("a"), order("b"))))
    )
    assert [o.open for o in asked[0].options] == [True, False]
    assert (
        unanswered(asked, {"g/0": "g/0/1"}) == asked and unanswered(asked, {"g/0": "g/0/0"}) == []
    )
    assert not_taken(asked, {"g/0": "g/0/0"}) == {"b"}


def test_words_without_a_request_can_be_chosen() -> None:
    [choice] = choices.choices(
        answer(request("a"), group("g", one_of(order("a"), {"title": "watchful waiting"})))
    )
    assert (
        not_taken([choice], {"g/0": "g/0/1"}) == {"a"}
        and unanswered([choice], {"g/0": "g/0/1"}) == []
    )
