"""Full garbage collections of a service that is at work do not walk what its start loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fake_ehr import FakeEhr
from services.clinic.ports import free_port
from shared.settings import Settings
from shared.stream.open import open_log
from tests.toy import TOY

SERVICE = """
import gc, threading, time, httpx
from shared.settings import load_settings
from shared.web.process import run_service
from tests.toy import TOY

settings, end = load_settings(), time.monotonic() + 30
threading.Thread(target=run_service, args=(TOY, settings, threading.Event()), daemon=True).start()

def ready():
    try:
        return httpx.get(f"http://127.0.0.1:{settings.http_port}/readyz").status_code == 200
    except httpx.TransportError:
        return False

while time.monotonic() < end and not (ready() and gc.get_freeze_count()):
    time.sleep(0.05)
print(ready(), gc.get_freeze_count(), len(gc.get_objects()), flush=True)
"""


@pytest.mark.timeout(90)
def test_what_the_start_loaded_is_frozen_once_the_service_is_ready(tmp_path: Path) -> None:
    with FakeEhr() as fake:
        settings = Settings(fhir_url=fake.base, state_dir=tmp_path)
        open_log(settings).create_topics(settings.partitions, [TOY.name])
        environment = {"FHIR_URL": fake.base, "STATE_DIR": tmp_path, "HTTP_PORT": free_port()}
        said = subprocess.run(
            [sys.executable, "-c", SERVICE],
            env=os.environ | {f"CARELOOP_{k}": str(v) for k, v in environment.items()},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    ready, frozen, walked = said.split()
    assert ready == "True" and int(frozen) > int(walked)
