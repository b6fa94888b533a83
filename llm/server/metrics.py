"""What Prometheus scrapes. Runs are counted as they end, quotas are looked up when they are asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from llm.errors import TorreError
from llm.kept.quotas import quotas
from llm.kept.stores import kept_traces
from llm.ledger.sent import CANCELLED, went_out
from llm.ledger.trace_rows import StoredRun
from llm.server.jobs.rows import Asked, Outcome

_SECONDS = (1, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1200)
_NO_STAGE = "none"
_log = logging.getLogger("torre.server")


class Metrics:
    """The metrics of one server, whose own project is `home`."""

    def __init__(self, home: Path, env: Mapping[str, str]) -> None:
        self._env = env
        self.registry = CollectorRegistry()
        by_call = ("provider", "model", "stage", "outcome")
        self._cost = Counter(
            "torre_cost_usd_total",
            "USD that lanes are known to have cost, by the runs of this server",
            by_call,
            registry=self.registry,
        )
        self._calls = Counter(
            "torre_calls_total",
            "Attempts to get an answer of a lane; the outcome is the verdict on it, else why there is no verdict",
            by_call,
            registry=self.registry,
        )
        self._duration = Histogram(
            "torre_run_duration_seconds",
            "From a job's start to its end",
            ("kind", "stage", "outcome"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._jobs = Gauge("torre_jobs", "Jobs that are not over", ("state",), registry=self.registry)
        full = "Jobs refused because the queue was full"
        self._refused = Gauge("torre_jobs_refused", full, registry=self.registry)
        self.registry.register(_Quotas(home, env))

    def note_end(self, asked: Asked, outcome: Outcome) -> None:
        """A job has ended. What cannot be read of it is not counted, and is said in the log."""
        told = outcome.result or {}
        stage = told.get("report", {}).get("stage", _NO_STAGE)
        ended = str(told.get("mode") or outcome.state).lower()
        if "metrics" in told:
            self._duration.labels(asked.kind, stage, ended).observe(told["metrics"]["duration_ms"] / 1000)
        if told.get("metrics", {}).get("providers"):
            try:
                with kept_traces(Path(asked.root), self._env) as store:
                    if store is not None:
                        self._note_cost(store.run(asked.id))
            except TorreError as error:
                _log.warning("run %s is not in the metrics: %s", asked.id, error)

    def text(self, waiting: int, running: int, refused: int) -> bytes:
        """The exposition. PolicyError, LedgerError."""
        self._jobs.labels("waiting").set(waiting)
        self._jobs.labels("running").set(running)
        self._refused.set(refused)
        return generate_latest(self.registry)

    def _note_cost(self, story: StoredRun) -> None:
        for attempt in story.attempts:
            if attempt.cause == CANCELLED and not went_out(attempt.cause, attempt.provider_ms):
                continue
            labels = (attempt.lane, attempt.model, attempt.stage or _NO_STAGE, attempt.verdict or attempt.cause)
            self._calls.labels(*labels).inc()
            self._cost.labels(*labels).inc((attempt.usd_micros or 0) / 1e6)


class _Quotas(Collector):
    """Read from the ledger at each scrape: other processes use it too."""

    def __init__(self, home: Path, env: Mapping[str, str]) -> None:
        self._home = home
        self._env = env

    def describe(self) -> Iterator[Metric]:
        """The metrics without their values, so that nothing is read when they are registered."""
        return iter(_families())

    def collect(self) -> Iterator[Metric]:
        """What is left of each cap, and what is beyond it."""
        ratio, over = _families()
        found = quotas(self._home, self._env)
        for provider, window in _windows(found):
            cap, counted = window["cap"], window["used"] + window["reserved"]
            if cap is not None:
                ratio.add_metric((provider, window["name"]), window["left"] / cap if cap else 0.0)
            over.add_metric((provider, window["name"]), 0 if cap is None else max(0, counted - cap))
        yield ratio
        yield over


def _families() -> tuple[GaugeMetricFamily, CounterMetricFamily]:
    labels = ("provider", "window")
    ratio = "What is left of a cap, 1 is all of it; only where there is a cap"
    over = "Counted beyond a cap in its present window; must read 0"
    return (
        GaugeMetricFamily("torre_quota_remaining_ratio", ratio, labels=labels),
        CounterMetricFamily("torre_over_limit", over, labels=labels),
    )


def _windows(found: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for lane in found["lanes"]:
        yield from ((lane["provider"], window) for window in lane["quota"])
    yield from (("all", window) for window in found["budget"])
