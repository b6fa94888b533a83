"""Torre's way to a model: decide → reserve → sent → the SDK → settle → a row in the trace, each call anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from llm.domain import Stage
from llm.ledger.home import open_store, open_traces
from llm.providers.attempts import LaneRefused
from llm.providers.base import Answer, Call, Message
from llm.providers.credentials import credential
from llm.providers.metered import MeteredWire, Terms
from llm.providers.models import Model, Price
from llm.providers.policy import Policy
from llm.providers.policy_file import Budget, Quota
from llm.providers.route import decide
from llm.providers.router import wire_of

LANE = "bench/model"


class AtOnce:
    """A wire that answers without a server: what is left of a call is Torre's own."""

    protocol = "openai"

    def ask(self, call: Call, on_text: Callable[[str], None] = lambda _: None) -> Answer:
        return Answer("fixed", 95, 22)

    def warm(self) -> None:
        pass


def caller(terms: dict[str, Any]) -> Callable[[], bool]:
    """One call under `terms["quota"]` and `terms["budget"]`, counted in the ledger `terms["ledger"]`."""
    policy, run = _policy(terms), f"bench-{os.getpid()}"
    store = open_store(Path.cwd(), {"TORRE_LEDGER": terms["ledger"]})
    traces = open_traces(Path.cwd(), {"TORRE_LEDGER": terms["traces"]})
    traces.begin(run, "bench")
    wire = AtOnce() if terms.get("at_once") else wire_of("openai")
    wire.warm()
    bound = Terms(run, Stage.TYPES, policy, store, traces.add_attempt, {})
    lane, asked = MeteredWire(policy.models[LANE], wire, bound), question(terms)
    choose = partial(decide, Stage.TYPES, policy, lambda row: credential(row, {}))

    def call() -> bool:
        if not choose(standing=store.standing(policy.timezone)).lanes:
            return False
        try:
            _, row = lane.ask(asked, traces.add_attempt)
        except LaneRefused:
            return False
        traces.add_attempt(row)
        return True

    return call


def _policy(terms: dict[str, Any]) -> Policy:
    return Policy(
        allowed=(LANE,),
        quotas={LANE: Quota(**terms["quota"])},
        budget=Budget(**terms["budget"]),
        models={LANE: Model(LANE, "openai", "m", terms["base_url"], price=Price(*terms["price"]))},
        routes={"types": (LANE,)},
    )


def question(terms: dict[str, Any]) -> Call:
    """The call that every way makes."""
    system, user = (message["content"] for message in terms["messages"])
    return Call("m", terms["base_url"], "", system, (Message("user", user),), terms["max_tokens"])
