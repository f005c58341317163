"""Run tests against a real HAPI FHIR: `python -m tests.hapi [pytest arguments]`; by default the
contracts and the whole loop.

Needs a JDK 17 and Maven. The first run fetches 400 MB of jars into .cache/hapi; the server takes a
minute to come up and keeps its state in memory. Not part of `make test`: CI plays HAPI's habits on
`benchmarks/fake_ehr`, and this proves what it says of HAPI.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from services.clinic.ports import free_port
from tests.peers import Peer

HERE: Final = Path(__file__).parent
CACHE: Final = HERE.parents[1] / ".cache" / "hapi"
CONTRACTS: Final = (
    "tests/contract/ehr",
    "tests/contract/test_ehr_subscriptions.py",
    "tests/contract/line",
)
LOOP: Final = ("tests/e2e/test_loop_hapi.py",)
UP_SEC: Final = 180.0


def build() -> str:
    """Fetch the jars, compile; return the class path."""
    jars, classes = CACHE / "jars", CACHE / "classes"
    if not jars.is_dir():
        goal = [
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
            f"-DoutputDirectory={jars}.part",
        ]
        subprocess.run(["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), *goal], check=True)
        Path(f"{jars}.part").rename(jars)
    subprocess.run(
        [
            "javac",
            "-nowarn",
            "-proc:none",
            "-d",
            str(classes),
            "-cp",
            f"{jars}/*",
            str(HERE / "Hapi.java"),
        ],
        check=True,
    )
    return f"{classes}{os.pathsep}{HERE}{os.pathsep}{jars}/*"


def run(class_path: str, arguments: list[str]) -> int:
    """Those tests on a fresh server; the exit status of pytest."""
    port = free_port()
    base = f"http://127.0.0.1:{port}/fhir"
    command = ["java", "-Xmx2g", "-XX:TieredStopAtLevel=1", "-cp", class_path, "Hapi", str(port)]
    server = Peer(lambda: (command, dict(os.environ)), f"{base}/metadata", CACHE / "hapi.log")
    server.start(UP_SEC)
    try:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-k", "http", *arguments],
            env=os.environ | {"CARELOOP_TEST_HAPI": base},
            check=False,
        ).returncode
    finally:
        server.stop()


def main() -> int:
    """The loop gets a server of its own: what other tests left behind would be analysed as well."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.hapi",
        usage="%(prog)s [-h] [pytest arguments]",
        allow_abbrev=False,
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _, arguments = parser.parse_known_args()  # all but --help is pytest's
    class_path = build()
    groups = [arguments] if arguments else [list(CONTRACTS), list(LOOP)]
    return max([run(class_path, group) for group in groups])


if __name__ == "__main__":
    sys.exit(main())
