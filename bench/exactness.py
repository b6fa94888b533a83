"""Whether a limit holds when calls come all at once: what reached the server, beside what was allowed.

python -m bench.exactness [--without-litellm]
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.calling import LITELLM, burst, caller, install_litellm
from bench.figure import emit
from bench.model_server import (
    TOKENS_IN,
    TOKENS_OUT,
    USD_PER_TOKEN_IN,
    USD_PER_TOKEN_OUT,
    ModelServer,
    model_server,
)
from tests.ledger.valkey import valkey_server

CALLS, LIMIT = 50, 10
BUDGET_USD = 0.001
CALL_USD = TOKENS_IN * USD_PER_TOKEN_IN + TOKENS_OUT * USD_PER_TOKEN_OUT
NOWHERE = "redis://127.0.0.1:1/0"
QUESTION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "q" * 148}]
"""As many bytes as Torre bounds by the tokens that the server says it read, so that a call's price is exact."""

ENFORCED: dict[str, Any] = {"optional_pre_call_checks": ["enforce_model_rate_limits"]}
USAGE_BASED: dict[str, Any] = {"routing_strategy": "usage-based-routing-v2"}


class Bench:
    """The server, and how the calls of one line of the table are made."""

    def __init__(self, server: ModelServer, folder: Path, litellm: str) -> None:
        self._server = server
        self._folder = folder
        self._litellm = litellm

    def torre(self, ledger: str, processes: int, **more: Any) -> int:
        """How many calls Torre makes; `ledger` is a Redis's URL, or "" for a file of its own."""
        own = str(self._folder / uuid.uuid4().hex)
        files = {"ledger": f"{ledger}?ledger={uuid.uuid4().hex}" if ledger else own, "traces": own}
        return self._reached("torre", sys.executable, processes, {"quota": {}, "budget": {}, **files, **more})

    def router(self, processes: int, limits: dict[str, Any], in_loop: bool = True, **router: Any) -> int:
        """How many calls LiteLLM's Router makes: with `acompletion` in a loop, or with `completion`."""
        more = {"limits": limits, "router": router, "in_loop": in_loop}
        return self._reached("router", self._litellm, processes, more)

    def _reached(self, kind: str, python: str, processes: int, more: dict[str, Any]) -> int:
        terms = {"base_url": self._server.base(), "messages": QUESTION, "max_tokens": TOKENS_OUT, "stream": True}
        terms["price"] = [USD_PER_TOKEN_IN * 1e6, USD_PER_TOKEN_OUT * 1e6]
        with ExitStack() as stack:
            callers = [stack.enter_context(caller(kind, {**terms, **more}, python)) for _ in range(processes)]
            self._server.questions()
            _early_in_a_minute()
            burst(callers, CALLS)
            return self._server.questions()


def _early_in_a_minute() -> None:
    """A limit that is counted by the clock's minutes is not measured across two of them."""
    if time.time() % 60 > 50:
        time.sleep(60 - time.time() % 60)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, model_server() as server, valkey_server(Path(folder)) as redis:
        litellm = "" if "--without-litellm" in sys.argv else install_litellm(Path(folder))
        bench = Bench(server, Path(folder), litellm)
        torre(bench, redis)
        if litellm:
            router(bench, redis)


def torre(bench: Bench, redis: str) -> None:
    """Torre's lines."""
    quota = {"quota": {"rpm": LIMIT}}
    for processes in (1, 4):
        _limit("torre, SQLite", bench.torre("", processes, **quota), processes, "exactly 10")
    _limit("torre, Valkey", bench.torre(redis, 4, **quota), 4, "exactly 10")
    _limit("torre, Valkey unreachable", bench.torre(NOWHERE, 2, **quota), 2, "0: fail closed")
    budget = {"budget": {"daily_usd": BUDGET_USD}}
    _budget("torre", bench.torre("", 1, **budget), "at most 1")
    longer = bench.torre("", 1, **budget, max_tokens=2 * TOKENS_OUT)
    _budget("torre, answers half as long as allowed", longer, "at most 1")


def router(bench: Bench, redis: str) -> None:
    """LiteLLM's."""
    rpm, named = {"rpm": LIMIT}, {"litellm": LITELLM}
    _limit("litellm, default strategy, completion", bench.router(1, rpm, in_loop=False), 1, **named)
    # It refuses what is more than `rpm` at one time, and takes as many again as soon as those are answered.
    _limit("litellm, default strategy, acompletion", bench.router(1, rpm), 1, **named)
    _limit("litellm, enforced", bench.router(1, rpm, **ENFORCED), 1, **named)
    _limit("litellm, enforced", bench.router(4, rpm, **ENFORCED), 4, **named)
    shared = bench.router(4, rpm, **ENFORCED, redis_url=redis)
    _limit("litellm, enforced, Valkey", shared, 4, **named)
    alone = bench.router(2, rpm, **ENFORCED, redis_url=NOWHERE)
    _limit("litellm, enforced, Valkey unreachable", alone, 2, **named)
    by_usage = bench.router(4, rpm, **USAGE_BASED, redis_url=redis)
    _limit("litellm, usage-based-v2, Valkey", by_usage, 4, **named)
    cost = {"input_cost_per_token": USD_PER_TOKEN_IN, "output_cost_per_token": USD_PER_TOKEN_OUT}
    budget = {"max_budget": BUDGET_USD, "budget_duration": "1d", **cost}
    _budget("litellm", bench.router(1, budget), **named)


def _limit(setup: str, reached: int, processes: int, target: str = "", **more: Any) -> None:
    told = {"setup": setup, "processes": processes, "tried": CALLS, **more}
    emit("exactness.rpm", reached, f"calls made under a limit of {LIMIT} a minute", target, **told)


def _budget(setup: str, reached: int, target: str = "", **more: Any) -> None:
    told = {"setup": setup, "calls": reached, "call_usd": round(CALL_USD, 6), "tried": CALLS, **more}
    emit(
        "exactness.budget", reached * CALL_USD / BUDGET_USD, f"x the budget of ${BUDGET_USD} a day", target, **told
    )


if __name__ == "__main__":
    main()
