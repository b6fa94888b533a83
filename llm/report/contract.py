"""A run as the JSON object of the contract. The published schema is `output.schema.json` beside this file."""

from __future__ import annotations

from typing import Any

from llm.domain import Candidate, CheckResult, Diagnostic, Evaluation, LaneAnswer, LaneWork, Run, Usage
from llm.providers.route import as_mapping
from llm.report.applied import applied_as_json
from llm.report.explain import explanation_as_json
from llm.report.failure import SCHEMA_VERSION
from llm.report.hiding import without_secrets
from llm.workspace.diff import diff_size, parse

_MOST = 50


def as_contract(run: Run) -> dict[str, Any]:
    """The output object; every value is plain JSON."""
    result: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "trace_id": run.request.trace_id,
        "mode": run.mode.value,
        "diff": run.diff,
        "exit_code": run.exit_code,
        "report": {**without_secrets(_report(run), run.keys), "unproven": [_candidate(c) for c in run.unproven]},
        "metrics": {"trace": _trace(run), "duration_ms": round(run.duration_s * 1000)},
    }
    if run.lanes:
        result["metrics"]["providers"] = without_secrets(_providers(run, run.lanes), run.keys)
        if run.lanes.decision.stub:
            result["stub"] = True
    if run.selection.ambiguous:
        result["ambiguous"] = True
    if run.applied:
        result["applied"] = without_secrets(applied_as_json(run.applied), run.keys)
    if run.request.files_out:
        result["files_out"] = dict(run.files)
    return result


def _report(run: Run) -> dict[str, Any]:
    winner = run.selection.winner
    after = {r.check.name: r for r in winner.results} if winner else {}
    return {
        "summary": run.summary,
        "stage": run.triage.stage.value,
        "stage_reason": run.triage.reason,
        "nothing_red": run.nothing_red,
        "checks": [_check(r, after.get(r.check.name)) for r in run.baseline.results],
        "diagnostics": [_diagnostic(d) for d in run.triage.diagnostics[:_MOST]],
        "fixed": list(winner.fail_to_pass) if winner else [],
        "winner": evaluation_as_json(winner) if winner else None,
        "explain": explanation_as_json(run),
        "tried": [evaluation_as_json(e) for e in run.selection.ranking[:_MOST]],
        "tried_count": len(run.selection.ranking),
        "doubts": list(run.doubts),
        "flaky": list(run.baseline.flaky),
        "notes": list(run.notes),
        "isolation": run.isolation.value,
        "isolation_missing": list(run.isolation_missing),
    }


def _check(before: CheckResult, after: CheckResult | None) -> dict[str, Any]:
    check = before.check
    return {
        "name": check.name,
        "command": check.command,
        "directory": check.directory,
        "stage": check.stage.value,
        "source": check.source,
        "before": _outcome(before),
        "after": _outcome(after) if after else None,
    }


def _outcome(result: CheckResult) -> dict[str, Any]:
    tests = result.tests or ()
    return {
        "status": "not_run" if result.not_run else "green" if result.green else "red",
        "exit_code": result.exit_code,
        "killed": result.killed or None,
        "not_run": result.not_run or None,
        "duration_ms": round(result.duration_s * 1000),
        "tests": {status: sum(t.status.value == status for t in tests) for status in ("passed", "failed", "error")}
        if result.tests is not None
        else None,
        "diagnostics": len(result.diagnostics),
        "output": result.output[-2000:] if not result.green else "",
    }


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    fields = ("tool", "code", "path", "line", "column", "message", "severity", "test_id")
    return {name: getattr(diagnostic, name) for name in fields}


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {"provider": candidate.provider, "origin": candidate.origin, "diff": candidate.diff}


def evaluation_as_json(evaluation: Evaluation) -> dict[str, Any]:
    """What running a candidate showed; the diff itself is left out."""
    return {
        "index": evaluation.index,
        "provider": evaluation.candidate.provider,
        "origin": evaluation.candidate.origin,
        "passed": evaluation.passed,
        "reason": evaluation.reason.value if evaluation.reason else None,
        "detail": evaluation.detail,
        "fail_to_pass": len(evaluation.fail_to_pass),
        "still_failing": len(evaluation.still_failing),
        "newly_failing": list(evaluation.newly_failing[:_MOST]),
        "missing": list(evaluation.missing[:_MOST]),
        "behaviour": evaluation.behaviour,
        "distinguishing": evaluation.distinguishing,
        "agreement": evaluation.agreement,
        "diff_size": evaluation.diff_size,
        "ttg_ms": evaluation.ttg_ms,
        "isolation": evaluation.isolation.value,
    }


def _trace(run: Run) -> dict[str, Any]:
    """Who answered and what it cost: the embedded provider is free and counts no tokens."""
    winner, stub = run.selection.winner, _shown(run)
    usage = winner.candidate.usage if winner else stub.usage if stub else Usage()
    return {
        "provider": winner.candidate.provider if winner else stub.lane if stub else None,
        "tokens_in": usage.tokens_in,
        "tokens_out": usage.tokens_out,
        "cost_usd": _usd(usage),
    }


def _usd(usage: Usage) -> float | None:
    return None if usage.cost_usd_micros is None else usage.cost_usd_micros / 1e6


def _shown(run: Run) -> LaneAnswer | None:
    """The stub whose diff is the output's."""
    lanes = run.lanes
    return lanes.answers[lanes.shown] if lanes and lanes.shown is not None and not run.selection.winner else None


def _providers(run: Run, lanes: LaneWork) -> dict[str, Any]:
    evaluations = {e.index: e for e in run.selection.ranking}
    made: dict[str, Any] = {
        "router_decision": as_mapping(lanes.decision),
        "candidates": [
            _answer(a, evaluations.get(-1 if a.index is None else a.index), lanes) for a in lanes.answers
        ],
    }
    if lanes.held_back:
        made["held_back"] = lanes.held_back
    if lanes.unset:
        made["unset"] = list(lanes.unset)
    if (selected := _selected(run, lanes)) is not None:
        made["selected"] = selected
    return made


def _answer(answer: LaneAnswer, evaluation: Evaluation | None, lanes: LaneWork) -> dict[str, Any]:
    return {
        "provider": answer.lane,
        "tokens_in": answer.usage.tokens_in,
        "tokens_out": answer.usage.tokens_out,
        "latency_ms": answer.usage.latency_ms,
        "cost_usd": _usd(answer.usage),
        "cached": answer.usage.cached,
        "stub": lanes.decision.stub,
        "error": {"reason": answer.failure, "message": answer.message} if answer.failure else None,
        "evaluation": evaluation_as_json(evaluation) if evaluation else None,
    }


def _selected(run: Run, lanes: LaneWork) -> dict[str, Any] | None:
    """The lane's candidate that is the output, by its place among the candidates; None where there is none."""
    winner = run.selection.winner
    if winner is not None:
        places = [n for n, answer in enumerate(lanes.answers) if answer.index == winner.index]
        size, ttg_ms = winner.diff_size, winner.ttg_ms
    elif lanes.shown is not None:
        places = [lanes.shown]
        size, ttg_ms = diff_size(parse(lanes.answers[lanes.shown].diff)), round(run.duration_s * 1000)
    else:
        return None
    return next(
        ({"provider": lanes.answers[n].lane, "index": n, "diff_size": size, "ttg_ms": ttg_ms} for n in places),
        None,
    )
