"""Forms within a note: boxes, columns, `name: value`, signs (pure).

A form answers by its layout. What it answers goes before whatever its words would say.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["present", "negated", "unticked", "possible", "historical"]
BOX: Final = re.compile(
    r"\[[ _]*(?P<a>[xX*+vV]?)[ _]*\]|\([ _]*(?P<b>[xX*])?[ _]*\)|_+(?P<c>[xX])_+|__+"
)
NO: Final = (
    r"no|n|none|non-?reactive|negative|neg|-ve|denie[sd]|denying|absent|undetected|nil|never|false"
    r"|not? (?:present|seen|detected|reported|noted|evident|found|applicable)|ruled out|excluded"
    r"|\(-\)|0|resolved|none (?:reported|known|noted)|no evidence|non-?significant"
)
YES: Final = (
    r"yes|y|positive|pos|\+ve|present|reactive|detected|true|confirmed|admits|endorses|endorsed"
    r"|reports|reported|\(\+\)|\++|noted|active|ongoing"
)
UNCLEAR: Final = (
    r"unknown|unsure|unclear|not (?:assessed|asked|tested|done|known)|n/a|na|pending|equivocal"
    r"|indeterminate|possible|suspected|\?+"
)
VALUE: Final = rf"(?:(?P<no>{NO})|(?P<yes>{YES})|(?P<unclear>{UNCLEAR}))"
ENDS: Final = (
    r"(?=[ \t\r]*(?:at this time|at present|currently|today)?"
    r"[ \t\r]*(?:[.,;)\]|]|\t| {2,}|$))"
)
PAIR: Final = re.compile(
    rf"(?P<label>[^\W_](?:(?!\.\s)[^:;|\t\n,]){{0,70}}?)[ \t]*"
    rf"(?::|=|(?<=\s)-+(?=\s))[ \t]*{VALUE}{ENDS}",
    re.IGNORECASE | re.MULTILINE,
)
COLUMNS: Final = re.compile(
    rf"(?P<label>[^\W_][^\t|\n]{{0,70}}?)(?:\?[ ]+|\t+| {{2,}}|[._]{{3,}}|[ ]?\|[ ]?|[ ]+\()"
    rf"[ \t|._]*{VALUE}{ENDS}",
    re.IGNORECASE | re.MULTILINE,
)
OPTION: Final = re.compile(
    r"\b(?P<yes>yes|y|pos(?:itive)?|present)\b|\b(?P<no>no|n|neg(?:ative)?|absent|none)\b",
    re.IGNORECASE,
)
CIRCLED: Final = re.compile(
    r"(?P<label>[^\W_][^*\n]{0,60}?)[ \t]*(?:\(circle[^)]*\))?[ \t]*(?:(?:yes|no|y|n)[ \t/]+)*"
    r"\*+(?:(?P<no>no|n)|(?P<yes>yes|y))\*+(?P<unclear>(?!))?",
    re.IGNORECASE,
)
AFTER: Final = re.compile(
    r"(?P<label>[A-Za-z][^,;.\n()+-]{1,40}?)[ ]?"
    r"(?P<sign>\([-+]\)|[ ][-+]|\+{1,3})(?=[ \t]*(?:[,;.]|$))",
    re.MULTILINE,
)
LONGEST: Final = 1000
"""Characters of a form's line."""
SIGN: Final = re.compile(r"(?:(?<=\s)|^)(?P<sign>\([-+]\)[ ]?|[-+])(?=[A-Za-z])", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What a form says of the text from `start` to `end`.

    `signed`: by a plus or a minus.
    """

    start: int
    end: int
    verdict: Verdict
    signed: bool = False


def answers(text: str, start: int, end: int) -> list[Answer]:
    """Return the answers of a line; none where it is no form. A long line is prose."""
    if end - start > LONGEST:
        return []
    boxes = list(BOX.finditer(text, start, end))
    if boxes:
        return list(_boxes(text, start, end, boxes))
    found = [
        *_read(CIRCLED, text, start, end),
        *_read(PAIR, text, start, end),
        *_signs(text, start, end),
    ]
    return found or list(_read(COLUMNS, text, start, end))


def _boxes(text: str, start: int, end: int, boxes: Sequence[re.Match[str]]) -> Iterator[Answer]:
    options = [m for m in OPTION.finditer(text, start, end) if _beside(text, m, boxes)]
    if options and any(m["no"] for m in options):
        yield from _choices(text, start, options, boxes)
    elif text[start : boxes[0].start()].strip(" \t-*•0123456789.)"):
        yield from _after(start, boxes)
    else:
        yield from _before(end, boxes)


def _beside(text: str, option: re.Match[str], boxes: Sequence[re.Match[str]]) -> bool:
    """Tell whether an option stands beside a box, or before another option that does."""
    around = (
        not text[box.end() : option.start()].strip()
        if box.end() <= option.start()
        else not text[option.end() : box.start()].strip(" \t/|")
        or OPTION.fullmatch(text[option.end() : box.start()].strip(" \t/|")) is not None
        for box in boxes
    )
    return any(around)


def _choices(
    text: str, start: int, options: Sequence[re.Match[str]], boxes: Sequence[re.Match[str]]
) -> Iterator[Answer]:
    """Yield what was chosen of `Yes [ ] No [x]`, for the label before the options."""
    label = start
    group: list[re.Match[str]] = []
    for option in [*options, None]:
        apart = group and option and text[group[-1].end() : option.start()].strip(" \t/|[]()xX*_")
        if group and (option is None or apart):
            marks = [b for b in boxes if group[0].start() - 4 <= b.start()]
            if option is not None:
                marks = [b for b in marks if b.end() <= option.start()]
            yield Answer(label, group[0].start(), _chosen(group, marks))
            label, group = max(group[-1].end(), *(b.end() for b in marks), label), []
        if option is not None:
            group.append(option)


def _chosen(options: Sequence[re.Match[str]], marks: Sequence[re.Match[str]]) -> Verdict:
    leads = bool(marks) and marks[0].start() < options[0].start()
    for box in marks:
        if not _ticked(box):
            continue
        if leads:
            near = next((o for o in options if o.start() >= box.end()), None)
        else:
            near = next((o for o in reversed(options) if o.end() <= box.start()), None)
        if near is not None:
            return "negated" if near["no"] else "present"
    return "unticked"


def _after(start: int, boxes: Sequence[re.Match[str]]) -> Iterator[Answer]:
    """Each box answers for what stands before it."""
    for box in boxes:
        yield Answer(start, box.start(), "present" if _ticked(box) else "unticked")
        start = box.end()


def _before(end: int, boxes: Sequence[re.Match[str]]) -> Iterator[Answer]:
    """Each box answers for what stands after it.

    Of a ticked one the words tell the rest.
    """
    stops = [*(b.start() for b in boxes[1:]), end]
    for box, stop in zip(boxes, stops, strict=True):
        if not _ticked(box):
            yield Answer(box.end(), stop, "unticked")


def _ticked(box: re.Match[str]) -> bool:
    return bool(box["a"] or box["b"] or box["c"])


def _read(form: re.Pattern[str], text: str, start: int, end: int) -> Iterator[Answer]:
    for found in form.finditer(text, start, end):
        yield Answer(found.start("label"), found.end("label"), _verdict(found))


def _verdict(found: re.Match[str]) -> Verdict:
    if found["no"]:
        return "negated"
    return "present" if found["yes"] else "possible"


def _signs(text: str, start: int, end: int) -> Iterator[Answer]:
    """Yield what signs say: `-chest pain -rash`, `(-) rash`, `+cough`.

    A single hyphen at the beginning of a line is a bullet.
    """
    after = list(AFTER.finditer(text, start, end))
    if after:
        yield from (
            Answer(m.start("label"), m.end("label"), "negated" if "-" in m["sign"] else "present")
            for m in after
        )
        return
    signs = list(SIGN.finditer(text, start, end))
    plain = [s for s in signs if s["sign"] == "-"]
    if not signs or len(plain) == len(signs) == 1:
        return
    stops = [*(s.start() for s in signs[1:]), end]
    for sign, stop in zip(signs, stops, strict=True):
        yield Answer(sign.end(), stop, "negated" if "-" in sign["sign"] else "present", signed=True)
