"""When lanes answer with their offline stubs, and what those give."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from llm.domain import Stage
from llm.ledger.base import Amount, Standing
from llm.providers.base import ProviderRequest
from llm.providers.credentials import answers, configured_keys, credential, key_of
from llm.providers.models import DEFAULT_MODELS, Model
from llm.providers.policy import Policy
from llm.providers.policy_file import Quota
from llm.providers.route import decide
from llm.providers.stub_mode import best_stub, missing_keys, stub_candidates, stub_mode

GPT, CLAUDE, GEMINI, LOCAL = "openai/gpt-4o", "anthropic/claude-3.5", "google/gemini-1.5", "local/qwen2.5-7b"
DEFAULTS = Policy()
REQUEST = ProviderRequest({"types": "TS2307"}, {"src/App.tsx": "console.log(1)"})


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine on which somebody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def is_stub(
    env: Mapping[str, str],
    stage: Stage = Stage.TYPES,
    policy: Policy = DEFAULTS,
    stdin: bool = True,
    standing: Mapping[str, Standing] | None = None,
    served: bool = False,
) -> bool:
    decision = decide(stage, policy, lambda m: credential(m, env), standing=standing or {})
    return stub_mode(env, policy, decision, stdin, lambda _: served)


def test_by_itself_only_on_stdin_and_only_when_nothing_real_could_be_asked() -> None:
    assert is_stub({})
    assert not is_stub({}, stdin=False)
    assert not is_stub({"OPENAI_API_KEY": "k"})
    assert is_stub({"GEMINI_API_KEY": "k"})  # not a lane of the rule
    assert is_stub({}, Stage.TESTS)
    assert not is_stub({}, Stage.TESTS, served=True)


def test_whoever_asks_for_it_gets_it_and_may_refuse_it() -> None:
    key = {"OPENAI_API_KEY": "k"}
    assert is_stub({**key, "TORRE_STUBS": "1"}, stdin=False)
    assert is_stub(key, policy=Policy(stubs=True), stdin=False)
    assert not is_stub({"TORRE_STUBS": "0"})
    assert not is_stub({"TORRE_STUBS": "0"}, policy=Policy(stubs=True))


def test_a_lane_without_quota_is_not_hidden_behind_a_stub() -> None:
    full = Policy(quotas={GPT: Quota(daily_calls=1)})
    spent = {GPT: Standing(Amount(), Amount(calls=1), Amount(), 0.0, "", 0)}
    assert not is_stub({"OPENAI_API_KEY": "k"}, policy=full, standing=spent)
    cooling = {LOCAL: Standing(Amount(), Amount(), Amount(), 9.0, "circuit_open", 5)}
    assert is_stub({}, Stage.TESTS, standing=cooling)
    assert not is_stub({}, Stage.TESTS, standing=cooling, served=True)


def test_a_server_of_this_machine_is_asked_for_a_connection_and_no_other(port: int) -> None:
    local = DEFAULT_MODELS[LOCAL]
    for host in ("127.0.0.1", "localhost"):
        assert answers(replace(local, base_url=f"http://{host}:{port}/v1"))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        free = closed.getsockname()[1]
    assert not answers(replace(local, base_url=f"http://127.0.0.1:{free}/v1"))
    assert answers(replace(local, base_url="https://192.0.2.1/v1"))  # at once: nothing is sent there


def test_one_stub_a_lane_in_the_decisions_order_and_each_says_so(tmp_path: Path) -> None:
    decision = decide(Stage.TYPES, DEFAULTS, lambda m: credential(m, {}), stub=True)
    made = stub_candidates(decision, REQUEST)
    assert [c.provider for c in made] == [CLAUDE, GPT]
    assert [c.meta["stub"] for c in made] == [True, True]
    for candidate in made:
        (tmp_path / "src").mkdir(exist_ok=True)
        (tmp_path / "src" / "App.tsx").write_text("console.log(1)")
        subprocess.run(["git", "apply", "-"], input=candidate.diff.encode(), cwd=tmp_path, check=True)
        assert (tmp_path / "src" / "App.tsx").read_text().startswith("console.log(1)\n// ")


def test_stubs_compete_by_size_and_one_without_a_diff_never_wins() -> None:
    decision = decide(Stage.TYPES, DEFAULTS, lambda m: credential(m, {}), stub=True)
    made = stub_candidates(decision, REQUEST)
    best = best_stub(made)
    assert best is not None
    assert made[best].tokens_out == min(c.tokens_out for c in made)
    assert best_stub([replace(c, diff="") for c in made]) is None
    assert best_stub([replace(made[0], diff=""), made[1]]) == 1


def test_a_lane_of_the_users_own_has_a_stub_too() -> None:
    acme = Model("acme/coder", "openai", "coder-2", "https://acme.example/v1", ("ACME_KEY",))
    policy = Policy(allowed=("acme/coder",), routes={"types": ("acme/coder",)}, models={"acme/coder": acme})
    decision = decide(Stage.TYPES, policy, lambda m: credential(m, {}), stub=True)
    assert "acme/coder" in stub_candidates(decision, REQUEST)[0].diff
    assert missing_keys(decision, policy, {}) == ("ACME_KEY",)
    assert missing_keys(decision, policy, {"ACME_KEY": "k"}) == ()


def test_keys_come_from_the_first_variable_that_is_set() -> None:
    gemini = DEFAULT_MODELS[GEMINI]
    env = {"GEMINI_API_KEY": " ", "GOOGLE_API_KEY": "k \n", "OPENAI_API_KEY": "o"}
    assert key_of(gemini, env) == "k"
    assert key_of(DEFAULT_MODELS[LOCAL], env) == ""
    assert set(configured_keys(DEFAULT_MODELS.values(), env)) == {"k", "o"}
