"""Kills at random: `python -m tests.kills --inputs 200 --kills 30 --ehr hapi --log kafka`.

Everything is started for the run: the EHR, the event log, intake and the analysers. While inputs
are loaded, services get SIGKILL at random instants and are started again. When all is settled, each
input must have exactly one answer of each service that accepts it, no draft may be an orphan, and
nothing may change for a minute. The exit status is 1 where that does not hold.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.kills.run import Asked, run
from tests.kills.table import into, table


def main() -> int:
    """Run once; the exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end what was started
    options = arguments()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    asked = Asked(
        seed,
        options.inputs,
        options.kills,
        options.ehr,
        options.log,
        options.kill_broker,
        options.kill_ehr,
    )
    folder = Path(tempfile.mkdtemp(prefix="careloop-kills-"))
    began = time.monotonic()
    result = run(
        asked, folder, lambda said: print(f"{time.monotonic() - began:5.0f} s {said}", flush=True)
    )
    print(f"\n{table(result)}")
    for reason, count in result.reckoning.reasons.items():
        print(f"{count} without a result: {reason}")
    for letter in result.letters:
        print(f"dead letter: {letter}")
    for fault in result.faults:
        print(fault)
    if options.docs:
        into(options.docs, table(result))
    if result.faults:
        print(f"logs and data: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.kills",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--inputs", type=int, default=200, help="one each 1.5 s")
    parser.add_argument(
        "--kills", type=int, default=30, help="SIGKILLs of services while they load"
    )
    parser.add_argument("--seed", type=int, help="else a random one, which is printed")
    parser.add_argument("--ehr", choices=("hapi", "sekmet", "fake"), default="hapi")
    parser.add_argument("--log", choices=("kafka", "sqlite"), default="kafka")
    parser.add_argument("--kill-broker", action="store_true", help="once, for 8 s (kafka)")
    parser.add_argument("--kill-ehr", action="store_true", help="once, for 8 s (hapi, sekmet)")
    parser.add_argument("--docs", type=Path, help="write the table between the file's markers")
    options = parser.parse_args()
    if options.kill_broker and options.log != "kafka":
        parser.error("--kill-broker needs --log kafka: SQLite has no broker")
    if options.kill_ehr and options.ehr == "fake":
        parser.error("--kill-ehr needs hapi or sekmet: the fake keeps its state in memory")
    return options


if __name__ == "__main__":
    sys.exit(main())
