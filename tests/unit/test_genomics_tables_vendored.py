"""The copied tables are the ones that `sources.toml` names, and reading them needs nothing else."""

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from services.genomics.pgx.tables import DATA, load_tables

FOLDER = DATA / "pypgx"
SOURCES = tomllib.loads((FOLDER / "sources.toml").read_text(encoding="utf-8"))
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(p.name for p in FOLDER.glob("*.csv")))
def test_each_table_has_its_digest(name: str) -> None:
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == SOURCES["sha256"][name]


def test_every_digest_has_its_table_and_the_licence_stands_beside_them() -> None:
    assert set(SOURCES["sha256"]) == {p.name for p in FOLDER.glob("*.csv")}
    assert "MIT License" in (FOLDER / "LICENSE").read_text(encoding="utf-8")
    assert load_tables().pypgx == SOURCES["version"]


def test_genomics_imports_and_loads_without_pandas() -> None:
    probe = (
        "import sys, services.genomics.service as s, services.genomics.pgx.tables as t;"
        "import services.genomics.vcf.reader; t.load_tables();"
        "print(sorted({'pandas', 'scipy', 'allel', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
