"""Read the form of a decision, and say what is missing of it (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

from services.review.decision import choices, decide, typed
from services.review.decision.consistency.contradictions import Contradiction, contradictions
from services.review.decision.consistency.drafted import of_the_patient
from services.review.decision.decide import Decision, Kind
from services.review.decision.dependants import taken_back, with_dependants
from services.review.decision.exchange.beside import Beside
from services.review.decision.inputs import Unsigned
from services.review.decision.parts import FINDING, Fate, Part, parts
from services.review.result.result import Result

KINDS: Final[Mapping[str, Kind]] = {"sign": "signed", "amend": "amended", "reject": "rejected"}
MAX_REASON, MAX_TEXT = 1_000, 20_000
MOST_NAMED: Final = 8
GRAVE: Final = "Say why this high-severity alert does not hold."
UNCHANGED: Final = (
    "You have changed nothing. Confirm each part here, sign the result as it stands, or change it "
    "first. What you chose and ticked is kept in both forms."
)
TAKEN_BACK: Final = "A part of this result was taken back in another system. Amend or reject it."


class Form(Protocol):
    """What a browser sent."""

    def get(self, name: str, default: str, /) -> str:
        """The first value of a field."""
        ...

    def getlist(self, name: str, /) -> list[str]:
        """All values of a field."""
        ...


@dataclass(frozen=True)
class Problem:
    """Why a form is no decision yet.

    Attributes:
        words: what the clinician has to do differently; empty: nothing.
        questions: contradictions to which an answer is wanted.
    """

    words: str = ""
    questions: Sequence[Contradiction] = ()


@dataclass(frozen=True)
class Answers:
    """What became of the parts, as far as the form says.

    Attributes:
        asked: all parts, by key.
    """

    asked: Mapping[str, Part]
    fates: Mapping[str, Fate]

    def of(self, fate: Fate) -> frozenset[str]:
        """The keys of the parts with this fate."""
        return frozenset(key for key, given in self.fates.items() if given == fate)

    @property
    def open(self) -> list[Part]:
        """The parts without an answer."""
        return [part for key, part in self.asked.items() if key not in self.fates]

    @property
    def denied(self) -> frozenset[str]:
        """What is not so: findings that are refuted, proposals that are left out."""
        left = {k for k in self.of("leave") if self.asked[k].fates is not FINDING}
        return self.of("refute") | left


def answers(form: Form, result: Result) -> Answers:
    """Read what becomes of each part; an answer that was not offered is none."""
    asked = {part.key: part for part in parts(result.outputs)}
    given = {key: form.get(f"part-{key}", "") for key in asked}
    return Answers(
        asked, {k: cast(Fate, fate) for k, fate in given.items() if fate in asked[k].fates}
    )


def decision_of(
    form: Form, kind: Kind, result: Result, unsigned: Sequence[Unsigned] = ()
) -> Decision:
    """Read the form.

    A part without an answer stays as it is drafted: `problem` has asked for the answers that are
    needed.

    Args:
        unsigned: results under this one.
    """
    reason = typed.plain(form.get("reason", ""))
    if kind == "rejected":
        return Decision(kind, reason, wrong_patient=form.get("wrong_patient", "") == "yes")
    chosen = {
        choice.key: answer
        for choice in choices.choices(result.outputs)
        if (answer := form.get(f"choice-{choice.key}", ""))
    }
    resting = tuple(u.name for u in unsigned)
    if kind == "signed":
        return Decision(kind, chosen=chosen, unsigned=resting)
    given = answers(form, result)
    if is_as_it_stands(form, kind, result):
        return Decision("signed", reason, chosen=chosen, unsigned=resting)
    return Decision(
        kind,
        reason,
        text=typed.plain(form.get("text", "")),
        dropped=given.of("refute") | given.of("leave"),
        left_out=given.of("leave"),
        chosen=chosen,
        unsigned=resting,
        on_purpose=tuple(dict.fromkeys(q.name for q in _questions(form, given, chosen, result))),
    )


def is_as_it_stands(form: Form, kind: Kind, result: Result) -> bool:
    """Tell whether an amendment changes nothing and confirms every part.

    It is a signature then. Where a part has no answer, nobody knows what was meant.
    """
    given, outputs = answers(form, result), result.outputs
    is_same = typed.plain(form.get("text", "")) == decide.text_of(result.focus or {}).strip()
    is_answered = bool(given.asked or choices.choices(outputs)) and not given.open
    unchanged = is_same and is_answered and len(given.of("confirm")) == len(given.asked)
    return kind == "amended" and unchanged and not taken_back(outputs)


def problem(
    form: Form,
    decision: Decision,
    result: Result,
    unsigned: Sequence[Unsigned] = (),
    doubled: Sequence[Beside] = (),
) -> Problem:
    """Say what the clinician has to do differently.

    Args:
        doubled: what the decision orders beside a standing order of the same drug.
    """
    words = _typed(decision, result)
    if decision.kind == "rejected":
        return Problem(words or ("" if decision.reason else "Say why you reject the result."))
    given = answers(form, result)
    words = words or _incomplete(form, decision, given, result)
    words = words or _unread(form, unsigned) or _ordered_twice(form, doubled)
    if words or decision.kind == "signed":
        return Problem(words)
    questions, meant = _questions(form, given, decision.chosen, result), form.getlist("meant")
    if all(question.token in meant for question in questions):
        return Problem()
    return Problem(
        f"Your {_field(result)} and your choices contradict each other. Nothing was saved. Change "
        "one of them, or tick beside the form that it is intended.",
        questions,
    )


def _incomplete(form: Form, decision: Decision, given: Answers, result: Result) -> str:
    if form.get("reviewed", "") != "yes":
        return "Confirm that you have reviewed the result and its evidence."
    if decision.kind == "signed" and taken_back(result.outputs):
        return TAKEN_BACK
    words = _amendment(decision, given, result) if decision.kind == "amended" else ""
    return words or _open_choices(decision, result)


def _unread(form: Form, unsigned: Sequence[Unsigned]) -> str:
    """Say which unsigned results have no tick of their own."""
    ticked = form.getlist("unsigned")
    names = [u.name for u in unsigned if u.reference not in ticked]
    if not names:
        return ""
    return (
        f"This is based on results that nobody has signed: {_listed(names)}. Nothing was saved. "
        "Sign them first, or tick each of them."
    )


def _ordered_twice(form: Form, doubled: Sequence[Beside]) -> str:
    """Say which drugs are ordered already, and have no tick of their own."""
    ticked = form.getlist("beside")
    names = [each.words for each in doubled if each.token not in ticked]
    if not names:
        return ""
    return (
        f"Already ordered: {_listed(names)}. Nothing was saved. Don't order it again, or tick "
        "“Order it beside the standing order”."
    )


def _typed(decision: Decision, result: Result) -> str:
    own = decide.text_of(result.focus or {})
    if words := typed.problem(decision.reason, "reason", MAX_REASON):
        return words
    if decision.text is None or decision.text == own.strip():
        return ""
    return typed.problem(decision.text, _field(result), max(MAX_TEXT, len(own)))


def _field(result: Result) -> str:
    return decide.field_of(result.focus) if result.focus else "text"


def _amendment(decision: Decision, given: Answers, result: Result) -> str:
    """What is missing of an amendment."""
    own = decide.text_of(result.focus or {})
    rewritten, field = decision.text != own.strip(), _field(result)
    if own and not decision.text:
        return f"The {field} may not be empty. Reject the result if nothing of it holds."
    if rewritten and given.open:
        return (
            f"You changed the {field}, so each finding needs your choice. Still open: "
            f"{_listed([part.name for part in given.open])}. Nothing was saved."
        )
    if not rewritten and not decision.dropped and not taken_back(result.outputs):
        return UNCHANGED
    if lost := _without_ground(decision, given, result):
        return (
            "What you confirm here was derived from something that you don't confirm: "
            f"{_listed(lost)}. Nothing was saved. Change one of them."
        )
    return GRAVE if not decision.reason and _leaves_grave(given, result) else ""


def _without_ground(decision: Decision, given: Answers, result: Result) -> list[str]:
    """Name what is confirmed or ordered, and was derived from what is not confirmed."""
    lost = with_dependants(result.outputs, decision.dropped)
    ordered = (
        choice.title
        for choice in choices.choices(result.outputs)
        if choice.is_alone
        and choice.key in lost
        and decision.chosen.get(choice.key, choices.NONE) != choices.NONE
    )
    return [*(given.asked[key].name for key in sorted(lost & given.of("confirm"))), *ordered]


def _leaves_grave(given: Answers, result: Result) -> bool:
    """Tell whether an alert of high severity is left out."""
    return any(result.outputs[key].get("severity") == "high" for key in given.of("leave"))


def _questions(
    form: Form, given: Answers, chosen: Mapping[str, str], result: Result
) -> list[Contradiction]:
    """Find where the conclusion contradicts the choices."""
    asked = choices.choices(result.outputs)
    offered, lost = choices.offered(asked), choices.not_taken(asked, chosen)
    left = _left(given, result)
    confirmed = {key for key in given.asked if key not in given.denied | left}
    drafted = decide.text_of(result.focus or {})
    return contradictions(
        of_the_patient(typed.plain(form.get("text", "")), drafted, result.outputs),
        result.outputs,
        confirmed | (offered - lost),
        given.denied | lost,
        left,
    )


def _left(given: Answers, result: Result) -> frozenset[str]:
    """The findings of which the result says nothing any more."""
    gone = with_dependants(result.outputs, taken_back(result.outputs))
    return (given.of("leave") - given.denied) | gone


def _open_choices(decision: Decision, result: Result) -> str:
    """Which choices still need an answer, of alternatives and of one."""
    asked, refused = choices.choices(result.outputs), decide.refused(result.outputs, decision)
    still = choices.unanswered(asked, decision.chosen, refused)
    alone = "; ".join(choice.title for choice in still if choice.is_alone)
    among = "; ".join(choice.title for choice in still if not choice.is_alone)
    sentences = [
        f"Choose at most one of the alternatives for: {among}." if among else "",
        f"Choose whether to order: {alone}." if alone else "",
    ]
    return " ".join([*filter(None, sentences), "Nothing was saved."]) if still else ""


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return "; ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
