"""The values that the README shows."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.charts.renders import manifests

README = Path(__file__).parents[2] / "README.md"


def test_the_readmes_values_render_and_show_films() -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    values: dict[str, Any] = yaml.safe_load(block)
    maps = {m["metadata"]["name"]: m["data"] for m in manifests(values) if m["kind"] == "ConfigMap"}
    assert (
        maps["careloop-imaging"]["CARELOOP_DICOMWEB_URL"]
        == maps["careloop-review"]["CARELOOP_DICOMWEB_URL"]
        == values["settings"]["dicomweb_url"]
    )
