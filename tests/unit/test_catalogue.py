"""The catalogue: which packages it takes, and what it says of those that it can't."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services import catalogue
from shared.errors import Misconfigured

DECLARES = "from tests.toy import TOY\nfrom dataclasses import replace\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install a package by hand: its module's source, and its entry points."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(distribution: str, source: str, **points: str) -> None:
        module = distribution.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        lines = [f"{name} = {module}:{attribute}" for name, attribute in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{catalogue.GROUP}]", *lines]) + "\n")
        catalogue.look_again()

    yield install
    for name in [n for n in sys.modules if n.startswith("hospital_")]:
        del sys.modules[name]
    monkeypatch.undo()
    catalogue.look_again()


def test_a_package_adds_its_service(package: Callable[..., None]) -> None:
    package("hospital-ecg", DECLARES + "ECG = replace(TOY, name='holter')\n", holter="ECG")
    assert catalogue.analyser("holter").title == "Word count"
    assert catalogue.package_of("holter") == "hospital-ecg"
    assert catalogue.package_of("imaging") == "careloop"
    assert catalogue.service_names()[0] == "intake"
    assert "holter" in catalogue.service_names()


WRONG = {
    "no Service": ("ECG = 3\n", "is not a Service called holter"),
    "another name": (DECLARES + "ECG = TOY\n", "is not a Service called holter"),
    "no such attribute": ("", "hospital-ecg can't be loaded: AttributeError"),
    "a library is missing": ("import nolib\n", "hospital-ecg can't be loaded: ModuleNotFoundError"),
    "Patient starts nothing": (
        DECLARES + "ECG = replace(TOY, triggers=frozenset({'Patient', 'Observation'}))\n",
        "can't be triggered by Patient",
    ),
    "it raises": ("raise RuntimeError('no licence')\n", "hospital-ecg can't be loaded: Runtime"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_package_that_can_not_be_taken_is_named(what: str, package: Callable[..., None]) -> None:
    source, expected = WRONG[what]
    package("hospital-ecg", source, holter="ECG")
    with pytest.raises(Misconfigured, match=expected):
        catalogue.analyser("holter")


@pytest.mark.parametrize("name", ["intake", "review", "Ecg", "e.c.g"])
def test_a_name_that_is_none_is_refused(name: str, package: Callable[..., None]) -> None:
    package("hospital-ecg", "", **{name: "ECG"})
    with pytest.raises(Misconfigured, match=rf"hospital-ecg registers .* {name}"):
        catalogue.analyser_names()


def test_two_packages_with_one_name_are_both_named(package: Callable[..., None]) -> None:
    package("hospital-one", "", holter="ECG")
    package("hospital-two", "", holter="ECG")
    with pytest.raises(Misconfigured, match=r"hospital-(one|two) and hospital-(one|two) both"):
        catalogue.analyser_names()


def test_the_command_line_says_it_in_one_line(
    package: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package("hospital-ecg", "", intake="ECG")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "--help"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("Error: hospital-ecg registers an analyser called intake")
