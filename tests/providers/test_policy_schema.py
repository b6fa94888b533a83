"""The published JSON Schema is generated from the types, current, and says what the reader says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from llm.providers.policy import policy_template
from llm.providers.policy_schema import json_schema, write_json_schema

PUBLISHED = Path(__file__).parents[2] / "docs" / "schema" / "providers.schema.json"


def test_the_published_schema_is_current(tmp_path: Path) -> None:
    write_json_schema(tmp_path / "schema.json")
    assert PUBLISHED.read_text() == (tmp_path / "schema.json").read_text(), "run: make schema"


def test_it_is_a_schema_and_the_template_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(yaml.safe_load(policy_template()), json.loads(PUBLISHED.read_text()))


@pytest.mark.parametrize(
    "text",
    [
        "alowed: []",
        "allowed:",
        "quotas: {openai/gpt-4o: {rpmm: 1}}",
        "quotas: {openai/gpt-4o: {rpm: -1}}",
        "quotas: {gpt: {rpm: 1}}",
        "escalate: never",
        "samples: 9",
        "models: {a/b: {price: {input: 1}}}",
        "models: {a/b: {price: cheap}}",
        "models: {a/b: {api_key_env: sk-1}}",
        "models: {a/b: {base_url: 'ftp://x'}}",
        "routes: {typs: []}",
    ],
)
def test_it_refuses_what_the_reader_refuses(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(text), json_schema())
