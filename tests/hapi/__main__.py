"""A real HAPI FHIR by hand: `python -m tests.hapi [--port PORT] [--keep FOLDER]` runs one until
SIGTERM or Ctrl-C. `CARELOOP_FHIR_URL=http://127.0.0.1:PORT/fhir` then names it.

`--build` fetches the jars and compiles, and starts nothing.
"""

import argparse
import signal
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.hapi.server import Hapi, build


def main() -> int:
    """Run one, or build; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.hapi",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, help="of the loopback interface; else a free one")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="its database; else in memory")
    parser.add_argument("--build", action="store_true", help="fetch and compile alone")
    asked = parser.parse_args()
    try:
        build()
        if not asked.build:
            serve(asked.port, asked.keep)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def serve(port: int | None, keep: Path | None) -> None:
    """Serve until SIGTERM or Ctrl-C, also where these come while it starts."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with TemporaryDirectory() as passing:
        server = Hapi(keep or Path(passing), durable=keep is not None, port=port)
        try:
            server.start()
            print(f"HAPI FHIR answers at {server.base}; Ctrl-C ends it", flush=True)
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
