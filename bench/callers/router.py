"""LiteLLM's Router with one deployment, in an environment of its own; it is no dependency of Torre's."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from importlib import import_module
from threading import Thread
from typing import Any


def caller(terms: dict[str, Any]) -> Callable[[], bool]:
    """One call through a Router with `terms["router"]` as its options and `terms["limits"]` on the deployment.

    `terms["in_loop"]`: by its asynchronous way, which its budgets cannot do without; answers are whole then.
    """
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks another host for prices when imported
    os.environ["LITELLM_LOG"] = "CRITICAL"
    ask = _in_a_loop(terms) if terms.get("in_loop") else _plainly(terms)

    def call() -> bool:
        try:
            return ask()
        except Exception:  # noqa: BLE001  (its refusals are of many types; the server counts what really came)
            return False

    return call


def _plainly(terms: dict[str, Any]) -> Callable[[], bool]:
    router, request = _router(terms), _request(terms)
    if not terms["stream"]:
        return lambda: bool(router.completion(**request).choices[0].message.content)
    streamed = {"stream": True, "stream_options": {"include_usage": True}}
    return lambda: sum(bool(chunk.choices) for chunk in router.completion(**request, **streamed)) > 0


def _in_a_loop(terms: dict[str, Any]) -> Callable[[], bool]:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, daemon=True).start()

    def wait(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    async def make() -> Any:
        return _router(terms)

    router, request = wait(make()), _request(terms)
    return lambda: bool(wait(router.acompletion(**request)).choices[0].message.content)


def _router(terms: dict[str, Any]) -> Any:
    litellm: Any = import_module("litellm")
    litellm.suppress_debug_info = True
    deployment = {"model": "openai/m", "api_base": terms["base_url"], "api_key": "none", **terms.get("limits", {})}
    return litellm.Router(
        model_list=[{"model_name": "bench", "litellm_params": deployment}],
        num_retries=0,
        disable_cooldowns=True,
        **terms.get("router", {}),
    )


def _request(terms: dict[str, Any]) -> dict[str, Any]:
    return {"model": "bench", "messages": terms["messages"], "max_tokens": terms["max_tokens"]}
