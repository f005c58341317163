"""The choices of a plan: what is asked before a proposal becomes an order (pure).

Of the alternatives of a RequestGroup at most one may become an order. A request that no such group
offers is a choice of one: it is ordered, or it is not.

R4 says with `action.selectionBehavior` how many of an action's children may be selected, and leaves
it to whoever accepts the plan to select. So a plan is accepted only together with an answer to
every such choice; the alternatives that were not chosen are withdrawn (`cancelled`, `revoked`),
while the group keeps all its actions: they are the record of what was offered.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.review import present
from shared.fhir import lifecycle
from shared.json import Json
from shared.references import local_reference, relative

Known = Mapping[str, tuple[str, Json]]  # `Type/id` -> an output's key and the resource
Selection = Mapping[str, str]  # Choice.key -> Option.key, or NONE
ONE: Final = frozenset(
    {"at-most-one", "exactly-one"}
)  # http://hl7.org/fhir/ValueSet/action-selection-behavior
NONE: Final = "none"
REQUESTS: Final = frozenset({"MedicationRequest", "ServiceRequest"})
"""A proposal of these becomes an order."""
ORDER: Final = "Order it"
LEAVE: Final = "Do not order it"


@dataclass(frozen=True)
class Option:
    """One alternative.

    Attributes:
        key: names it among all options of the answer.
        requests: the keys of the outputs that it would order, those of groups within it included.
        taken: another client has made an order of it already.
        open: it can still be chosen: somebody has to decide on it, and no other alternative is
            taken.
    """

    key: str
    title: str
    requests: frozenset[str]
    taken: bool = False
    open: bool = True


@dataclass(frozen=True)
class Choice:
    """At most one of several.

    Attributes:
        key: the group's key and the action's place in it: stable for one version of the answer.
        within: the titles of the alternatives that it is a part of; it is asked only when they are
            chosen.
        is_alone: it is about one request, which no group of alternatives offers.
    """

    key: str
    title: str
    options: tuple[Option, ...]
    within: tuple[str, ...]
    is_alone: bool = False

    @property
    def refusal(self) -> str:
        """What it says to take nothing of what is offered."""
        return LEAVE if self.is_alone else "None of these"

    def said(self, answer: str) -> str:
        """Say what was chosen, a sentence."""
        if self.is_alone:
            return f"{'Not ordered' if answer == NONE else 'Ordered'}: {self.title}."
        titles = [o.title for o in self.options if o.key == answer]
        return f"{self.title}: {titles[0] if titles else 'none of the alternatives'}."

    def lost(self, selected: Selection) -> frozenset[str]:
        """The outputs that the answer leaves out; nothing while there is none."""
        answer = selected.get(self.key)
        if answer is None:
            return frozenset()
        taken = next((o.requests for o in self.options if o.key == answer), frozenset())
        return frozenset().union(*(o.requests for o in self.options)) - taken


def choices(outputs: Mapping[str, Json]) -> list[Choice]:
    """Every choice of the answer, outer ones before those within their alternatives.

    A request that stands alone is asked about while it is a draft.
    """
    return [
        choice
        for choice in all_offered(outputs)
        if not choice.is_alone or lifecycle.is_draft(outputs[choice.key])
    ]


def all_offered(outputs: Mapping[str, Json]) -> list[Choice]:
    """List every choice of the answer, also where the requests were decided on."""
    groups = _of_groups(outputs)
    grouped = offered(groups)
    alone = (
        _alone(key, r)
        for key, r in outputs.items()
        if r["resourceType"] in REQUESTS and key not in grouped
    )
    return [*groups, *alone]


def _alone(key: str, request: Json) -> Choice:
    """Ask whether a request becomes an order; the dosage stands in the title."""
    concept = request.get("medicationCodeableConcept") or request.get("code")
    dosages = (d.get("text", "") for d in request.get("dosageInstruction", []))
    title = " ".join(filter(None, [present.concept_text(concept) or "A proposal", *dosages]))
    order = Option(f"{key}/0", ORDER, frozenset({key}))
    return Choice(key, title, (order,), (), is_alone=True)


def _of_groups(outputs: Mapping[str, Json]) -> list[Choice]:
    known = {local_reference(r): (key, r) for key, r in outputs.items()}
    groups = [ref for ref, (_, r) in known.items() if r["resourceType"] == "RequestGroup"]
    inner = {target for ref in groups for target in _targets(known[ref][1].get("action", []))}
    outer = [ref for ref in groups if ref not in inner]
    found: dict[str, Choice] = {}
    for ref in (*outer, *groups):  # groups that name each other in a circle are walked, too
        for choice in _of_group(ref, known, (), frozenset()):
            found.setdefault(choice.key, choice)
    return list(found.values())


def unanswered(
    asked: Sequence[Choice], selected: Selection, gone: frozenset[str] = frozenset()
) -> list[Choice]:
    """List the choices still open.

    They have no answer, or one that no option of theirs is, or one that another answer leaves out.

    Args:
        gone: keys of outputs that are not accepted whatever is chosen.
    """
    return [choice for choice in asked if not _settled(choice, asked, selected, gone)]


def not_taken(asked: Sequence[Choice], selected: Selection) -> frozenset[str]:
    """The keys of the outputs that the answers leave out."""
    return frozenset().union(*(choice.lost(selected) for choice in asked))


def offered(asked: Sequence[Choice]) -> frozenset[str]:
    """The keys of everything that some choice offers."""
    return frozenset().union(*(option.requests for choice in asked for option in choice.options))


def words(
    asked: Sequence[Choice], selected: Selection, gone: frozenset[str] = frozenset()
) -> list[str]:
    """What was chosen, a sentence for each choice that was asked.

    Those within an alternative that was not taken were not.

    Args:
        gone: keys of outputs that are not accepted whatever is chosen.
    """
    return [
        choice.said(selected[choice.key])
        for choice in asked
        if choice.key in selected and not _moot(choice, asked, selected, gone)
    ]


def _settled(
    choice: Choice, asked: Sequence[Choice], selected: Selection, gone: frozenset[str]
) -> bool:
    if _moot(choice, asked, selected, gone):
        return True
    answer = selected.get(choice.key)
    if answer == NONE:
        return True
    chosen = next((o for o in choice.options if o.key == answer and o.open), None)
    return chosen is not None and not (
        chosen.requests and chosen.requests <= _lost_elsewhere(choice, asked, selected) | gone
    )


def _moot(
    choice: Choice, asked: Sequence[Choice], selected: Selection, gone: frozenset[str]
) -> bool:
    """Nothing is left to choose from."""
    requests = offered([choice])
    return requests <= _lost_elsewhere(choice, asked, selected) | gone


def _lost_elsewhere(choice: Choice, asked: Sequence[Choice], selected: Selection) -> frozenset[str]:
    return not_taken([other for other in asked if other is not choice], selected)


def _of_group(
    ref: str, known: Known, within: tuple[str, ...], seen: frozenset[str]
) -> Iterator[Choice]:
    key, group = known.get(ref, ("", {}))
    if ref not in seen and group.get("resourceType") == "RequestGroup":
        yield from _of_actions(group.get("action", []), key, known, within, seen | {ref})


def _of_actions(
    actions: Sequence[Json],
    place: str,
    known: Known,
    within: tuple[str, ...],
    seen: frozenset[str],
) -> Iterator[Choice]:
    for at, action in enumerate(actions):
        here, children = f"{place}/{at}", action.get("action", [])
        one = action.get("selectionBehavior") in ONE and bool(children)
        if one:
            yield _choice(action, here, known, within)
        for number, child in enumerate(children):
            inside = (*within, _titled(child, known)) if one else within
            yield from _of_actions([child], f"{here}/{number}", known, inside, seen)
        for ref in _target(action):
            yield from _of_group(ref, known, within, seen)


def _choice(action: Json, place: str, known: Known, within: tuple[str, ...]) -> Choice:
    options = [_option(child, f"{place}/{at}", known) for at, child in enumerate(action["action"])]
    taken = any(option.taken for option in options)
    still = (replace(o, open=o.taken or (o.open and not taken)) for o in options)
    return Choice(place, action.get("title") or "Choice between alternatives", tuple(still), within)


def _option(action: Json, place: str, known: Known) -> Option:
    ordered = dict(_requests([action], known, frozenset()))
    decidable = [r for r in ordered.values() if r["resourceType"] in lifecycle.STATUS]
    taken = any(
        lifecycle.status_of(r) == lifecycle.STATUS[r["resourceType"]]["signed"] for r in decidable
    )
    waits = not decidable or any(lifecycle.is_draft(r) for r in decidable)
    return Option(place, _titled(action, known), frozenset(ordered), taken, waits)


def _requests(
    actions: Sequence[Json], known: Known, seen: frozenset[str]
) -> Iterator[tuple[str, Json]]:
    for ref in _targets(actions):
        if ref in known and ref not in seen:
            yield known[ref]
            yield from _requests(known[ref][1].get("action", []), known, seen | {ref})


def _targets(actions: Sequence[Json]) -> Iterator[str]:
    """`Type/id` of what the actions and those within them order."""
    for action in actions:
        yield from _target(action)
        yield from _targets(action.get("action", []))


def _target(action: Json) -> Iterator[str]:
    reference = action.get("resource", {}).get("reference")
    if isinstance(reference, str):
        yield relative(reference)


def _titled(action: Json, known: Known) -> str:
    """The action's title; else what people call that which it orders."""
    ordered = [known[ref][1] for ref in _targets([action]) if ref in known]
    named = (
        present.concept_text(r.get("medicationCodeableConcept") or r.get("code")) for r in ordered
    )
    return str(
        action.get("title")
        or action.get("description")
        or next(filter(None, named), "")
        or "Alternative"
    )
