"""The dated table of models: each is in the list of its vendor's pinned SDK, looked up without importing it."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from llm.providers.models import AS_OF, DEFAULT_MODELS, FREE

LISTS = {
    "anthropic/claude-3.5": ("anthropic", "types/model.py"),
    "openai/gpt-4o": ("openai", "types/shared/chat_model.py"),
    "google/gemini-1.5": ("google.genai", "models.py"),
}


@pytest.mark.parametrize("lane", LISTS)
def test_the_sdk_knows_the_model(lane: str) -> None:
    package, file = LISTS[lane]
    try:
        spec = find_spec(package)
    except ModuleNotFoundError:
        spec = None
    if spec is None or not spec.origin:
        pytest.skip(f"{package} is not installed (extra `providers`)")
    known = set(re.findall(r"""["']([a-z0-9.-]+)["']""", (Path(spec.origin).parent / file).read_text("utf-8")))
    assert DEFAULT_MODELS[lane].model in known


def test_each_row_is_whole() -> None:
    assert set(DEFAULT_MODELS) == {*LISTS, "local/qwen2.5-7b"}
    for row in DEFAULT_MODELS.values():
        assert row.price_source
        assert row.price_as_of == AS_OF
        assert (row.price == FREE) == (not row.api_key_env)
