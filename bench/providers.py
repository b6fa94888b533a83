"""What a governed call costs beside a bare one and beside LiteLLM's Router, against the same local server.

python -m bench.providers [--without-litellm]

CPU is that of the whole calling process. The ways take turns, batch by batch, and medians are compared, so that a
noisy machine disturbs all alike. LiteLLM gets an environment of its own, for the time of the run.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.calling import LITELLM, Caller, caller, install_litellm
from bench.figure import cpu_s, emit
from bench.model_server import ModelServer, model_server

BATCHES, CALLS = 30, 15
IMPORTS = 9
MESSAGES = [
    {"role": "system", "content": "You repair a red build. Answer with whole files."},
    {"role": "user", "content": "E   assert 5 == 8\n" * 200},
]
PLENTY = {"rpm": 10**6, "tpm": 10**9, "concurrency": 10**3, "daily_calls": 10**7, "daily_tokens": 10**9}
"""Caps that are checked and never reached."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        litellm = "" if "--without-litellm" in sys.argv else install_litellm(Path(folder))
        if not litellm:
            print("without LiteLLM: it was not asked for, or cannot be installed here", file=sys.stderr)
        imports(litellm)
        overhead(Path(folder), litellm)


def imports(litellm: str) -> None:
    """CPU of `import llm`, and of LiteLLM's import, each beside its own bare interpreter."""
    commands = {"pass": [sys.executable, "-c", "pass"], "llm": [sys.executable, "-c", "import llm"]}
    if litellm:
        commands |= {"pass there": [litellm, "-c", "pass"], "litellm": [litellm, "-c", "import litellm"]}
    env = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # else it asks another host for prices
    for argv in commands.values():
        cpu_s(argv, env=env)  # the first start writes byte code
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(IMPORTS):
        for name, argv in commands.items():
            taken[name].append(cpu_s(argv, env=env))
    ms = {name: statistics.median(times) * 1000 for name, times in taken.items()}
    emit("import.llm", ms["llm"] / ms["pass"], "x python3 -c pass", "at most 6", ms=ms["llm"], n=IMPORTS)
    if litellm:
        more: dict[str, Any] = {"ms": ms["litellm"], "n": IMPORTS, "litellm": LITELLM}
        emit("import.litellm", ms["litellm"] / ms["pass there"], "x python3 -c pass", **more)


def overhead(folder: Path, litellm: str) -> None:
    """CPU of one call: the SDK alone, Torre around it, LiteLLM's Router around it."""
    with model_server() as server, ExitStack() as stack:
        ways = {
            "torre": stack.enter_context(caller("torre", torre_terms(server, folder))),
            "sdk": stack.enter_context(caller("sdk", terms(server))),
            "wire": stack.enter_context(caller("wire", terms(server))),
            "torre alone": stack.enter_context(caller("torre", {**torre_terms(server, folder), "at_once": True})),
        }
        if litellm:
            for form, stream in (("streamed", True), ("whole", False)):
                for kind in ("sdk", "router"):
                    started = caller(kind, terms(server, stream=stream), litellm)
                    ways[f"{kind} {form}"] = stack.enter_context(started)
        _report_overhead(_cpu_ms(ways))


def _report_overhead(cpu_ms: Mapping[str, list[float]]) -> None:
    own = _on_top(cpu_ms, "torre", "sdk")
    _emit_overhead("providers.cpu", own, cpu_ms, "torre", "sdk", target="at most 0.3")
    governed = _on_top(cpu_ms, "torre", "wire")
    emit("providers.cpu.governance", governed, "ms CPU a call, on top of Torre's own wire")
    alone = statistics.median(cpu_ms["torre alone"])
    emit("providers.cpu.alone", alone, "ms CPU a call, around a wire that answers at once")
    for form in ("streamed", "whole"):
        ways = (f"router {form}", f"sdk {form}")
        if ways[0] in cpu_ms:
            theirs = _on_top(cpu_ms, *ways)
            _emit_overhead(f"providers.cpu.litellm.{form}", theirs, cpu_ms, *ways, litellm=LITELLM)
            emit(f"providers.cpu.ratio.{form}", own / theirs, "x LiteLLM Router's", "at most 0.1", litellm=LITELLM)


def _on_top(cpu_ms: Mapping[str, list[float]], way: str, bare: str) -> float:
    """The median of the differences within each round: a machine that is busy for a while disturbs both."""
    return statistics.median(a - b for a, b in zip(cpu_ms[way], cpu_ms[bare], strict=True))


def _emit_overhead(
    figure: str, value: float, cpu_ms: Mapping[str, list[float]], way: str, bare: str, **more: Any
) -> None:
    told: dict[str, Any] = {
        "all_ms": round(statistics.median(cpu_ms[way]), 4),
        "sdk_ms": round(statistics.median(cpu_ms[bare]), 4),
    }
    emit(figure, value, "ms CPU a call, on top of the SDK", n=BATCHES * CALLS, **told, **more)


def _cpu_ms(ways: Mapping[str, Caller]) -> dict[str, list[float]]:
    """CPU of a call, by way and round."""
    for way in ways.values():
        way.call(2 * CALLS)  # the first calls import and connect
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(BATCHES):
        for name, way in ways.items():
            batch = way.call(CALLS)
            assert batch.made == CALLS, f"{name}: {batch.made} of {CALLS} calls brought an answer"
            taken[name].append(batch.cpu_s / CALLS * 1000)
    return taken


def terms(server: ModelServer, stream: bool = True, **more: Any) -> dict[str, Any]:
    """What a caller is told of its calls."""
    return {"base_url": server.base(), "messages": MESSAGES, "max_tokens": 1000, "stream": stream, **more}


def torre_terms(server: ModelServer, folder: Path) -> dict[str, Any]:
    """The same for Torre's way, with every cap there is."""
    caps: dict[str, Any] = {"quota": {**PLENTY, "daily_usd": 1e5}, "budget": {"daily_usd": 1e5, "run_usd": 1e5}}
    files: dict[str, Any] = {"ledger": str(folder / "ledger.sqlite"), "traces": str(folder / "traces.sqlite")}
    return terms(server, price=[1.0, 10.0], **caps, **files)


if __name__ == "__main__":
    main()
