"""From a red build to candidates of several lanes: decide who is asked, ask all at once, collect the answers."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from llm import plugins
from llm.domain import LaneChoice, Mode, RouteDecision, Stage
from llm.ledger.base import QuotaStore, Standing
from llm.providers.attempts import Failure
from llm.providers.base import ProviderRequest, ProviderResponse, Wire
from llm.providers.credentials import credential
from llm.providers.lane import Asked, Lane, as_response
from llm.providers.metered import Terms
from llm.providers.policy import ProvidersPolicy
from llm.providers.question import question_of
from llm.providers.route import as_mapping, decide
from llm.providers.stub_mode import stub_candidates, stub_mode

Wires = Callable[[str], Wire]
"""The wire of a protocol, by its name in the policy's `models:` rows."""


def wire_of(protocol: str) -> Wire:
    """The wire in `adapters/` that speaks this protocol."""
    wire: Wire = plugins.load("providers.adapters", protocol, "WIRE")
    return wire


class ProvidersRouter:
    """Routes the requests of one workspace under its policy; PolicyError where that cannot be read.

    `failures` are those of the last `generate_candidates`: each lane that brought no candidate, and why.
    """

    def __init__(
        self, root: Path | str = ".", env: Mapping[str, str] = os.environ, wires: Wires = wire_of
    ) -> None:
        self.root = Path(root)
        self.policy = ProvidersPolicy(self.root, env).policy
        self.failures: list[Failure] = []
        self._env = env
        self._wires = wires

    def decide(
        self, logs: Mapping[str, str], files: Mapping[str, str], assets: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The seed's decision: `stage`, `providers`, `reason`, and what led to them (see `as_mapping`).

        Without the opt-in, or where nothing real could be asked, it is one for the offline stubs.
        """
        from llm.triage.stage import triage

        stage = triage(logs).stage
        stub = None if self.policy.enabled(self._env) else True
        return as_mapping(self.route(stage, bool(assets), stdin_contract=True, stub=stub))

    def generate_candidates(
        self, req: ProviderRequest, decision: Mapping[str, Any] | RouteDecision
    ) -> list[ProviderResponse]:
        """Ask the decision's lanes at once: one candidate each (`samples` in the policy), in their order.

        Under the policy and its ledger, whoever made the decision; a lane that fails costs its own candidate only
        and is in `failures`. Nothing is executed here. LedgerError where the ledger or the trace cannot be had.
        """
        self.failures = []
        route = decision if isinstance(decision, RouteDecision) else self._as_route(decision)
        if route.stub or not self.policy.enabled(self._env):
            return stub_candidates(route, req)
        if not route.lanes:
            return []
        with self._recorded(route, str(req.meta.get("trace_id") or uuid.uuid4())) as terms:
            lanes, cancel = self.lanes(route, terms), Event()
            question = question_of(req, self.policy, self._env)
            asks = [
                partial(lane.ask, question, cancel=cancel) for lane in lanes for _ in range(self.policy.samples)
            ]
            asked = sorted(ask_all(asks, cancel), key=lambda each: route.providers.index(each.lane))
        self.failures = [each.failure for each in asked if each.failure]
        return [as_response(each.candidate) for each in asked if each.candidate]

    def route(
        self,
        stage: Stage,
        assets: bool = False,
        stdin_contract: bool = False,
        store: QuotaStore | None = None,
        stub: bool | None = None,
    ) -> RouteDecision:
        """Which lanes are asked now, by policy, credentials and ledger; `stub` None: as the contract says.

        `store` is the run's ledger; without one the workspace's is looked at, if there is any.
        """
        choose = partial(decide, stage, self.policy, lambda model: credential(model, self._env), assets=assets)
        if stub:
            return choose(stub=True)
        decision = choose(standing=self._standing(store))
        if stub is None and stub_mode(self._env, self.policy, decision, stdin_contract):
            return choose(stub=True)
        return decision

    def lanes(self, decision: RouteDecision, terms: Terms) -> tuple[Lane, ...]:
        """The decision's lanes, ready to be asked; made once a run, for each counts its attempts.

        One that is not allowed is left out, whoever decided.
        """
        models = (self.policy.models[lane] for lane in self._allowed(decision.providers))
        return tuple(Lane(model, self._wires(model.protocol), terms) for model in models)

    def warm(self, decisions: Iterable[RouteDecision]) -> None:
        """Import the SDKs of the lanes that would be called; meant for a thread, while the baseline runs."""
        lanes = [lane for decision in decisions if not decision.stub for lane in decision.providers]
        for protocol in dict.fromkeys(self.policy.models[lane].protocol for lane in lanes):
            with suppress(ImportError):  # a lane whose SDK is missing says so when it is asked
                self._wires(protocol).warm()

    def _as_route(self, decision: Mapping[str, Any]) -> RouteDecision:
        """A decision that was made elsewhere: what the policy forbids is not in it any more."""
        lanes = [LaneChoice(lane, "given") for lane in self._allowed(decision["providers"])]
        rule, stub = str(decision.get("rule", "given:")), bool(decision.get("stub"))
        return RouteDecision(Stage(decision["stage"]), rule, tuple(lanes), stub=stub)

    def _allowed(self, lanes: Iterable[str]) -> list[str]:
        return [lane for lane in lanes if lane in self.policy.allowed]

    @contextmanager
    def _recorded(self, route: RouteDecision, run: str) -> Iterator[Terms]:
        """The terms of a run of its own, with the workspace's ledger and trace."""
        from llm.ledger.home import open_store, open_traces
        from llm.ledger.trace_rows import Ending

        began = time.monotonic()
        with (
            closing(open_store(self.root, self._env)) as store,
            closing(open_traces(self.root, self._env)) as traces,
        ):
            traces.begin(run, str(self.root), self.policy.hash)
            yield Terms(run, route.stage, self.policy, store, traces.add_attempt, self._env)
            took = round((time.monotonic() - began) * 1000)
            summary = f"asked {', '.join(route.providers)}; nothing was executed"
            traces.finish(run, Ending(route.stage.value, Mode.ADVISORY.value, 1, summary, took))

    def _standing(self, store: QuotaStore | None) -> Mapping[str, Standing]:
        from llm.ledger.home import has_ledger, open_store

        if store is not None:
            return store.standing(self.policy.timezone)
        if not has_ledger(self.root, self._env):
            return {}
        with closing(open_store(self.root, self._env)) as opened:
            return opened.standing(self.policy.timezone)


def ask_all(asks: Sequence[Callable[[], Asked]], cancel: Event) -> Generator[Asked, None, None]:
    """Ask all at once; the results in the order in which they come.

    Who stops listening, or an error that ends the run, sets `cancel`: what is still asked then closes its
    connection, settles what it used, and is waited for.
    """
    if not asks:
        return
    with ThreadPoolExecutor(len(asks), thread_name_prefix="lane") as pool:
        try:
            pending = [pool.submit(ask) for ask in asks]
            while pending:
                wait(pending, return_when=FIRST_COMPLETED)
                done = [future for future in pending if future.done()]
                pending = [future for future in pending if future not in done]
                for future in done:
                    yield future.result()
        except BaseException:
            cancel.set()
            raise
