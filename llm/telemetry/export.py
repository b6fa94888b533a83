"""Spans and metrics of a run to a collector, by OpenTelemetry's own SDK over OTLP/HTTP.

Endpoint, headers, certificates, compression, resource and sampling are the SDK's to read from its variables.
Importing this costs a few hundred milliseconds: only a run that is exported does.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import requests
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricExportResult
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from llm import __version__
from llm.telemetry.conventions import Measure, measures
from llm.telemetry.seen import Seen
from llm.telemetry.settings import Settings
from llm.telemetry.spans import Span, root_of

_NS = 1_000_000_000
_AT_ONCE = 512
_DELTAS: dict[type, AggregationTemporality] = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
"""A process is one run: sums since its start never grow, and a backend would take the second for the first."""


class _Once(requests.Session):
    """Who is not there is not waited for: the SDK would try again until the time is over. Nor is anybody followed
    elsewhere: the headers that the user gave for one collector would go with it. `said` is what came."""

    said = "it could not be encoded"

    def request(self, *args: Any, **options: Any) -> requests.Response:
        """One request; ConnectionAbortedError, which the SDK takes as final, where there is no answer."""
        self.said = "nobody answers"
        try:
            answer = super().request(*args, **{**options, "allow_redirects": False})
        except requests.RequestException as error:
            raise ConnectionAbortedError from error
        self.said = f"HTTP {answer.status_code}"
        if 300 <= answer.status_code < 400:  # which the SDK takes for success
            raise ConnectionAbortedError
        return answer


class _Complaints(logging.Handler):
    """Keeps what the exporters log, and keeps it from stderr: there is one line for all of it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Nothing is shown."""


def send(signal: str, seen: Seen, settings: Settings, limit_s: float) -> str:
    """Send `traces` or `metrics`; why it could not be done, "" where it was. ValueError and the like for variables
    that the SDK cannot make sense of."""
    for name in ("opentelemetry", "urllib3"):
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(_Complaints())
    return _SENDERS[signal](seen, settings, limit_s)


def _send_traces(seen: Seen, settings: Settings, limit_s: float) -> str:
    ended = _Ended()
    provider = TracerProvider(
        resource=_resource(), shutdown_on_exit=False, id_generator=_OfRun(trace_number(seen.trace_id))
    )
    provider.add_span_processor(ended)
    parent = TraceContextTextMapPropagator().extract(dict(settings.parent or {}), Context())
    _tell(provider.get_tracer("torre", __version__), root_of(seen, settings), parent)
    session = _Once()
    exporter = OTLPSpanExporter(timeout=limit_s, session=session)
    sent = (exporter.export(batch) is SpanExportResult.SUCCESS for batch in ended.batches())
    return "" if all(sent) else session.said


def _send_metrics(seen: Seen, settings: Settings, limit_s: float) -> str:
    session = _Once()
    exporter = OTLPMetricExporter(timeout=limit_s, session=session, preferred_temporality=_temporality())
    # The reader is asked once, when all is in it; the exporter's own choices go with it.
    reader = InMemoryMetricReader(exporter._preferred_temporality, exporter._preferred_aggregation)
    provider = MeterProvider((reader,), resource=_resource(), shutdown_on_exit=False)
    _count(provider.get_meter("torre", __version__), measures(seen, settings.conventions))
    data = reader.get_metrics_data()
    return "" if data is None or exporter.export(data) is MetricExportResult.SUCCESS else session.said


_SENDERS: Mapping[str, Callable[[Seen, Settings, float], str]] = {"traces": _send_traces, "metrics": _send_metrics}


def trace_number(trace_id: str) -> int:
    """A run's id as a trace id: its own 32 hexadecimal digits where it has them, else the start of its SHA-256."""
    digits = trace_id.replace("-", "").lower()
    if re.fullmatch(r"[0-9a-f]{32}", digits) and int(digits, 16):
        return int(digits, 16)
    return int.from_bytes(hashlib.sha256(trace_id.encode("utf-8", "replace")).digest()[:16], "big")


class _OfRun(RandomIdGenerator):
    """Every trace that begins here is the run's."""

    def __init__(self, trace: int) -> None:
        self._trace = trace

    def generate_trace_id(self) -> int:
        """The run's."""
        return self._trace

    def is_trace_id_random(self) -> bool:
        """A caller can give the id."""
        return False


class _Ended(SpanProcessor):
    """Keeps the spans that were sampled, to be sent together."""

    def __init__(self) -> None:
        self._spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """A span is complete."""
        if span.context and span.context.trace_flags.sampled:
            self._spans.append(span)

    def batches(self) -> Iterable[list[ReadableSpan]]:
        """The spans in requests of a common size, the root first."""
        spans = self._spans[::-1]
        return (spans[start : start + _AT_ONCE] for start in range(0, len(spans), _AT_ONCE))


def _tell(tracer: Tracer, span: Span, parent: Context) -> None:
    kind = SpanKind.CLIENT if span.call else SpanKind.INTERNAL
    begun = tracer.start_span(
        span.name, parent, kind, attributes=span.attributes, start_time=round(span.began_s * _NS)
    )
    for child in span.children:
        _tell(tracer, child, set_span_in_context(begun, parent))
    if span.error:
        begun.set_attribute("error.type", span.error)
        begun.set_status(Status(StatusCode.ERROR, span.error))
    begun.end(round(span.ended_s * _NS))


def _count(meter: Meter, measured: Iterable[Measure]) -> None:
    """Each measurement into the instrument of its name, which is made when it is first needed."""
    instruments: dict[str, Callable[..., None]] = {}
    for measure in measured:
        if measure.name not in instruments:
            instruments[measure.name] = _instrument(meter, measure)
        instruments[measure.name](measure.value, attributes=measure.attributes)


def _instrument(meter: Meter, measure: Measure) -> Callable[..., None]:
    if measure.kind == "counter":
        return meter.create_counter(measure.name, measure.unit).add
    bounds = list(measure.bounds)
    return meter.create_histogram(measure.name, measure.unit, explicit_bucket_boundaries_advisory=bounds).record


def _temporality() -> dict[type, AggregationTemporality] | None:
    """Deltas, unless the user prefers something."""
    preferred = os.environ.get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE")
    return None if preferred else _DELTAS


def _resource() -> Resource:
    """What the user's variables say, and `torre` as the service where they do not name one."""
    made = Resource.create()
    unnamed = str(made.attributes.get(SERVICE_NAME, "unknown_service")).startswith("unknown_service")
    return made.merge(Resource({SERVICE_NAME: "torre", "service.version": __version__})) if unnamed else made
