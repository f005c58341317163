"""A real HAPI FHIR 8.8 (JPA server on H2, the settings of its starter) as a child process.

It needs Maven and a JDK of 17 or later. The first build fetches 400 MB of jars into .cache/hapi;
the server takes half a minute to come up.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services.clinic.ports import free_port
from tests.peers import Peer

HERE: Final = Path(__file__).parent
CACHE: Final = HERE.parents[1] / ".cache" / "hapi"
JAVA: Final = ("java", "-Xmx1500m", "-XX:TieredStopAtLevel=1")
UP_SEC: Final = 600.0
"""A busy machine of two cores; a quiet one needs thirty."""
LACKING: Final = (
    "HAPI FHIR is built with Maven and a JDK (17 or later), and {} is not installed. As root: "
    "apt-get install maven default-jdk-headless"
)


class Hapi(Peer):
    """One HAPI FHIR. `base` stays the same over restarts.

    Args:
        folder: for its log, and for its database where it keeps one.
        durable: keep all that was answered in the folder, over a SIGKILL, too; else in memory.
        port: of the loopback interface; a free one without it.
    """

    def __init__(self, folder: Path, *, durable: bool = False, port: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.base = f"http://127.0.0.1:{self.port}/fhir"
        kept = [str(folder.resolve() / "hapi")] if durable else []
        super().__init__(
            lambda: ([*JAVA, "-cp", build(), "Hapi", str(self.port), *kept], dict(os.environ)),
            f"{self.base}/metadata",
            folder / "hapi.log",
        )

    def start(self, timeout_sec: float = UP_SEC) -> None:
        """Start it and wait until it answers; raises RuntimeError."""
        super().start(timeout_sec)


@contextmanager
def hapi(folder: Path, *, durable: bool = False) -> Iterator[Hapi]:
    """A running HAPI FHIR of its own."""
    server = Hapi(folder, durable=durable)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def lacking() -> str | None:
    """Say which program is missing and how to install it; None when all are there."""
    missing = [program for program in ("mvn", "javac", "java") if shutil.which(program) is None]
    return LACKING.format(missing[0]) if missing else None


def build() -> str:
    """Fetch the jars and compile, once; return the class path.

    Raises:
        RuntimeError: Maven or a JDK is missing, or fails; the message says what to do.
    """
    if lack := lacking():
        raise RuntimeError(lack)
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        jars, classes = _jars(), _classes()
    return os.pathsep.join([str(classes), str(HERE), f"{jars}/*"])


def _jars() -> Path:
    jars = CACHE / "jars"
    if not jars.is_dir():
        part = Path(f"{jars}.part")
        where = ("-DincludeScope=runtime", f"-DoutputDirectory={part}")
        goal = ("dependency:copy-dependencies", *where)
        _run("mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), *goal)
        part.rename(jars)
    return jars


def _classes() -> Path:
    """Compile into a folder that the source names: another checkout may share the cache."""
    source = HERE / "Hapi.java"
    classes = CACHE / f"classes-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}"
    if not classes.is_dir():
        part = Path(f"{classes}.part")
        options = ("-nowarn", "-proc:none", "-d", str(part), "-cp", f"{CACHE / 'jars'}/*")
        _run("javac", *options, str(source))
        part.rename(classes)
    return classes


def _run(*command: str) -> None:
    if subprocess.run(command, check=False).returncode:
        raise RuntimeError(f"{command[0]} failed; its lines above say why")
