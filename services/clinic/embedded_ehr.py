"""The embedded EHR: sekmet (PyPI `sekmet-fhir`), an R4 server on SQLite.

The demo, the small clinic and the tests start it the same way.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.disk.private import private_folder

QUIET_START = (
    "import sys, logging, uvicorn; logging.basicConfig(level=logging.WARNING); from sekmet.main "
    "import app_factory; "
    "uvicorn.run(app_factory, factory=True, host='127.0.0.1', port=int(sys.argv[1]), "
    "log_level='warning', access_log=False)"
)


def sekmet_command(
    folder: Path, port: int, smart_clients: Sequence[Mapping[str, Any]] = ()
) -> tuple[list[str], dict[str, str]]:
    """Return what to execute to serve FHIR from this folder, and its environment.

    It serves at `http://127.0.0.1:{port}/fhir`.

    `sekmet serve` logs every request with its query to the console and its body to the database,
    and its simulator answers Tasks and orders by itself; so the settings file that this writes
    turns all of it off, and uvicorn is started directly.

    Args:
        folder: settings and database live here; made if need be, used again on the next start.
        port: on the loopback interface alone.
        smart_clients: sekmet's `smart_clients` (`client_id`, `jwks`, `scopes`); with any, a SMART
            token is required.
    """
    folder = folder.resolve()
    private_folder(folder)
    settings = folder / "settings.yaml"
    settings.write_text(
        json.dumps(_settings(folder, port, smart_clients), indent=1)
    )  # JSON is YAML
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("SEKMET_")
    }
    environment = inherited | {"SEKMET_CONFIG": str(settings), "PYTHONUNBUFFERED": "1"}
    return [sys.executable, "-c", QUIET_START, str(port)], environment


def _settings(
    folder: Path, port: int, smart_clients: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    auth = (
        {"types": ["smart"], "smart_clients": [dict(c) for c in smart_clients]}
        if smart_clients
        else {"types": ["none"]}
    )
    return {
        "base_url": f"http://127.0.0.1:{port}/fhir",
        "host": "127.0.0.1",
        "port": port,
        "data_dir": str(folder),
        "db_path": str(folder / "sekmet.db"),
        "own_private_key_path": str(folder / "sekmet_private.pem"),
        "server_auth": auth,
        "simulator": {"enabled": False},
        "log_inbound": False,
        "max_body_log": 0,
    }
