"""Free ports of the loopback interface, and those that a demo keeps.

The same ones at every start, other ones only where somebody else took them.
"""

import json
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path


def keep_ports(path: Path, names: Sequence[str], first: int) -> Mapping[str, int]:
    """A free loopback port for each name, remembered in the file."""
    known = _remembered(path)
    ports: dict[str, int] = {}
    for number, name in enumerate(names):
        port = known.get(name, first + number)
        ports[name] = (
            port
            if port and is_free(port) and port not in ports.values()
            else free_ports(1, *ports.values())[0]
        )
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(ports))
    part.replace(path)
    return ports


def _remembered(path: Path) -> Mapping[str, int]:
    """What the file holds; nothing where it is missing or was cut short."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return (
        {name: port for name, port in found.items() if isinstance(port, int)}
        if isinstance(found, dict)
        else {}
    )


def is_free(port: int) -> bool:
    """Nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int, *others: int) -> Sequence[int]:
    """Free ports, each another one and none of the others.

    Drawn one after another, two of them could be the same.
    """
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            if (port := int(probe.getsockname()[1])) not in others:
                found.append(port)
    return found


def free_port() -> int:
    """Any free port."""
    return free_ports(1)[0]
