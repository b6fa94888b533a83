"""A wire whose answers a test writes down, a ledger on a clock that the test moves, and the terms of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock

from llm.domain import Stage
from llm.ledger.base import Amount, QuotaStore
from llm.ledger.sqlite import SqliteStore
from llm.ledger.trace_rows import Attempt
from llm.providers.base import Answer, Call, Cause, Message, ProviderFailure
from llm.providers.metered import Terms
from llm.providers.models import Model, Price
from llm.providers.policy import Policy
from llm.providers.policy_file import Quota

NOON = 1_773_576_000.0  # 2026-03-15 12:00:00 UTC
LANE = "acme/coder"
KEY = "planted-key-5up3r-53cr3t"
ENV = {"ACME_KEY": KEY}
MODEL = Model(LANE, "replay", "coder-2", "replay:///none", ("ACME_KEY",), price=Price(2.0, 10.0, 0.1))
CALL = Call("coder-2", "replay:///none", KEY, "be brief", (Message("user", "q" * 990),), max_tokens=1000)
NO_CAPS = Quota()
ANSWER = Answer("fixed", 300, 40, 100, first_byte_ms=3, latency_ms=9)

Step = Answer | ProviderFailure | Callable[[Call, Callable[[str], None]], Answer]


def failure(cause: Cause, **told: float | int | bool | None) -> ProviderFailure:
    return ProviderFailure(cause, f"acme.example: {cause}", **told)  # type: ignore[arg-type]


class ScriptedWire:
    """Answers by the script, the last step for ever; `calls` are those that really came."""

    protocol = "replay"

    def __init__(self, *script: Step) -> None:
        self._script = script
        self._lock = Lock()
        self.calls: list[Call] = []

    def warm(self) -> None:
        pass

    def ask(self, call: Call, on_text: Callable[[str], None] = lambda _: None) -> Answer:
        with self._lock:
            step = self._script[min(len(self.calls), len(self._script) - 1)]
            self.calls.append(call)
        if isinstance(step, ProviderFailure):
            raise step
        return step if isinstance(step, Answer) else step(call, on_text)


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    """One workspace's ledger, opened as often as asked, each time as another process would; and what it kept."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    rows: list[Attempt] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    opened: list[SqliteStore] = field(default_factory=list)

    def store(self) -> SqliteStore:
        made = SqliteStore(self.folder / "ledger.sqlite", clock=self.clock)
        self.opened.append(made)
        return made

    def terms(
        self,
        quota: Quota = NO_CAPS,
        store: QuotaStore | None = None,
        env: Mapping[str, str] = ENV,
        model: Model = MODEL,
        retries: int = 1,
    ) -> Terms:
        policy = Policy(
            allowed=(LANE,), quotas={LANE: quota}, models={LANE: model}, routes={"types": (LANE,)}, hash="p0l1cy"
        )
        return Terms(
            run="run-1",
            stage=Stage.TYPES,
            policy=policy,
            store=store or self.store(),
            on_attempt=self.rows.append,
            env=env,
            retries=retries,
            pause=self._pause,
            jitter=lambda: 0.5,
        )

    def used(self) -> Amount:
        """What the lane has used today, in the eyes of another process."""
        standing = self.store().standing("UTC").get(LANE)
        return standing.day if standing else Amount()

    def held(self) -> Amount:
        standing = self.store().standing("UTC").get(LANE)
        return standing.open if standing else Amount()

    def _pause(self, seconds: float, _cancel: Event | None) -> None:
        self.pauses.append(seconds)

    def close(self) -> None:
        for store in self.opened:
            store.close()
