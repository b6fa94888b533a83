"""The JSON Schema of `providers.yaml`, generated from the types, so that editors complete and check it."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec

from llm.providers.models import Price
from llm.providers.policy import Policy
from llm.providers.policy_file import (
    LANE,
    LARGEST,
    PATTERNS,
    RANGES,
    Allow,
    Budget,
    ModelRow,
    PolicyFile,
    Quota,
    StageName,
)
from llm.providers.policy_rules import protocols

_TABLES = (PolicyFile, Quota, Budget, ModelRow, Price, Allow)


def write_json_schema(path: Path) -> None:
    """Publish the schema at `path` (docs/schema/providers.schema.json in the repository)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")


def json_schema() -> dict[str, object]:
    """The JSON Schema of the file, for editors."""
    schema = msgspec.json.schema(PolicyFile)
    definitions = schema["$defs"]
    _tighten(definitions)
    _tell(definitions)
    lanes = {"type": "string", "pattern": LANE}
    properties = definitions["PolicyFile"]["properties"]
    properties["quotas"]["propertyNames"] = properties["models"]["propertyNames"] = lanes
    properties["routes"]["propertyNames"] = {"enum": list(get_args(StageName))}
    definitions["ModelRow"]["properties"]["protocol"]["enum"] = list(protocols())
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


def _tell(definitions: dict[str, Any]) -> None:
    """Add what each key means, in the words that stand beside it, and what holds where it is left out."""
    for table in _TABLES:
        for name, hint in get_type_hints(table, include_extras=True).items():
            definitions[table.__name__]["properties"][name]["description"] = hint.__metadata__[0]
    for name, value in _defaults().items():
        definitions["PolicyFile"]["properties"][name]["default"] = value


def _defaults() -> dict[str, Any]:
    """The plain values that hold without a file. A table says for itself that it has none."""
    without = Policy()
    found = {field.name: getattr(without, field.name) for field in fields(PolicyFile)}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
    return {name: value for name, value in plain.items() if isinstance(value, bool | int | str | list)}
