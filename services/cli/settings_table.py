"""The table of settings, printed from the class itself."""

from collections.abc import Iterator, Mapping

from pydantic.fields import FieldInfo

from shared.settings import Settings


def as_markdown(settings: type[Settings]) -> str:
    """Return the table of docs/settings.md."""
    rows = [
        f"| `{name}` | {f'`{default}`' if default else ''} | {text} |"
        for name, default, text in _rows(settings)
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def as_text(settings: type[Settings], environment: Mapping[str, str]) -> str:
    """Return the table for the terminal.

    What is set in the environment is marked; its value is not shown.
    """
    return "\n".join(
        f"{'*' if name in environment else ' '} {name}{f' [{default}]' if default else ''}\n      "
        f"{text}"
        for name, default, text in _rows(settings)
    )


def _rows(settings: type[Settings]) -> Iterator[tuple[str, str, str]]:
    for name, info in settings.model_fields.items():
        yield f"CARELOOP_{name.upper()}", _default(info), info.description or ""


def _default(info: FieldInfo) -> str:
    return "" if info.default in (None, "") else str(info.default)
