"""Writes what is derived of charts/careloop/values.schema.json: `python -m tests.charts.schema`.

The settings come from shared/settings.py, the components from the registered services.
"""

import argparse
import json
from pathlib import Path
from typing import Final, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from shared.json import Json
from shared.settings import Settings
from tests.docker.analysers import OURS

SCHEMA: Final = Path(__file__).parents[2] / "charts" / "careloop" / "values.schema.json"
BY_CHART: Final = {
    "state_dir",
    "http_host",
    "http_port",
    "kafka_group_instance_id",
}  # the templates set them
KINDS: Final = {bool: "boolean", int: "integer", float: "number"}
BOUNDS: Final = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}


def is_secret(info: FieldInfo) -> bool:
    return SecretStr in (info.annotation, *get_args(info.annotation))


def rule(info: FieldInfo) -> Json:
    """What a value of this setting may be."""
    if get_origin(info.annotation) is Literal:
        return {"enum": list(get_args(info.annotation))}
    kinds = [KINDS[kind] for kind in (info.annotation, *get_args(info.annotation)) if kind in KINDS]
    bounds = {
        word: getattr(bound, name)
        for bound in info.metadata
        for name, word in BOUNDS.items()
        if hasattr(bound, name)
    }
    return {"type": kinds[0] if kinds else "string"} | bounds


def settings_rules() -> dict[str, Json]:
    """Each setting that may stand in values: not the secrets, not what the chart sets itself."""
    return {
        name: rule(info) | {"description": info.description}
        for name, info in Settings.model_fields.items()
        if name not in BY_CHART and not is_secret(info)
    }


def component_rules() -> Json:
    """The services of this repository by name; any other one is of a package of the user's own,
    and so needs an image of its own. A misspelt name is refused by that.
    """
    component = {"$ref": "#/definitions/component"}
    with_image = {"required": ["image"], "properties": {"image": {"minLength": 1}}}
    return {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z][a-z0-9]{0,30}$"},
        "properties": dict.fromkeys(OURS, component),
        "additionalProperties": {"allOf": [component, with_image]},
    }


def render(schema: Json) -> str:
    schema["properties"]["components"] = component_rules()
    schema["definitions"]["settings"]["properties"] = settings_rules()
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m tests.charts.schema",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    SCHEMA.write_text(render(json.loads(SCHEMA.read_text(encoding="utf-8"))), encoding="utf-8")
