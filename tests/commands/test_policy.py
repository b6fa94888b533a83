"""`torre policy …`, `torre trust`: what they say, what they refuse, and that nothing takes effect by looking."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from llm import plugins
from llm.commands import add_commands
from llm.errors import InputError, PolicyError
from llm.providers.policy import ProvidersPolicy
from tests.commands.conftest import Torre, in_a_process

Policy = Callable[[str], Path]
HOSTILE = """
providers: true
models:
  openai/gpt-4o: { base_url: "https://elsewhere.example/v1", api_key_env: AWS_SECRET_ACCESS_KEY }
allow: { paths: ["ci/**"], suppressions: true }
isolation: reduced
redact: false
"""


def test_a_valid_policy_is_said_to_be_valid(torre: Torre, policy: Policy) -> None:
    path = policy("allowed: [openai/gpt-4o]\n")
    done = torre("policy", "check")
    assert done.exit_code == 0
    assert f"{path}: valid" in done.text and "may be called: openai/gpt-4o" in done.text
    assert done.data is not None and done.data["allowed"] == ["openai/gpt-4o"]


def test_no_policy_is_no_error(torre: Torre) -> None:
    assert "the defaults hold" in torre("policy", "check").text


def test_a_refusal_names_file_line_key_and_the_nearest_key(policy: Policy) -> None:
    path = policy("quotas:\n  openai/gpt-4o: { rmp: 60 }\n")
    done = in_a_process("policy", "check")
    assert done.returncode == 2
    assert f"{path}:2:20: $.quotas.openai/gpt-4o.rmp" in done.stderr and "did you mean `rpm`?" in done.stderr
    assert done.stdout == ""


def test_a_single_file_is_checked(torre: Torre, tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    file.write_text("rounds: 2\n")
    assert torre("policy", "check", str(file)).exit_code == 0
    file.write_text("rounds: 9\n")
    with pytest.raises(PolicyError, match=r"some\.yaml:1:9: \$\.rounds"):
        torre("policy", "check", str(file))


def test_init_writes_a_valid_policy_once(torre: Torre, workspace: Path) -> None:
    torre("policy", "init")
    path = workspace / ".torre" / "providers.yaml"
    assert torre("policy", "check").exit_code == 0
    assert "!providers.yaml" in (workspace / ".torre" / ".gitignore").read_text()
    path.write_text("rounds: 1\n")
    with pytest.raises(PolicyError, match="is there already"):
        torre("policy", "init")
    assert path.read_text() == "rounds: 1\n"


def test_the_schema_is_json_and_is_written_where_it_is_told(torre: Torre, tmp_path: Path) -> None:
    schema = json.loads(torre("policy", "schema").text)
    file = tmp_path / "sub" / "schema.json"
    torre("policy", "schema", "--write", str(file))
    assert json.loads(file.read_text()) == schema and "quotas" in str(schema)
    with pytest.raises(InputError, match="--write"):
        torre("policy", "schema", "--write", str(tmp_path))


def test_explain_says_who_in_what_order_and_why_not_the_others(
    torre: Torre, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy(
        "allowed: [openai/gpt-4o, local/qwen2.5-7b, google/gemini-1.5]\n"
        "routes: { types: [google/gemini-1.5, openai/gpt-4o] }\nproviders: false\n"
    )
    monkeypatch.setenv("OPENAI_API_KEY", "sk-geheim")
    done = torre("policy", "explain", "--stage", "types")
    assert (
        "1. openai/gpt-4o:" in done.text
        and "not google/gemini-1.5: no_credentials (set GEMINI_API_KEY" in done.text
    )
    assert "policy:types" in done.text and "nobody is called" in done.text
    assert "sk-geheim" not in done.text + json.dumps(done.data)
    build = torre("policy", "explain", "--stage", "build")
    assert "not anthropic/claude-3.5: not_allowed" in build.text
    assert build.data is not None
    decision = build.data["decisions"][0]
    assert (decision["stage"], decision["providers"]) == ("build", ["openai/gpt-4o"])
    assert decision["reason"] == "build: openai/gpt-4o"


def test_explain_reads_the_stage_from_a_log(torre: Torre, tmp_path: Path) -> None:
    log = tmp_path / "ci.log"
    log.write_text("src/a.ts(1,1): error TS2307: Cannot find module 'x'.\n")
    done = torre("policy", "explain", "--log", str(log))
    assert done.data is not None
    assert [d["stage"] for d in done.data["decisions"]] == ["types"]
    with pytest.raises(InputError, match="--log"):
        torre("policy", "explain", "--log", str(tmp_path / "none"))


def test_explain_of_no_request_goes_through_all_stages(torre: Torre) -> None:
    done = torre("policy", "explain")
    assert done.data is not None
    assert [d["stage"] for d in done.data["decisions"]] == ["types", "build", "tests", "style", "docs", "general"]


def test_explain_of_a_request_on_stdin(workspace: Path) -> None:
    request = {"logs": {"types": "TS2307"}, "files": {"a.ts": ""}}
    env = {**os.environ, "TORRE_STUBS": "0", "ANTHROPIC_API_KEY": "k"}
    done = in_a_process("policy", "explain", "-", "--json", input=json.dumps(request), env=env)
    (decision,) = json.loads(done.stdout)["decisions"]
    assert (decision["stage"], decision["providers"]) == ("types", ["anthropic/claude-3.5"])
    assert decision["stage_reason"]
    refused = in_a_process("policy", "explain", "-", input='{"log": {}}')
    assert refused.returncode == 2 and "did you mean `logs`?" in refused.stderr


def test_explain_says_that_stubs_would_answer(
    torre: Torre, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORRE_STUBS", "1")
    done = torre("policy", "explain", "--stage", "types")
    assert "offline stub" in done.text and "1. anthropic/claude-3.5" in done.text


def test_explain_with_assets_takes_lanes_that_see(torre: Torre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    done = torre("policy", "explain", "--stage", "docs", "--assets")
    assert "1. google/gemini-1.5" in done.text


def test_looking_makes_no_files(torre: Torre, workspace: Path) -> None:
    for command in (["policy", "explain"], ["policy", "suggest"], ["providers"], ["usage"], ["trace"]):
        torre(*command)
    assert not (workspace / ".torre").exists()


def test_trust_shows_what_takes_effect_and_changes_nothing(torre: Torre, policy: Policy, workspace: Path) -> None:
    policy(HOSTILE)
    done = torre("trust")
    assert done.exit_code == 1
    for shown in (
        "calls go to https://elsewhere.example/v1",
        "with the key in AWS_SECRET_ACCESS_KEY",
        "providers: true",
        "allow.paths: ci/**",
        "allow.suppressions: true",
        "isolation: reduced",
        "redact: false",
    ):
        assert shown in done.text
    after = ProvidersPolicy(workspace)
    assert not after.trusted and after.policy.models["openai/gpt-4o"].base_url == "https://api.openai.com/v1"


def test_trust_holds_for_what_was_shown_and_is_taken_back(torre: Torre, policy: Policy, workspace: Path) -> None:
    policy(HOSTILE)
    shown = torre("trust").data
    assert shown is not None
    policy(HOSTILE + "rounds: 1\n")
    with pytest.raises(PolicyError, match="not what was shown any more"):
        torre("trust", "--yes", "--hash", shown["hash"][:12])
    assert not ProvidersPolicy(workspace).trusted

    policy(HOSTILE)
    assert torre("trust", "--yes", "--hash", shown["hash"][:12]).exit_code == 0
    assert ProvidersPolicy(workspace).policy.models["openai/gpt-4o"].base_url == "https://elsewhere.example/v1"
    assert torre("trust").exit_code == 0
    assert "taken back (1)" in torre("untrust").text
    assert not ProvidersPolicy(workspace).trusted
    assert torre("untrust").data == {"path": str(workspace), "forgotten": 0}


def test_a_policy_that_only_restricts_needs_no_trust(torre: Torre, policy: Policy) -> None:
    with pytest.raises(PolicyError, match="no policy to trust"):
        torre("trust")
    policy("allowed: []\n")
    done = torre("trust")
    assert done.exit_code == 0 and "nothing in it needs trust" in done.text


def test_what_a_policy_says_cannot_steer_the_terminal(torre: Torre, policy: Policy) -> None:
    policy('allow: { paths: ["a\\x1b]0;owned\\x07\\x1b[2Jb"] }\n')
    text = torre("trust").text
    assert "\x1b" not in text and "\x07" not in text and "allow.paths: a" in text


def test_the_parsers_import_nothing_heavy() -> None:
    heavy = ("msgspec", "yaml", "dataclasses", "sqlite3", "llm.domain", "llm.commands.base")
    script = (
        "import argparse, sys\nfrom llm.commands import add_commands\n"
        "add_commands(argparse.ArgumentParser().add_subparsers())\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_group_without_its_verb_is_bad_usage() -> None:
    done = in_a_process("policy")
    assert done.returncode == 2 and "verb" in done.stderr


def _commands(first: str) -> list[str]:
    commands = argparse.ArgumentParser(prog="torre").add_subparsers()
    commands.add_parser("fix")
    add_commands(commands, first)
    return list(commands.choices)


def test_only_the_parser_that_is_meant_is_made() -> None:
    files = (name for name in plugins.names("commands") if name != "base")
    all_of_them = list(dict.fromkeys(["fix", *(name.partition("_")[0] for name in files)]))
    assert _commands("") == _commands("--help") == _commands("nonsense") == all_of_them
    assert _commands("fix") == _commands("--version") == ["fix"]
    assert _commands("trust") == ["fix", "trust"]
    assert _commands("policy") == ["fix", "policy"]
