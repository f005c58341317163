"""The values that docs/deploy.md shows."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.charts.renders import manifests

PAGE = Path(__file__).parents[2] / "docs" / "deploy.md"


def test_the_pages_values_render_and_show_films() -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    values: dict[str, Any] = yaml.safe_load(block)
    maps = {m["metadata"]["name"]: m["data"] for m in manifests(values) if m["kind"] == "ConfigMap"}
    assert (
        maps["careloop-imaging"]["CARELOOP_DICOMWEB_URL"]
        == maps["careloop-review"]["CARELOOP_DICOMWEB_URL"]
        == values["settings"]["dicomweb_url"]
    )
