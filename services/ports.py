"""Ports that a demo keeps: the same ones at every start, other ones only where somebody else took them."""

import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path


def keep_ports(path: Path, names: Sequence[str], first: int) -> Mapping[str, int]:
    """A free loopback port for each name, remembered in the file."""
    known = _remembered(path)
    ports: dict[str, int] = {}
    for number, name in enumerate(names):
        ports[name] = next(p for p in (known.get(name, first + number), 0) if p == 0 or (is_free(p) and p not in ports.values())) or free_port()
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
    return {name: port for name, port in found.items() if isinstance(port, int)} if isinstance(found, dict) else {}


def is_free(port: int) -> bool:
    """Nobody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Any free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
