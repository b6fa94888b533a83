"""The seed's router, by its own names: `ProvidersRouter(root).decide(logs, files)` and `generate_candidates`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from llm.errors import PolicyError
from llm.providers.adapters.anthropic import AnthropicStub
from llm.providers.adapters.google import GoogleStub
from llm.providers.adapters.local import LocalStub
from llm.providers.adapters.openai import OpenAIStub
from llm.providers.base import ProviderRequest, Wire
from llm.providers.policy import ProvidersPolicy
from llm.providers.router import ProvidersRouter

GPT, CLAUDE, GEMINI, LOCAL = "openai/gpt-4o", "anthropic/claude-3.5", "google/gemini-1.5", "local/qwen2.5-7b"
FILES = {"src/App.tsx": "console.log(1)"}
SEEDS_POLICY = """
allowed:
  - openai/gpt-4o
  - anthropic/claude-3.5
quotas:
  openai/gpt-4o: { rpm: 60, daily_calls: 500 }
"""


def nobody(protocol: str) -> Wire:
    raise AssertionError(f"a {protocol} wire was wanted")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A user without keys and without the opt-in, whose configuration is the test's own."""
    return {"HOME": str(tmp_path / "home"), "XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "workspace"
    made.mkdir()
    return made


def write_policy(root: Path, text: str) -> None:
    (root / ".torre").mkdir(exist_ok=True)
    (root / ".torre" / "providers.yaml").write_text(text)


@pytest.mark.parametrize(
    ("logs", "stage", "lanes"),
    [
        ({"types": "TS2307"}, "types", [CLAUDE, GPT]),
        ({"log": "src/App.tsx(1,1): error TS2307: Cannot find module './a'."}, "types", [CLAUDE, GPT]),
        ({"build": "vite build failed"}, "build", [CLAUDE, GPT]),
        ({"tests": "1 failed"}, "tests", [GPT, LOCAL]),
        ({"vitest": "FAIL  src/a.test.ts"}, "tests", [GPT, LOCAL]),
        ({"lint": "style"}, "style", [GPT, LOCAL]),
        ({"docs": "broken links"}, "docs", [GPT, LOCAL]),
        ({"latest": "what type of thing is this"}, "general", [GPT, LOCAL]),
        ({}, "general", [GPT, LOCAL]),
    ],
)
def test_the_seeds_rules(
    root: Path, env: dict[str, str], logs: dict[str, str], stage: str, lanes: list[str]
) -> None:
    decision = ProvidersRouter(root, env).decide(logs, FILES)
    assert (decision["stage"], decision["providers"]) == (stage, lanes)
    assert decision["reason"] == f"{stage}: {'+'.join(lanes)}"
    json.dumps(decision)


def test_assets_go_to_the_lanes_that_see(root: Path, env: dict[str, str]) -> None:
    assets = {"shot.png": {"media_type": "image/png", "base64": "AAAA"}}
    assert ProvidersRouter(root, env).decide({"types": "TS2307"}, FILES, assets)["providers"] == [GEMINI, GPT]


def test_one_candidate_a_lane_and_nobody_is_called(root: Path, env: dict[str, str]) -> None:
    keys = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
    for known in ({}, {**keys}, {"PROVIDERS_V1": "1"}, {**keys, "PROVIDERS_V1": "0"}):
        router = ProvidersRouter(str(root), {**env, **known}, nobody)
        decision = router.decide({"types": "TS2307"}, FILES)
        made = router.generate_candidates(ProviderRequest({"types": "TS2307"}, FILES), decision)
        assert [c.provider for c in made] == [CLAUDE, GPT]
        assert all(c.meta["stub"] and c.tokens_in > 0 and c.tokens_out > 0 for c in made)
    assert list(root.iterdir()) == []


def test_with_the_opt_in_and_a_key_a_lane_is_really_asked(root: Path, env: dict[str, str]) -> None:
    """The positive control of the test above."""
    router = ProvidersRouter(root, {**env, "PROVIDERS_V1": "1", "OPENAI_API_KEY": "k"}, nobody)
    decision = router.decide({"types": "TS2307"}, FILES)
    assert decision["providers"] == [GPT]
    assert decision["skipped"] == [
        {"provider": CLAUDE, "reason": "no_credentials", "detail": "set ANTHROPIC_API_KEY"}
    ]
    with pytest.raises(AssertionError, match="openai wire"):
        router.generate_candidates(ProviderRequest({"types": "TS2307"}, FILES), decision)


def test_the_seeds_policy_file_holds(root: Path, env: dict[str, str]) -> None:
    write_policy(root, SEEDS_POLICY)
    assert ProvidersPolicy(root, env).filter([CLAUDE, LOCAL, GPT]) == [CLAUDE, GPT]
    decision = ProvidersRouter(root, env).decide({"tests": "1 failed"}, {})
    assert decision["providers"] == [GPT]
    assert [(s["provider"], s["reason"]) for s in decision["skipped"]] == [(LOCAL, "not_allowed")]


def test_a_lane_that_is_not_allowed_is_not_asked_whatever_a_decision_says(root: Path, env: dict[str, str]) -> None:
    write_policy(root, "allowed: [openai/gpt-4o]\n")
    router = ProvidersRouter(root, env, nobody)
    forged = {"stage": "types", "providers": [CLAUDE, GPT, "nobody/knows"], "reason": "because"}
    assert [c.provider for c in router.generate_candidates(ProviderRequest({}, FILES), forged)] == [GPT]


def test_a_policy_that_cannot_be_read_decides_nothing(root: Path, env: dict[str, str]) -> None:
    write_policy(root, "allowed: [openai/gpt-4oo]\n")
    with pytest.raises(PolicyError, match="did you mean `openai/gpt-4o`"):
        ProvidersRouter(root, env)


@pytest.mark.parametrize("stub", [LocalStub, OpenAIStub, AnthropicStub, GoogleStub])
@pytest.mark.parametrize(
    "files", [FILES, {"a.py": "x = 1\n"}, {"a.py": ""}, {"style.css": "a {}\r\n"}, {"a.py": "x\n" * 40}]
)
def test_a_stubs_diff_applies(
    stub: type[LocalStub | OpenAIStub | AnthropicStub | GoogleStub], files: Mapping[str, str], tmp_path: Path
) -> None:
    answer = stub().generate(ProviderRequest({"types": "TS2307"}, files))
    assert answer.provider == stub.name
    (path, content), *_ = files.items()
    place = tmp_path / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content.encode())
    done = subprocess.run(["git", "apply", "-"], input=answer.diff.encode(), cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert len(place.read_bytes()) > len(content.encode())


def scripted(root: Path, env: dict[str, str], answers: list[dict[str, object]], more: str = "") -> dict[str, str]:
    """The user's own policy with two scripted lanes, for the types of this workspace."""
    script = root.parent / "answers.json"
    script.write_text(json.dumps(answers))
    config = root.parent / "config" / "torre"
    config.mkdir(parents=True)
    lanes = "\n".join(
        f"  {name}/coder: {{ protocol: replay, model: {name}, base_url: 'http://localhost{script}', price: free }}"
        for name in ("one", "two")
    )
    (config / "providers.yaml").write_text(
        f"allowed: [one/coder, two/coder]\nroutes: {{ types: [one/coder, two/coder] }}\nmodels:\n{lanes}\n{more}"
    )
    return {**env, "XDG_CONFIG_HOME": str(config.parent), "PROVIDERS_V1": "1"}


WHOLE = "src/App.tsx\n```tsx\nconsole.log(2)\n```\n"


def ask(root: Path, env: dict[str, str]) -> tuple[ProvidersRouter, list[str]]:
    router = ProvidersRouter(root, env)
    request = ProviderRequest({"types": "src/App.tsx(1,1): error TS2307: no such module"}, FILES)
    made = router.generate_candidates(request, router.decide(request.logs, request.files))
    return router, [c.provider for c in made]


def test_scripted_lanes_are_asked_through_the_ledger(root: Path, env: dict[str, str]) -> None:
    """Each run opens the ledger anew, as another process would: the second finds no quota left."""
    quota = "quotas: { one/coder: { daily_calls: 1 }, two/coder: { daily_calls: 2 } }\n"
    env = scripted(root, env, [{"text": WHOLE, "repeat": True}], quota)
    assert ask(root, env)[1] == ["one/coder", "two/coder"]
    assert ask(root, env)[1] == ["two/coder"]
    assert ask(root, env)[1] == []


def test_a_lane_that_fails_costs_its_own_candidate_only(root: Path, env: dict[str, str]) -> None:
    env = scripted(
        root,
        env,
        [{"model": "one", "fail": "auth", "status": 401}, {"model": "two", "text": WHOLE, "repeat": True}],
    )
    router, made = ask(root, env)
    assert made == ["two/coder"]
    assert [(f.lane, f.reason) for f in router.failures] == [("one/coder", "auth")]
    router, made = ask(root, env)
    assert made == ["two/coder"]
    assert [s["reason"] for s in router.decide({"types": ""}, {})["skipped"]] == ["cooldown"]
