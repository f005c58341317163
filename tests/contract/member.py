"""A member of a group as a process of its own, to be killed or stopped: `python -m
tests.contract.member KIND ADDRESS TOPIC GROUP COMMIT`.

It prints one JSON line per poll that brought something, ``{"took": [numbers]}``, and one per
commit, ``{"committed": [numbers]}`` or ``{"refused": "Fenced"}``. COMMIT `no`: it commits nothing
until a line comes in on stdin, then all it took, once.
"""

import json
import os
import select
import sys

from shared.errors import CareloopError
from shared.stream.base import Record, Source
from tests.contract.conftest import open_place
from tests.contract.following import ends, numbers


def say(**line: object) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


def commit(source: Source, records: list[Record]) -> None:
    try:
        source.commit(ends(records))
    except CareloopError as error:
        say(refused=type(error).__name__)
    else:
        say(committed=numbers(records))


def main(kind: str, address: str, topic: str, group: str, commits: str) -> None:
    source = open_place(kind, address).source(topic, group)
    owed: list[Record] = []
    while True:
        came = list(source.poll(0.05))
        if came:
            say(took=numbers(came))
        owed += came
        told = bool(select.select([sys.stdin], [], [], 0)[0])
        if told:
            sys.stdin.readline()
        if owed and (told or commits == "yes"):
            commit(source, owed)
            owed.clear()


if __name__ == "__main__":
    main(*sys.argv[1:])
