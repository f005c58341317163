"""Renders of the chart, one per `charts/careloop/ci/*-values.yaml`: `python -m
tests.charts.renders` writes the golden files anew.
"""

import argparse
from pathlib import Path
from typing import Final

import helm_python as helm
import yaml

from shared.json import Json

CHART: Final = Path(__file__).parents[2] / "charts" / "careloop"
GOLDEN: Final = Path(__file__).parent / "golden"
VARIANTS: Final = sorted(
    path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml")
)


def values_of(variant: str) -> Json:
    read: Json = (
        yaml.safe_load((CHART / "ci" / f"{variant}-values.yaml").read_text(encoding="utf-8")) or {}
    )
    return read


def templates(values: Json, release: str = "careloop", namespace: str = "clinic") -> dict[str, str]:
    """What `helm install` makes of each template, by its path.

    Raises:
        helm.HelmError: the values break the schema or a template fails.
    """
    with helm.Chart.load(CHART) as chart:
        chart.validate_schema(values)
        return chart.render(values, name=release, namespace=namespace)


def render(values: Json, release: str = "careloop", namespace: str = "clinic") -> str:
    """What `helm template` prints for these values, notes aside, in order of names."""
    rendered = sorted(templates(values, release, namespace).items())
    return "---\n".join(
        f"# {path}\n{text.strip()}\n"
        for path, text in rendered
        if text.strip() and not path.endswith("NOTES.txt")
    )


def manifests(values: Json, release: str = "careloop", namespace: str = "clinic") -> list[Json]:
    """The same as objects."""
    return [
        document for document in yaml.safe_load_all(render(values, release, namespace)) if document
    ]


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m tests.charts.renders",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    GOLDEN.mkdir(exist_ok=True)
    for name in VARIANTS:
        (GOLDEN / f"{name}.yaml").write_text(render(values_of(name)), encoding="utf-8")
    print(f"{len(VARIANTS)} renders in {GOLDEN}")
