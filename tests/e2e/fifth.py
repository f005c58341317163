"""A fifth service in a package of its own: `careloop new`, then `pip install`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from services import catalogue
from services.cli.scaffold import in_package, write
from shared.json import Json

NAME: Final = "ecgtoy"
CODE: Final = "11524-6"  # LOINC: EKG study, as the template has it


@contextmanager
def installed(folder: Path) -> Iterator[Path]:
    """The folder it is installed in, for this process and its children; nothing of it is left."""
    package, site = folder / "package", folder / "site"
    write(in_package(NAME, package))
    pip_install(package, site)

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        others = os.environ.get("PYTHONPATH", "")
        patch.setenv("PYTHONPATH", f"{site}{os.pathsep}{others}".rstrip(os.pathsep))
        catalogue.look_again()
        yield site
    catalogue.look_again()


def pip_install(package: Path, site: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--target", str(site), str(package)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def recording(patient: str, text: str) -> Json:
    """An ECG's Observation."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": CODE}]},
        "subject": {"reference": patient},
        "effectiveDateTime": "2026-10-02T09:30:00Z",
        "valueString": text,
    }


def demo(state: Path) -> Json:
    """What `careloop demo --once --json` prints, where the package is installed."""
    command = [sys.executable, "-m", "services.cli", "demo", "--once", "--json", "--state"]
    done = subprocess.run(
        [*command, str(state)], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told: Json = json.loads(done.stdout)
    return told
