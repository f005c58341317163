"""`careloop new`: what it writes passes its own test, the linter and the types as it is."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli.main import main

ROOT = Path(__file__).parents[2]
TREES = ("services", "shared", "pyproject.toml", "README.md", "LICENSE", "NOTICE")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, with the service `ecg` in it."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in TREES:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "weights")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    run(folder, "-m", "services.cli", "new", "ecg")
    return folder


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_touches_its_own_folder_and_one_line_of_pyproject(checkout: Path) -> None:
    before = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    after = (checkout / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line not in before] == [
        'ecg = "services.ecg.service:SERVICE"'
    ]
    assert len(after) == len(before) + 1
    tomllib.loads("\n".join(after))
    new = {p.relative_to(checkout).parts[:2] for p in (checkout / "services").rglob("*.py")}
    old = {p.relative_to(ROOT).parts[:2] for p in (ROOT / "services").rglob("*.py")}
    assert new - old == {("services", "ecg")}


def test_its_own_test_passes(checkout: Path) -> None:
    said = run(checkout, "-m", "pytest", "-q", "-c", "pyproject.toml", "services/ecg")
    assert "passed" in said


def test_it_is_formatted_linted_and_typed(checkout: Path) -> None:
    run(checkout, "-m", "ruff", "format", "--check", "services/ecg")
    run(checkout, "-m", "ruff", "check", "services/ecg")
    run(checkout, "-m", "mypy", "--no-error-summary", "-p", "services.ecg")


def test_nothing_of_the_template_is_left(checkout: Path) -> None:
    texts = [p.read_text(encoding="utf-8") for p in (checkout / "services/ecg").rglob("*.*")]
    assert texts
    assert not [text for text in texts if "template" in text.lower()]


@pytest.mark.parametrize(
    "name", ["ct", "cardiomegaly", "template2", "abcdefghijklmnopqrstuvwxyzabcde"]
)
def test_a_name_of_any_length_leaves_it_formatted(name: str, tmp_path: Path) -> None:
    written = tmp_path / "new"
    result = CliRunner().invoke(main, ["new", name, "--package", str(written)])
    assert result.exit_code == 0, result.output
    config = str(ROOT / "pyproject.toml")
    run(ROOT, "-m", "ruff", "format", "--check", "--config", config, str(written))
    run(ROOT, "-m", "ruff", "check", "--config", config, str(written))
    service = (written / f"careloop_{name}" / "service.py").read_text(encoding="utf-8")
    assert f"from careloop_{name}.model import" in service


@pytest.mark.parametrize("name", ["catalogue", "cli"])
def test_what_services_holds_already_is_refused(
    name: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    assert "already" in refused(name)


@pytest.mark.parametrize("text", [b"[project", b"\xff", b"project = 3", None])
def test_a_folder_that_is_no_checkout_is_named(
    text: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        (tmp_path / "pyproject.toml").write_bytes(text)
    monkeypatch.chdir(tmp_path)
    assert "is no checkout of careloop" in refused("ecg")


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["new", *arguments])
    assert result.exit_code == 2, result.output
    return result.stderr


@pytest.mark.parametrize(
    "name", ["Ecg", "e-c-g", "intake", "review", "imaging", "3d", "", "a b", "class"]
)
def test_a_name_that_will_not_do_is_refused(name: str, tmp_path: Path) -> None:
    assert "name" in refused(name, "--package", str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert "not empty" in refused("ecg", "--package", str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_place_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    """A folder below a file: whoever runs this, root included, can't make it."""
    (tmp_path / "file").write_text("mine")
    assert "can't write" in refused("ecg", "--package", str(tmp_path / "file" / "below"))
    assert "is a file" in refused("ecg", "--package", str(tmp_path / "file"))


def test_outside_a_checkout_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "--package" in refused("ecg")
