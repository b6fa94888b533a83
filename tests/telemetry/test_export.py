"""What a collector hears of a run: a tree of spans and the metrics of its calls, by either convention."""

from __future__ import annotations

import signal
from pathlib import Path

import requests

from tests.e2e.provider_runs import CHECK, GPT, GREEN, KEY, LOCAL, User, ended, reply, row
from tests.providers.servers import Llmock
from tests.server.conftest import CHECK as UNUSED_IMPORT
from tests.server.conftest import RED, Serve
from tests.telemetry.collector import CLIENT, ERROR, INTERNAL, Collector, plain, points, tree
from tests.telemetry.conftest import LANE, PLANTED, QUICK, second_answer, workspace

OLD_METRICS = {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"}
NEW_METRICS = {
    "gen_ai.client.inference.duration",
    "gen_ai.client.inference.time_to_first_chunk",
    "gen_ai.client.inference.usage.input_tokens",
    "gen_ai.client.inference.usage.output_tokens",
    "gen_ai.client.inference.usage.cache_read.input_tokens",
    "gen_ai.client.inference.operation.input_tokens",
    "gen_ai.client.inference.operation.output_tokens",
}
OWN_METRICS = {"torre.run.duration", "torre.cost"}
TRACE, SPAN = "5b8aa5a2d2c872e8321cf37308d69df2", "051581bf3cb55c13"


def test_a_run_is_a_tree_of_spans_under_its_own_id(
    user: User, tmp_path: Path, llmock: Llmock, collector: Collector
) -> None:
    second_answer(user, llmock)
    red = workspace(tmp_path / "red", **{"deploy.py": f'TOKEN = "{PLANTED}"\n'})
    ran = user.torre(
        *LANE,
        cwd=red,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20of-the-collector",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=ci,team=payments",
        OTEL_SERVICE_NAME="torre-of-payments",
    )
    assert (ran.exit_code, "telemetry" in ran.stderr) == (0, False), ran.stderr
    answer = ran.json()
    reproduce = {"torre.reproduce": ["torre.check", "torre.check"]}
    ask = {"torre.ask": ["chat coder-9", "torre.evaluate", "chat coder-9", "torre.evaluate"]}
    assert tree(collector) == {"torre.fix": ["torre.prepare", reproduce, ask, "torre.confirm"]}
    assert {span.trace_id.hex() for span in collector.spans} == {answer["trace_id"].replace("-", "")}
    assert len({span.span_id for span in collector.spans}) == len(collector.spans)
    (root,) = collector.named("torre.fix")
    told = plain(root.attributes)
    assert {name: told[f"torre.{name}"] for name in ("trace_id", "outcome", "exit_code", "candidates")} == {
        "trace_id": answer["trace_id"],
        "outcome": "patch",
        "exit_code": 0,
        "candidates": 2,
    }
    assert told["torre.cost_usd"] == sum(a["usd_micros"] for a in user.attempts(red)) / 1e6 > 0
    for span in collector.spans:
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.kind == (CLIENT if span.name.startswith("chat") else INTERNAL)
    assert {each.headers["authorization"] for each in collector.arrived} == {"Bearer of-the-collector"}
    (resource,) = collector.resources
    assert (resource["service.name"], resource["team"]) == ("torre-of-payments", "payments")

    first, last = (plain(span.attributes) for span in collector.named("chat coder-9"))
    assert (first["torre.verdict"], last["torre.verdict"]) == ("checks_red", "passed")
    attempt = user.attempts(red)[-1]
    assert {name: last[name] for name in last if name.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "coder-9",
        "gen_ai.usage.input_tokens": attempt["tokens_in"],
        "gen_ai.usage.output_tokens": attempt["tokens_out"],
    }
    assert (last["torre.lane"], last["torre.attempt"]) == (GPT, 2)
    assert last["torre.cost_usd"] == attempt["usd_micros"] / 1e6
    assert {plain(s.attributes)["torre.verdict"] for s in collector.named("torre.evaluate")} == {
        "checks_red",
        "passed",
    }

    assert set(collector.metrics) == OLD_METRICS | OWN_METRICS
    tokens = points(collector.metrics["gen_ai.client.token.usage"])
    assert {a["gen_ai.token.type"]: p.count for a, p in tokens} == {"input": 2, "output": 2}
    assert sum(p.sum for _, p in tokens) == sum(a["tokens_in"] + a["tokens_out"] for a in user.attempts(red))
    assert {a["torre.outcome"] for a, _ in points(collector.metrics["torre.cost"])} == {"checks_red", "passed"}

    # Nothing of what the workspace or the model said, and no key, in whatever was sent.
    everything = b"".join(each.body for each in collector.arrived)
    for text in (
        KEY,
        PLANTED,
        "roman",
        "def ",
        "check.py",
        "diff --git",
        "+++",
        str(tmp_path),
        "of-the-collector",
    ):
        assert text.encode() not in everything, text


def test_the_new_convention_under_a_parent_of_ones_own(
    user: User, red: Path, llmock: Llmock, collector: Collector
) -> None:
    llmock.will({"type": "fail", "status": 500, "times": 1}, reply("coder-9", GREEN))
    user.lanes({LOCAL: row(LOCAL, llmock, "coder-9")})
    ran = user.torre(
        *LANE,
        cwd=red,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.url}/v1/traces",
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"{collector.url}/v1/metrics",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        OTEL_SEMCONV_STABILITY_OPT_IN="http, gen_ai_latest_experimental",
        TRACEPARENT=f"00-{TRACE}-{SPAN}-01",
    )
    assert ran.exit_code == 0, ran.stderr
    (root,) = collector.named("torre.fix")
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (TRACE, SPAN)
    assert plain(root.attributes)["torre.trace_id"] == ran.json()["trace_id"]
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    failed, answered = collector.named("chat coder-9")
    told = plain(failed.attributes)
    assert (failed.status.code, told["error.type"], told["http.response.status_code"]) == (ERROR, "server", 500)
    told = plain(answered.attributes)
    assert (told["gen_ai.provider.name"], told["gen_ai.request.stream"]) == ("local", True)
    assert told["gen_ai.response.time_to_first_chunk"] > 0 and "gen_ai.system" not in told
    assert set(collector.metrics) == NEW_METRICS | OWN_METRICS
    durations = points(collector.metrics["gen_ai.client.inference.duration"])
    assert sorted(a.get("error.type", "") for a, _ in durations) == ["", "server"]
    (spent,) = points(collector.metrics["gen_ai.client.inference.usage.output_tokens"])
    assert spent[1].as_int == sum(attempt["tokens_out"] for attempt in user.attempts(red))


def test_both_conventions_at_once_a_cap_that_holds_back_and_content_without_secrets(
    user: User, tmp_path: Path, llmock: Llmock, collector: Collector
) -> None:
    mended = f'{GREEN}\nTOKEN = "{PLANTED}"\n'
    llmock.will(reply("coder-9", mended))
    user.lanes({GPT: row(GPT, llmock, "coder-9")}, quotas={GPT: {"daily_calls": 1}})
    red = workspace(tmp_path / "red")
    ran = user.torre(
        *LANE[:-1],
        f"TOKEN={PLANTED} {CHECK}",
        cwd=red,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_SEMCONV_STABILITY_OPT_IN="gen_ai/dup",
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="true",
    )
    assert ran.exit_code == 1, ran.stderr + ran.stdout
    assert set(collector.metrics) == OLD_METRICS | NEW_METRICS | OWN_METRICS
    (call,) = collector.named("chat coder-9")
    told = plain(call.attributes)
    assert told["gen_ai.system"] == told["gen_ai.provider.name"] == "openai"
    (held,) = collector.named("held back coder-9")
    told = plain(held.attributes)
    assert (told["error.type"], held.kind, "gen_ai.operation.name" in told) == ("daily_calls", INTERNAL, False)
    (evaluated,) = collector.named("torre.evaluate")
    assert plain(evaluated.attributes)["torre.verdict"] == "secret"
    everything = b"".join(each.body for each in collector.arrived)
    assert b"TOKEN=[redacted" in everything and b"check.py" in everything  # it was asked for
    assert PLANTED.encode() not in everything and KEY.encode() not in everything


def test_without_an_endpoint_nothing_is_imported_and_nothing_is_sent(
    user: User, quick: Path, collector: Collector
) -> None:
    seen = {}
    for name, variables in {
        "off": {},
        "disabled": {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SDK_DISABLED": "true"},
        "on": {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url},
    }.items():
        ran = user.torre(*QUICK, cwd=quick, PYTHONPROFILEIMPORTTIME="1", **variables)
        assert ran.exit_code == 0, ran.stderr
        seen[name] = ("opentelemetry" in ran.stderr, len(collector.arrived))
    assert seen == {"off": (False, 0), "disabled": (False, 0), "on": (True, 2)}


def test_who_sends_elsewhere_is_not_followed(user: User, quick: Path, collector: Collector) -> None:
    token = {"x-token": "of-the-first"}
    with Collector(answer=lambda: 307, elsewhere=f"{collector.url}/v1/traces") as first:
        ran = user.torre(
            *QUICK,
            cwd=quick,
            OTEL_EXPORTER_OTLP_ENDPOINT=first.url,
            OTEL_EXPORTER_OTLP_HEADERS="x-token=of-the-first",
        )
        assert ran.exit_code == 0 and "HTTP 307" in ran.stderr, ran.stderr
        assert len(first.arrived) == 2 and not collector.arrived
        requests.post(first.url, b"", headers=token, timeout=10)  # control: who follows hands the token on
    assert [each.headers["x-token"] for each in collector.arrived] == ["of-the-first"]


def test_each_signal_by_itself_and_what_the_embedded_fixers_did(
    user: User, quick: Path, collector: Collector
) -> None:
    (quick / "app.py").write_text(RED)
    only_traces = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces"}
    assert user.torre("fix", "--check", UNUSED_IMPORT, cwd=quick, **only_traces).exit_code == 0
    assert [each.path for each in collector.arrived] == ["/v1/traces"]
    steps = tree(collector)["torre.fix"]
    assert {"torre.generate": ["torre.evaluate"]} in steps and "torre.ask" not in str(steps)
    (evaluated,) = (plain(span.attributes) for span in collector.named("torre.evaluate"))
    assert (evaluated["torre.lane"], evaluated["torre.verdict"]) == ("embedded/fixers", "passed")
    only_metrics = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"{collector.url}/base", "OTEL_TRACES_EXPORTER": "none"}
    user.torre(*QUICK, cwd=quick, **only_metrics)
    assert [each.path for each in collector.arrived] == ["/v1/traces", "/base/v1/metrics"]


def test_the_door_of_stdin_keeps_the_callers_id(user: User, tmp_path: Path, collector: Collector) -> None:
    """An id that OpenTelemetry has no room for becomes another, which is the same each time."""
    named, zero = "0123abcd-0123-4567-89ab-0123456789ab", "00000000-0000-0000-0000-000000000000"
    for given in (named, zero, zero):
        request = {"files": {"a.py": "A = 1\n"}, "checks": ["true"], "trace_id": given}
        ran = user.torre("fix", "-", cwd=tmp_path, stdin=request, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        assert ran.json()["trace_id"] == given
    ids = [span.trace_id.hex() for span in collector.named("torre.fix")]
    assert ids[0] == named.replace("-", "") and ids[1] == ids[2] and int(ids[1], 16)
    assert [plain(s.attributes)["torre.trace_id"] for s in collector.named("torre.fix")] == [named, zero, zero]


def test_a_run_that_is_ended_is_told_as_far_as_it_came(user: User, quick: Path, collector: Collector) -> None:
    arguments = ("fix", "--check", "sleep 60")
    process = user.start(*arguments, cwd=quick, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    collector.until(lambda: bool(list(quick.glob(".torre/runs/*.jsonl"))))
    collector.until(lambda: b'"checks"' in next(quick.glob(".torre/runs/*.jsonl")).read_bytes())
    process.send_signal(signal.SIGTERM)
    assert ended(process).exit_code == 130
    (root,) = collector.named("torre.fix")
    told = plain(root.attributes)
    assert (root.status.code, told["error.type"], told["torre.outcome"]) == (ERROR, "Interrupted", "interrupted")
    assert [span.name for span in collector.below(root)] == ["torre.prepare", "torre.reproduce"]


def test_a_job_of_the_server_is_told_under_its_own_id_and_not_the_servers(
    serve: Serve, collector: Collector
) -> None:
    server = serve(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, TRACEPARENT=f"00-{TRACE}-{SPAN}-01")
    run = server.run({"files": {"a.py": "A = 1\n"}, "checks": ["true"]})
    collector.until(lambda: bool(collector.named("torre.fix")))
    (root,) = collector.named("torre.fix")
    assert (root.trace_id.hex(), root.parent_span_id) == (run["id"].replace("-", ""), b"")
