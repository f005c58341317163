"""Free ports, and those that a demo keeps."""

import socket
from pathlib import Path

from services.clinic.ports import free_ports, is_free, keep_ports

NAMES = ["ehr", "intake", "review"]


def test_the_same_ports_at_every_start_and_others_only_where_somebody_took_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ports.json"
    first = keep_ports(path, NAMES, 28410)
    assert len(set(first.values())) == 3
    assert keep_ports(path, NAMES, 28410) == first
    with socket.create_server(("127.0.0.1", first["intake"])):
        assert not is_free(first["intake"])
        moved = keep_ports(path, NAMES, 28410)
    assert moved["intake"] != first["intake"]
    assert {n: p for n, p in moved.items() if n != "intake"} == {
        n: p for n, p in first.items() if n != "intake"
    }
    assert keep_ports(path, NAMES, 28410) == moved


def test_ports_that_are_drawn_together_are_others_and_free() -> None:
    drawn = free_ports(200)
    more = free_ports(20, *drawn)
    assert len({*drawn, *more}) == 220
    assert all(map(is_free, more))


def test_a_file_that_was_cut_short_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    path.write_text('{"ehr": 28')
    assert len(keep_ports(path, NAMES, 28420)) == 3
    path.write_text("[]")
    assert len(keep_ports(path, NAMES, 28420)) == 3
