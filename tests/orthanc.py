"""A real PACS for the tests: Orthanc (Debian: orthanc, orthanc-dicomweb) with its DICOMweb plug-in,
on free ports of the loopback interface.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from services.clinic.ports import free_port
from tests.peers import Peer

USER: Final = "careloop"
PASSWORD: Final = "in-tests-only"
MISSING: Final = (
    "Orthanc is not installed: apt-get install orthanc orthanc-dicomweb (make test does)"
)


def installed() -> bool:
    """Orthanc and its plug-in are here."""
    return (
        shutil.which("Orthanc") is not None
        and Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so").exists()
    )


class Orthanc(Peer):
    """Orthanc with basic authentication. `url` is its DICOMweb root."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/dicom-web"
        settings: dict[str, Any] = {
            "Name": "careloop tests",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "HttpPort": self.port,
            "DicomServerEnabled": False,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        path = folder / "orthanc.json"
        path.write_text(json.dumps(settings), encoding="utf-8")
        super().__init__(
            lambda: (["Orthanc", str(path)], dict(os.environ)),
            f"{self.url}/studies",
            folder / "orthanc.log",
        )


@contextmanager
def orthanc(folder: Path) -> Iterator[Orthanc]:
    """A running Orthanc with its state in the folder."""
    peer = Orthanc(folder)
    peer.start()
    try:
        yield peer
    finally:
        peer.stop()
