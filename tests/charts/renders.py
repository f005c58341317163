"""Renders of the chart, one per `charts/careloop/ci/*-values.yaml`: `python -m tests.charts.renders` writes the golden files anew."""

import argparse
from pathlib import Path
from typing import Any, Final

import helm_python as helm
import yaml

CHART: Final = Path(__file__).parents[2] / "charts" / "careloop"
GOLDEN: Final = Path(__file__).parent / "golden"
VARIANTS: Final = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))

Json = dict[str, Any]


def values_of(variant: str) -> Json:
    read: Json = yaml.safe_load((CHART / "ci" / f"{variant}-values.yaml").read_text(encoding="utf-8")) or {}
    return read


def render(values: Json) -> str:
    """What `helm template careloop` prints for these values, notes aside; templates in order of their names.

    Raises:
        helm.HelmError: the values break the schema or a template fails.
    """
    with helm.Chart.load(CHART) as chart:
        chart.validate_schema(values)
        rendered = chart.render(values, name="careloop", namespace="clinic")
    texts = [f"# {path}\n{text.strip()}\n" for path, text in sorted(rendered.items()) if text.strip() and not path.endswith("NOTES.txt")]
    return "---\n".join(texts)


def manifests(values: Json) -> list[Json]:
    """The same as objects."""
    return [document for document in yaml.safe_load_all(render(values)) if document]


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m tests.charts.renders", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    GOLDEN.mkdir(exist_ok=True)
    for name in VARIANTS:
        (GOLDEN / f"{name}.yaml").write_text(render(values_of(name)), encoding="utf-8")
    print(f"{len(VARIANTS)} renders in {GOLDEN}")
