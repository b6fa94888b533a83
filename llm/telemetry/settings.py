"""Whether, where to and how a run is told: OpenTelemetry's own variables, of the process's environment alone.

No file is read, so that no checkout and no policy can switch export on, choose the endpoint or ask for content.
Standard library only: this is looked at by every run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_SPOKEN = "http/protobuf"
_NEW = ("gen_ai_latest_experimental", "gen_ai")
_CAPTURED = ("true", "span_only", "span_and_event")
"""What `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` is set to by those who want content on spans."""


class Convention(StrEnum):
    """Which names are used: the field has two. `OLD` is semantic conventions 1.36 and before."""

    OLD = "old"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Settings:
    """`endpoints` are the signals that are exported, `traces` and `metrics`, and where to, for messages: host and
    port. `problem` says why nothing can be exported although it was asked for. `parent` are the W3C headers of
    the span that this run belongs to. `content`: whether texts of the workspace may be told, without secrets."""

    endpoints: Mapping[str, str]
    conventions: frozenset[Convention]
    content: bool = False
    parent: Mapping[str, str] | None = None
    problem: str = ""


def settings_of(env: Mapping[str, str]) -> Settings | None:
    """What the environment asks for, None where nothing is exported."""
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    endpoints = {signal: place for signal in ("traces", "metrics") if (place := _place(env, signal))}
    if not endpoints:
        return None
    parent = {name: env[name.upper()] for name in ("traceparent", "tracestate") if env.get(name.upper())}
    return Settings(
        endpoints,
        _conventions(env.get("OTEL_SEMCONV_STABILITY_OPT_IN", "")),
        env.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "").strip().lower() in _CAPTURED,
        parent or None,
        _problem(env, endpoints),
    )


def _place(env: Mapping[str, str], signal: str) -> str:
    """The host and port of a signal's endpoint; never the user and password that may stand before them."""
    if env.get(f"OTEL_{signal.upper()}_EXPORTER", "otlp").strip().lower() == "none":
        return ""
    from urllib.parse import urlsplit

    endpoint = (_of_signal(env, signal, "ENDPOINT") or "").strip()
    return (urlsplit(endpoint).netloc or endpoint).rpartition("@")[2]


def _of_signal(env: Mapping[str, str], signal: str, name: str) -> str | None:
    return env.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}") or env.get(f"OTEL_EXPORTER_OTLP_{name}")


def _conventions(opted: str) -> frozenset[Convention]:
    wanted = {word.strip().lower() for word in opted.split(",")}
    if any(f"{word}/dup" in wanted for word in _NEW):
        return frozenset(Convention)
    return frozenset({Convention.NEW if wanted.intersection(_NEW) else Convention.OLD})


def _problem(env: Mapping[str, str], endpoints: Mapping[str, str]) -> str:
    for signal in endpoints:
        protocol = _of_signal(env, signal, "PROTOCOL") or _SPOKEN
        if protocol.strip().lower() != _SPOKEN:
            return f"of OTEL_EXPORTER_OTLP_PROTOCOL only {_SPOKEN} is spoken, not {protocol}"
    return ""
