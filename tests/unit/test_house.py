"""`make check` sees what breaks the house's limits, and lets pass what does not."""

from pathlib import Path

import pytest

from tests import house


def seen(tmp_path: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return list(house.findings(tmp_path, list(files)))


BROKEN = {
    "a crowded folder": ({f"services/a/m{n}.py": "" for n in range(13)}, "13 modules"),
    "a long module": ({"services/a/m.py": "x = 1\n" * 301}, "301 lines"),
    "a long test": ({"tests/unit/test_m.py": "x = 1\n" * 301}, "301 lines"),
    "a wide setting": ({"pyproject.toml": f"x = '{'a' * 100}'\n"}, "pyproject.toml:1: 106"),
    "a wide paragraph": ({"docs/a.md": "words " * 20 + "\n"}, "docs/a.md:1: 120"),
    "a loose service": ({"services/helpers.py": ""}, "lies loose"),
    "a service that imports another": (
        {"services/a/service.py": "", "services/a/x/m.py": "from services.notes.domain import B\n"},
        "services/a/x/m.py:1: imports services.notes.domain.B",
    ),
    "a service that imports the pages": (
        {"services/a/service.py": "def load():\n    from services import review\n"},
        "services/a/service.py:2: imports services.review",
    ),
    "a wordy module": ({"shared/ehr/m.py": f'"""{"a" * 81}."""\n'}, "shared/ehr/m.py:1: a first"),
    "a wordy function": (
        {"services/a/m.py": f'def f() -> None:\n    """{"a" * 80}.\n\n    More.\n    """\n'},
        "services/a/m.py:2: a first line of 81 characters, at most 80",
    ),
    "a loose part of shared": ({"shared/runtime.py": ""}, "lies loose"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_a_limit_is_named(name: str, tmp_path: Path) -> None:
    files, expected = BROKEN[name]
    [finding] = seen(tmp_path, files)
    assert expected in finding


FINE = {
    "twelve modules and an __init__": {
        "services/a/__init__.py": "",
        **{f"services/a/m{n}.py": "" for n in range(12)},
    },
    "many tests": {f"tests/unit/test_{n}.py": "" for n in range(40)},
    "300 lines": {"services/a/m.py": "x = 1\n" * 300},
    "a wide table": {"docs/a.md": "| " + "a" * 120 + " |\n"},
    "wide code": {"docs/a.md": "```\n" + "a" * 120 + "\n```\n"},
    "its own modules and the catalogue": {
        "services/a/service.py": "import services.a.model\nfrom services.catalogue import NAME\n"
    },
    "the command line imports all": {"services/cli/m.py": "from services.review import page\n"},
    "a first line of 80": {"shared/ehr/m.py": f'"""{"a" * 79}."""\n'},
    "a wordy test": {"tests/unit/test_m.py": f'"""{"a" * 80}."""\n'},
    "the language": {"shared/events.py": "", "services/catalogue.py": ""},
}


@pytest.mark.parametrize("name", FINE)
def test_what_keeps_the_limits_passes(name: str, tmp_path: Path) -> None:
    assert seen(tmp_path, FINE[name]) == []
