"""The seed's command line, as written: nothing of phase 20 without the opt-in, and the seed's shape with it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.e2e.conftest import MODULE, REPOSITORY
from tests.e2e.provider_runs import (
    CHECK,
    CLAUDE,
    FILES,
    GPT,
    GREEN,
    LOCAL,
    User,
    apply,
    providers,
    row,
    saying,
    whole,
)
from tests.providers.servers import RawServer, respond

SEED = {"logs": {"types": "TS2307"}, "files": {"src/App.tsx": "console.log(1)"}}
RED = {"logs": {"log": "NotImplementedError"}, "files": FILES, "checks": [CHECK]}


@pytest.fixture
def user(tmp_path: Path) -> User:
    """Somebody without any key."""
    return User(tmp_path / "home", {})


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    published = (REPOSITORY / "llm" / "report" / "output.schema.json").read_text("utf-8")
    return Draft202012Validator(json.loads(published))


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The directory that the command is started in; a policy in it holds."""
    made = tmp_path / "here"
    (made / ".torre").mkdir(parents=True)
    return made


@pytest.fixture
def vendor() -> Iterator[RawServer]:
    """A server that would mend it, and counts who connects."""
    with RawServer(saying(whole(GREEN))) as server:
        yield server


def seeds_way(user: User, here: Path, request: object = SEED, **variables: str) -> tuple[int, dict[str, Any]]:
    """`echo '…' | python3 -m llm.cli`, from a checkout: exit code and the one object on stdout."""
    done = subprocess.run(
        MODULE,
        input=json.dumps(request).encode(),
        capture_output=True,
        cwd=here,
        env={**user.environment, "PYTHONPATH": str(REPOSITORY), **variables},
        check=False,
    )
    made, end = json.JSONDecoder().raw_decode(done.stdout.decode())
    assert done.stdout.decode()[end:] == "\n", done.stderr
    return done.returncode, made


def test_without_the_opt_in_there_are_no_providers_and_nobody_is_called(
    user: User, here: Path, vendor: RawServer
) -> None:
    user.lanes({LOCAL: row(LOCAL, vendor, "m")})
    code, answer = seeds_way(user, here, RED)
    assert (code, answer["mode"]) == (1, "ADVISORY")
    assert "providers" not in answer["metrics"]
    assert "stub" not in answer
    assert vendor.connections == 0
    code, answer = seeds_way(user, here, RED, PROVIDERS_V1="1")
    assert (code, answer["mode"]) == (0, "PATCH"), "with it the same request is answered by the lane"
    assert providers(answer)["selected"]["provider"] == answer["metrics"]["trace"]["provider"] == LOCAL
    assert vendor.connections > 0


def test_the_seeds_example_field_by_field(user: User, here: Path, schema: Draft202012Validator) -> None:
    code, answer = seeds_way(user, here, PROVIDERS_V1="1")
    schema.validate(answer)
    told = providers(answer)
    decision = told["router_decision"]
    assert {name: decision[name] for name in ("stage", "providers", "reason")} == {
        "stage": "types",
        "providers": [CLAUDE, GPT],
        "reason": f"types: {CLAUDE}+{GPT}",
    }
    assert [candidate["provider"] for candidate in told["candidates"]] == [CLAUDE, GPT]
    for candidate in told["candidates"]:
        assert candidate["tokens_in"] > 0
        assert candidate["tokens_out"] > 0
        assert candidate["latency_ms"] == 0
        assert candidate["stub"] is True
        assert candidate["cost_usd"] == 0
    selected, second = told["selected"], told["candidates"][1]
    assert (selected["provider"], selected["index"], selected["diff_size"]) == (GPT, 1, 3)
    assert selected["ttg_ms"] >= 0
    traced = {name: answer["metrics"]["trace"][name] for name in ("provider", "tokens_in", "tokens_out")}
    assert traced == {name: second[name] for name in ("provider", "tokens_in", "tokens_out")}
    lines = answer["diff"].splitlines()
    assert (lines[:2], lines[-1]) == (["--- a/src/App.tsx", "+++ b/src/App.tsx"], "+// gpt: precise fix stub")

    assert (code, answer["exit_code"], answer["mode"], answer["stub"]) == (1, 1, "ADVISORY", True)
    assert "ANTHROPIC_API_KEY or OPENAI_API_KEY" in answer["report"]["summary"]
    assert answer["report"]["winner"] is None, "a stub is never proven"
    (here / "src").mkdir()
    (here / "src" / "App.tsx").write_text("console.log(1)")
    apply(answer["diff"], here)
    assert (here / "src" / "App.tsx").read_text() == "console.log(1)\n// gpt: precise fix stub\n"


def test_the_seeds_policy_holds_for_the_seeds_command(user: User, here: Path) -> None:
    (here / ".torre" / "providers.yaml").write_text(
        "allowed:\n  - openai/gpt-4o\nquotas:\n  openai/gpt-4o: { rpm: 60, daily_calls: 500 }\n"
    )
    _, answer = seeds_way(user, here, PROVIDERS_V1="1")
    assert providers(answer)["router_decision"]["reason"] == f"types: {GPT}"
    assert providers(answer)["router_decision"]["skipped"][0]["reason"] == "not_allowed"
    assert [candidate["provider"] for candidate in providers(answer)["candidates"]] == [GPT]


@pytest.mark.parametrize(
    ("switch", "policy", "on"), [("", True, True), ("0", True, False), ("1", False, True), ("", False, False)]
)
def test_the_environment_beats_the_policy(switch: str, policy: bool, on: bool, user: User, here: Path) -> None:
    user.policy(f"providers: {str(policy).lower()}\n")
    variables = {"PROVIDERS_V1": switch} if switch else {}
    _, answer = seeds_way(user, here, **variables)
    assert ("providers" in answer["metrics"]) == on


@pytest.mark.parametrize("wished_by", ["TORRE_STUBS", "policy"])
def test_stubs_when_asked_for_call_nobody_although_somebody_would_answer(
    wished_by: str, user: User, here: Path, vendor: RawServer
) -> None:
    user.lanes({LOCAL: row(LOCAL, vendor, "m")}, stubs=wished_by == "policy")
    wish = {"TORRE_STUBS": "1"} if wished_by == "TORRE_STUBS" else {}
    code, answer = seeds_way(user, here, RED, PROVIDERS_V1="1", **wish)
    assert (code, answer["mode"], answer["stub"]) == (1, "ADVISORY", True)
    assert "stub" in answer["diff"]
    assert vendor.connections == 0


def test_a_stub_does_not_hide_that_a_real_lane_failed(user: User, here: Path, vendor: RawServer) -> None:
    vendor.script = respond(401, "{}")
    user.variables["MY_KEY"] = "a-key-that-is-not-valid"
    user.lanes({GPT: row(GPT, vendor, "m", api_key_env="MY_KEY")})
    code, answer = seeds_way(user, here, RED, PROVIDERS_V1="1")
    assert (code, answer["mode"], answer["diff"]) == (3, "ADVISORY", "")
    assert "stub" not in answer
    assert providers(answer)["candidates"][0]["error"]["reason"] == "auth"


def test_without_a_key_fix_says_which_to_set_and_makes_no_stub(user: User, here: Path) -> None:
    """Stubs come by themselves in the stdin contract only."""
    for name, text in FILES.items():
        (here / name).write_text(text)
    user.policy(json.dumps({"allowed": [GPT]}))
    ran = user.fix(here)
    answer = ran.json()
    assert (ran.exit_code, answer["diff"]) == (1, "")
    assert "stub" not in answer
    skipped = {each["provider"]: each for each in providers(answer)["router_decision"]["skipped"]}
    assert (skipped[GPT]["reason"], skipped[GPT]["detail"]) == ("no_credentials", "set OPENAI_API_KEY")
    assert providers(answer)["unset"] == ["OPENAI_API_KEY"]


def test_where_the_fixers_prove_it_no_stub_takes_its_place(user: User, here: Path) -> None:
    request = {"files": {"app.py": "import os\nX = 1\n"}, "checks": ["ruff check --no-cache --isolated ."]}
    code, answer = seeds_way(user, here, request, PROVIDERS_V1="1")
    assert (code, answer["mode"]) == (0, "PATCH")
    assert answer["metrics"]["trace"]["provider"] == "embedded/fixers"
    assert "selected" not in providers(answer)
