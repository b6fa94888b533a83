"""The JSON Schema of `providers.yaml`, generated from the types, so that editors complete and check it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import msgspec

from llm.providers.policy_file import LANE, LARGEST, PATTERNS, RANGES, PolicyFile, StageName


def write_json_schema(path: Path) -> None:
    """Publish the schema at `path` (docs/schema/providers.schema.json in the repository)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")


def json_schema() -> dict[str, object]:
    """The JSON Schema of the file, for editors."""
    schema = msgspec.json.schema(PolicyFile)
    definitions = schema["$defs"]
    _tighten(definitions)
    lanes = {"type": "string", "pattern": LANE}
    properties = definitions["PolicyFile"]["properties"]
    properties["quotas"]["propertyNames"] = properties["models"]["propertyNames"] = lanes
    properties["routes"]["propertyNames"] = {"enum": list(get_args(StageName))}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Torre's policy: .torre/providers.yaml",
        "$ref": "#/$defs/PolicyFile",
        "$defs": definitions,
    }


def _tighten(node: object, key: str = "") -> None:
    """Add what the types cannot say: no unknown key, no null, the ranges, the forms. `key`: the property's."""
    if isinstance(node, list):
        for item in node:
            _tighten(item, key)
    if not isinstance(node, dict):
        return
    _drop_null(node)
    if node.get("type") in ("integer", "number"):
        node["minimum"], node["maximum"] = RANGES.get(key, (0, LARGEST))
    if node.get("type") == "string" and key in PATTERNS:
        node["pattern"] = PATTERNS[key][0]
    if "properties" in node:
        node["additionalProperties"] = False
    for name, child in node.items():
        inner = child.items() if name == "properties" else [(key, child)]
        for child_key, value in inner:
            _tighten(value, child_key)


def _drop_null(node: dict[str, Any]) -> None:
    """A key that does not apply is left out, never null, and its default is the runtime form's to say."""
    node.pop("default", None)
    if "anyOf" in node:
        choices = [choice for choice in node.pop("anyOf") if choice != {"type": "null"}]
        node.update({"anyOf": choices} if len(choices) > 1 else choices[0])
