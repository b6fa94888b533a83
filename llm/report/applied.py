"""What became of an apply, for a person and as the JSON object of the contract."""

from __future__ import annotations

from typing import Any

from llm.domain import Applied, ApplyStatus


def applied_as_json(applied: Applied) -> dict[str, Any]:
    """Plain JSON; `checks` are those that ran on the changed files."""
    return {
        "status": applied.status.value,
        "files": list(applied.files),
        "reason": applied.reason or None,
        "checks": [
            {"name": result.check.name, "green": result.green, "duration_ms": round(result.duration_s * 1000)}
            for result in applied.results
        ],
        "undo": applied.number if applied.status is ApplyStatus.APPLIED else None,
        "commit": applied.commit or None,
    }


def applied_as_text(applied: Applied) -> str:
    """One or two sentences, and the command that comes next."""
    if applied.status is ApplyStatus.REFUSED:
        return f"Not applied: {applied.reason}."
    if applied.status is ApplyStatus.ROLLED_BACK:
        return f"Applied and rolled back: {applied.reason}. Locked until `torre unlock`."
    if applied.reason:
        return f"Applied, but {applied.reason}: {', '.join(applied.files)}."
    committed = f", committed as {applied.commit[:12]}" if applied.commit else ""
    return f"Applied{committed}: {', '.join(applied.files)}. `torre undo` takes it back."
