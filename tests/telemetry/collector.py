"""A collector: an OTLP/HTTP receiver on a free port that decodes what arrives with the official protobufs."""

from __future__ import annotations

import gzip
import http.server
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

CLIENT, INTERNAL = Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_INTERNAL
ERROR = 2


def plain(attributes: Any) -> dict[str, Any]:
    """Attributes as a dictionary."""
    given: list[KeyValue] = list(attributes)
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in given}


@dataclass
class Arrived:
    """One request: where it was sent, with which headers, and its bytes."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Collector:
    """Keeps what arrives. `answer` gives the status of each request, and may take its time; `elsewhere` is where
    it says that things are."""

    answer: Callable[[], int] = field(default=lambda: 200)
    elsewhere: str = ""
    arrived: list[Arrived] = field(default_factory=list)

    def __enter__(self) -> Collector:
        collector = self

        class Receive(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                headers = {name.lower(): value for name, value in self.headers.items()}
                collector.arrived.append(Arrived(self.path, headers, body))
                self.send_response(collector.answer())
                self.send_header("content-length", "0")
                if collector.elsewhere:
                    self.send_header("location", collector.elsewhere)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Not on stderr."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receive)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.place = self.url.removeprefix("http://")
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def bodies(self, path: str) -> list[bytes]:
        return [each.body for each in self.arrived if each.path == path]

    @property
    def traces(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies("/v1/traces")]

    @property
    def spans(self) -> list[Span]:
        """Every span, in the order in which they began."""
        found = [s for each in self.traces for r in each.resource_spans for sc in r.scope_spans for s in sc.spans]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    @property
    def resources(self) -> list[dict[str, Any]]:
        return [plain(r.resource.attributes) for each in self.traces for r in each.resource_spans]

    @property
    def metrics(self) -> dict[str, Metric]:
        given = [ExportMetricsServiceRequest.FromString(body) for body in self.bodies("/v1/metrics")]
        found = [m for each in given for r in each.resource_metrics for sc in r.scope_metrics for m in sc.metrics]
        return {metric.name: metric for metric in found}

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def below(self, parent: Span) -> Iterator[Span]:
        return (span for span in self.spans if span.parent_span_id == parent.span_id)

    def until(self, holds: Callable[[], bool], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it did not arrive"
            time.sleep(0.05)


def points(metric: Metric) -> list[tuple[dict[str, Any], Any]]:
    """The data points of a metric with their attributes."""
    data = getattr(metric, metric.WhichOneof("data") or "sum")
    return [(plain(point.attributes), point) for point in data.data_points]


def tree(collector: Collector) -> dict[str, Any]:
    """Names below names, from the root; fails if there is not exactly one root."""
    (root,) = [span for span in collector.spans if not span.parent_span_id]
    return {root.name: _below(collector, root)}


def _below(collector: Collector, parent: Span) -> list[Any]:
    made: list[Any] = []
    for span in collector.below(parent):
        children = _below(collector, span)
        made.append({span.name: children} if children else span.name)
    return made
