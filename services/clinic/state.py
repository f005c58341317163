"""What the demo keeps in its folder.

Every file is written whole or not at all: the demo may be killed at any moment.
"""

import fcntl
import secrets
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final, TextIO

from shared.disk.private import private_file, private_folder
from shared.errors import Misconfigured
from shared.service import Service

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "patient"
FILM: Final = "RG1_UNCR.dcm"  # of the package pydicom-data


def keep(path: Path, content: bytes) -> None:
    """Write the file unless it stands; readable by its owner alone."""
    if path.exists():
        return
    private_folder(path.parent)
    part = path.with_name(f"{path.name}.part")
    private_file(part)
    part.write_bytes(content)
    part.chmod(0o600)
    part.replace(path)


def hold(folder: Path) -> TextIO:
    """Hold the folder for one demo at a time.

    Closing the file lets it go, and so does the end of the process.

    Raises:
        Misconfigured: another demo holds it, or it can't be written.
    """
    try:
        private_folder(folder)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise Misconfigured(
            f"the demo can't keep its state in {folder}: {error.strerror}. Choose another folder "
            "with --state"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise Misconfigured(
            f"a demo is running on {folder} already. Stop it, or choose another folder with --state"
        ) from None
    return lock


def secret(folder: Path, name: str) -> str:
    """A password or key, made at the first start."""
    path = folder / f"{name}.secret"
    keep(path, secrets.token_urlsafe(9).encode())
    return path.read_text()


def patient_files(folder: Path, services: Sequence[Service] = ()) -> Path:
    """Return the folder with the demo's patient, written where it is missing.

    Our own VCF, note and orders, the film of `pydicom-data`, and the example files of services
    that bring their own.
    """
    contents = {p.name: p.read_bytes() for p in EXAMPLE.iterdir()}
    contents["film.dcm"] = (files("data_store") / "data" / FILM).read_bytes()
    for service in services:
        for path in sorted(service.example_files.iterdir()) if service.example_files else ():
            contents[f"{service.name}-{path.name}"] = path.read_bytes()

    for name, content in contents.items():
        keep(folder / "patient" / name, content)
    return folder / "patient"
