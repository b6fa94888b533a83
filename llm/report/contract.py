"""A run as the JSON object of the contract. The published schema is `output.schema.json` beside this file."""

from __future__ import annotations

from typing import Any

from llm.domain import Candidate, CheckResult, Diagnostic, Evaluation, Run
from llm.report.failure import SCHEMA_VERSION

_MOST = 50


def as_contract(run: Run) -> dict[str, Any]:
    """The output object; every value is plain JSON."""
    result: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "trace_id": run.request.trace_id,
        "mode": run.mode.value,
        "diff": run.diff,
        "exit_code": run.exit_code,
        "report": _report(run),
        "metrics": {"trace": _trace(run), "duration_ms": round(run.duration_s * 1000)},
    }
    if run.selection.ambiguous:
        result["ambiguous"] = True
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
        "winner": _evaluation(winner) if winner else None,
        "tried": [_evaluation(e) for e in run.selection.ranking[:_MOST]],
        "tried_count": len(run.selection.ranking),
        "unproven": [_candidate(c) for c in run.unproven],
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


def _evaluation(evaluation: Evaluation) -> dict[str, Any]:
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
        "agreement": evaluation.agreement,
        "diff_size": evaluation.diff_size,
        "ttg_ms": evaluation.ttg_ms,
        "isolation": evaluation.isolation.value,
    }


def _trace(run: Run) -> dict[str, Any]:
    """Who answered and what it cost: the embedded provider is free and counts no tokens."""
    winner = run.selection.winner
    usage = winner.candidate.usage if winner else None
    return {
        "provider": winner.candidate.provider if winner else None,
        "tokens_in": usage.tokens_in if usage else 0,
        "tokens_out": usage.tokens_out if usage else 0,
        "cost_usd": (usage.cost_usd_micros or 0) / 1e6 if usage else 0.0,
    }
