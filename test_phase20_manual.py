"""Phase 20 from the outside: `PYTHONPATH=. python3 test_phase20_manual.py`. Every line is printed after its proof.

Nothing is called over a network: the lanes answer with their stubs, or from a script.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parent
OWN_PYTHON = ROOT / ".venv" / "bin" / "python"

if __name__ == "__main__" and find_spec("msgspec") is None and OWN_PYTHON.exists():
    os.execv(
        OWN_PYTHON, [str(OWN_PYTHON), *sys.argv]
    )  # a python3 without Torre's dependencies: the checkout's own

GPT, CLAUDE, GEMINI, LOCAL = "openai/gpt-4o", "anthropic/claude-3.5", "google/gemini-1.5", "local/qwen2.5-7b"
LOGS, FILES = {"types": "TS2307"}, {"src/App.tsx": "console.log(1)"}
POLICY = """\
allowed: [one/coder, two/coder]
quotas: { one/coder: { daily_calls: 1 }, two/coder: { daily_calls: 2 } }
routes: { types: [one/coder, two/coder] }
models:
"""


def user(folder: str, **more: str) -> dict[str, str]:
    """The environment of somebody without keys, whose home and configuration are in `folder`."""
    home = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"), folder)
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **home, **more}


def torre(request: object, folder: str, **more: str) -> tuple[int, dict[str, Any]]:
    """`python3 -m llm.cli` with a request on stdin, in a directory of its own: the exit code and the object."""
    place = Path(folder, "here")
    place.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "llm.cli"],
        input=json.dumps(request),
        cwd=place,
        env=user(folder, **more),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.stdout.strip(), done.stderr[-2000:]
    return done.returncode, json.loads(done.stdout)


def with_two_scripted_lanes(folder: str) -> dict[str, str]:
    """A user whose own policy has two lanes that answer from a script."""
    script = Path(folder, "answers.json")
    script.write_text(json.dumps([{"text": "src/App.tsx\n```tsx\nconsole.log(2)\n```\n", "repeat": True}]))
    Path(folder, "torre").mkdir(exist_ok=True)
    lanes = (
        f"  {n}/coder: {{ protocol: replay, model: m, base_url: 'http://localhost{script}', price: free }}\n"
        for n in ("one", "two")
    )
    Path(folder, "torre", "providers.yaml").write_text(POLICY + "".join(lanes))
    return user(folder, PROVIDERS_V1="1")


def test_adapters() -> None:
    from llm.providers.adapters.anthropic import AnthropicStub
    from llm.providers.adapters.google import GoogleStub
    from llm.providers.adapters.local import LocalStub
    from llm.providers.adapters.openai import OpenAIStub
    from llm.providers.base import ProviderRequest
    from llm.workspace.diff import diff_size, parse

    made = [
        stub().generate(ProviderRequest(LOGS, FILES))
        for stub in (LocalStub, OpenAIStub, AnthropicStub, GoogleStub)
    ]
    assert [answer.provider for answer in made] == [LOCAL, GPT, CLAUDE, GEMINI]
    assert len({answer.diff for answer in made}) == len(made)
    for answer in made:
        assert 0 < diff_size(parse(answer.diff)) <= 3
        assert answer.tokens_in > 0 < answer.tokens_out
        assert answer.meta["stub"] is True


def test_router() -> None:
    from llm.providers.base import ProviderRequest
    from llm.providers.router import ProvidersRouter

    with TemporaryDirectory() as folder:
        router = ProvidersRouter(folder, user(folder))
        decision = router.decide(LOGS, FILES)
        assert decision["stage"] == "types"
        assert decision["providers"] == [CLAUDE, GPT]
        assert decision["reason"] == "types: anthropic/claude-3.5+openai/gpt-4o"
        assert router.decide({"tests": "1 failed"}, FILES)["providers"] == [GPT, LOCAL]
        assert router.decide(LOGS, FILES, {"shot.png": {}})["providers"] == [GEMINI, GPT]
        made = router.generate_candidates(ProviderRequest(LOGS, FILES), decision)
        assert [candidate.provider for candidate in made] == [CLAUDE, GPT]
        assert all("src/App.tsx" in candidate.diff for candidate in made)


def test_policy_and_quotas() -> None:
    """Three runs; each opens the ledger anew, as another process would."""
    from llm.errors import PolicyError
    from llm.providers.base import ProviderRequest
    from llm.providers.router import ProvidersRouter

    with TemporaryDirectory() as folder:
        env = with_two_scripted_lanes(folder)
        place = Path(folder, "workspace")
        (place / ".torre").mkdir(parents=True)
        asked = []
        for _ in range(3):
            router = ProvidersRouter(place, env)
            made = router.generate_candidates(ProviderRequest(LOGS, FILES), router.decide(LOGS, FILES))
            asked.append([candidate.provider for candidate in made])
        assert asked == [["one/coder", "two/coder"], ["two/coder"], []], asked
        (place / ".torre" / "providers.yaml").write_text("quotas: { one/coder: { rpn: 60 } }\n")
        try:
            ProvidersRouter(place, env)
        except PolicyError as error:
            assert "did you mean `rpm`" in str(error)
        else:
            raise AssertionError("a policy with an unknown key was accepted")


def test_cli() -> None:
    request = {"logs": LOGS, "files": FILES}
    with TemporaryDirectory() as folder:
        assert "providers" not in torre(request, folder)[1]["metrics"]
        code, made = torre(request, folder, PROVIDERS_V1="1")
    assert (code, made["exit_code"], made["mode"], made["stub"]) == (1, 1, "ADVISORY", True)
    assert "ANTHROPIC_API_KEY" in json.dumps(made)
    providers = made["metrics"]["providers"]
    decision = providers["router_decision"]
    assert decision["stage"] == "types"
    assert decision["providers"] == [CLAUDE, GPT]
    assert decision["reason"] == "types: anthropic/claude-3.5+openai/gpt-4o"
    assert [candidate["provider"] for candidate in providers["candidates"]] == [CLAUDE, GPT]
    for candidate in providers["candidates"]:
        assert candidate["tokens_in"] > 0 < candidate["tokens_out"]
        assert isinstance(candidate["latency_ms"], int)
    selected = providers["selected"]
    assert selected["provider"] == decision["providers"][selected["index"]]
    assert selected["diff_size"] > 0 <= selected["ttg_ms"]
    assert made["diff"].startswith("--- a/src/App.tsx\n+++ b/src/App.tsx\n") or "diff --git" in made["diff"]
    assert "stub" in made["diff"]


def test_n_best() -> None:
    """Of the lanes' stubs and one fix, the fix is proven; of the stubs alone, none."""
    from llm.providers.base import ProviderRequest
    from llm.providers.router import ProvidersRouter
    from llm.rerank.execution_reranker import ExecutionReranker

    wrong = "def double(n):\n    return n + 1\n"
    with TemporaryDirectory() as folder:
        place = Path(folder, "workspace")
        place.mkdir()
        (place / "app.py").write_text(wrong)
        (place / "check.py").write_text("import app\nassert app.double(4) == 8\n")
        router = ProvidersRouter(place, user(folder))
        stubs = router.generate_candidates(ProviderRequest(LOGS, {"app.py": wrong}), router.decide(LOGS, {}))
        given = [{"provider": stub.provider, "diff": stub.diff} for stub in stubs]
        reranker = ExecutionReranker(checks=["python3 check.py"])
        none = reranker.run(place, given, k=2)
        assert none["selected_index"] is None
        assert set(none["discard_reasons"]) == {0, 1}
        fix = (
            "--- a/app.py\n+++ b/app.py\n@@ -1,2 +1,2 @@\n def double(n):\n-    return n + 1\n+    return n * 2\n"
        )
        best = reranker.run(place, [*given, {"provider": GPT, "diff": fix}])
        assert best["selected_index"] == 2
        assert best["winner"]["passed"] is True
        assert (place / "app.py").read_text() == wrong


def test_telemetry() -> None:
    """The winner of the output is the one in its trace, and a refused lane is in the record with its reason."""
    from llm.ledger.home import open_store, open_traces
    from llm.providers.base import ProviderRequest
    from llm.providers.router import ProvidersRouter

    with TemporaryDirectory() as folder:
        _, made = torre({"logs": LOGS, "files": FILES}, folder, PROVIDERS_V1="1")
        selected, trace = made["metrics"]["providers"]["selected"], made["metrics"]["trace"]
        candidate = made["metrics"]["providers"]["candidates"][selected["index"]]
        told = {name: trace[name] for name in ("provider", "tokens_in", "tokens_out")}
        assert told == {name: candidate[name] for name in told}
        env = with_two_scripted_lanes(folder)
        for _ in range(2):
            router = ProvidersRouter(folder, env)
            router.generate_candidates(ProviderRequest(LOGS, FILES), router.decide(LOGS, FILES))
        skipped = ProvidersRouter(folder, env).decide(LOGS, FILES)["skipped"]
        assert [(lane["provider"], lane["reason"], lane["detail"]) for lane in skipped] == [
            ("one/coder", "quota", "daily_calls"),
            ("two/coder", "quota", "daily_calls"),
        ]
        traces, store = open_traces(Path(folder), env), open_store(Path(folder), env)
        rows = [(row.lane, row.cause) for row in traces.attempts()]
        assert sorted(rows) == [("one/coder", "ok"), ("two/coder", "ok"), ("two/coder", "ok")]
        assert {day.lane: day.used.calls for day in store.history()} == {"": 3, "one/coder": 1, "two/coder": 2}
        traces.close()
        store.close()


PROOFS = {
    "Adapters de providers funcionando": test_adapters,
    "Router de seleção funcionando": test_router,
    "Política e quotas funcionando": test_policy_and_quotas,
    "Integração CLI funcionando": test_cli,
    "n-best entre provedores funcionando": test_n_best,
    "Telemetria e governança funcionando": test_telemetry,
}


def main() -> int:
    """Run every proof; 0 if all hold."""
    failed = {}
    for line, proof in PROOFS.items():
        try:
            proof()
        except Exception:  # noqa: BLE001  (whatever it is, it is told, and the others still run)
            failed[line] = traceback.format_exc()
    if not failed:
        print("🎉 FASE 20 IMPLEMENTADA COM SUCESSO!")
    for line in PROOFS:
        print(f"{'❌' if line in failed else '✅'} {line}")
    print("".join(failed.values()), file=sys.stderr, end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
