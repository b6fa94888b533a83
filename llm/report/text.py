"""A run as a person reads it: the patch, the proof, and one last line. And each event as one line of progress."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llm.domain import ApplyStatus, CheckResult, Event, Mode, Run
from llm.report.applied import applied_as_text
from llm.report.hiding import hidden
from llm.triage.clean import strip_control
from llm.workspace.secrets import without_keys

_COLOURS = {"green": "32", "red": "31", "dim": "2", "bold": "1", "yellow": "33", "cyan": "36"}


class Paint:
    """Colours, or none of them."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if self._colour else text


def as_text(run: Run, paint: Paint) -> str:
    """What `torre fix` prints on stdout: no configured key, and but for the patch nothing like a secret."""
    applied = applied_as_text(run.applied) if run.applied else ""
    told = [_proof(run, paint), _notes(run, paint), applied, last_line(run, paint)]
    blocks = [without_keys(_patch(run, paint), run.keys), *(hidden(block, run.keys) for block in told)]
    return "\n\n".join(block for block in blocks if block)


def last_line(run: Run, paint: Paint) -> str:
    """`GREEN in 4.1 s · 23 candidates · winner embedded/fixers · $0.00 · trace 1b2c…`"""
    head, style = _verdict(run)
    winner = run.selection.winner
    count = len(run.selection.ranking)
    parts = [
        f"{paint(style, head)} in {run.duration_s:.1f} s",
        f"{count} candidate{'s' * (count != 1)}",
        f"winner {winner.candidate.provider}" if winner else "no winner",
        _cost(run),
        f"trace {run.request.trace_id[:8]}…",
    ]
    return " · ".join(parts)


def _cost(run: Run) -> str:
    """What all lanes together cost; `?` stands for a price that is not known."""
    costs = [answer.usage.cost_usd_micros for answer in (run.lanes.answers if run.lanes else ())]
    known = sum(cost for cost in costs if cost is not None) / 1e6
    shown = f"${known:.2f}" if known >= 0.01 or not known else f"${known:.4f}"
    return shown + (" + ?" if None in costs else "")


def _one_line(text: str) -> str:
    """Words of a workspace's own, which must not steer a terminal or look like a line of Torre's."""
    return " ".join(strip_control(text).split())


def _verdict(run: Run) -> tuple[str, str]:
    if run.applied and run.applied.status is not ApplyStatus.APPLIED:
        return f"GREEN, BUT {run.applied.status.replace('_', ' ').upper()}", "red"
    if run.mode is Mode.PATCH:
        return "GREEN", "green"
    return (
        ("NOTHING RED", "green") if run.nothing_red else ("STILL RED" if run.baseline.red else "UNPROVEN", "red")
    )


def _patch(run: Run, paint: Paint) -> str:
    styles = {"+": "green", "-": "red", "@": "cyan"}
    lines = (
        paint(styles[line[0]], line) if line[:1] in styles else line
        for line in strip_control(run.diff).splitlines()
    )
    return "\n".join(lines)


def _proof(run: Run, paint: Paint) -> str:
    winner = run.selection.winner
    after = {r.check.name: r for r in winner.results} if winner else {}
    rows = [
        (_one_line(r.check.name), _outcome(r), _outcome(after.get(r.check.name))) for r in run.baseline.results
    ]
    if not rows:
        return ""
    wide = max(len(name) for name, _, _ in rows)
    middle = max(len(text) for _, (text, _), _ in rows)
    table = [
        f"  {name:<{wide}}  {paint(old_style, old):<{middle + len(paint(old_style, ''))}}"
        + (f"  →  {paint(new_style, new)}" if new else "")
        for name, (old, old_style), (new, new_style) in rows
    ]
    return "\n".join([f"Checks before{' and after' if winner else ''} ({run.isolation} isolation):", *table])


def _outcome(result: CheckResult | None) -> tuple[str, str]:
    """A short phrase for one result, and its colour."""
    if result is None:
        return "", "dim"
    if result.not_run:
        return "not run", "yellow"
    word = "green" if result.green else result.killed or "red"
    return f"{word}{_tally(result)}", "green" if result.green else "red"


def _tally(result: CheckResult) -> str:
    if result.tests is not None:
        failed = sum(t.status in ("failed", "error") for t in result.tests)
        return f" ({failed} of {len(result.tests)} tests fail)" if failed else f" ({len(result.tests)} tests)"
    return f" ({len(result.diagnostics)} complaints)" if result.diagnostics else ""


def _notes(run: Run, paint: Paint) -> str:
    summary = _one_line(run.summary)
    lines = [summary[:1].upper() + summary[1:] + "."]
    lines += [paint("yellow", f"note: {_one_line(note)}") for note in run.notes]
    lines += [f"unproven candidate ({_one_line(c.origin)}):\n{strip_control(c.diff)}" for c in run.unproven]
    return "\n".join(lines)


def progress(event: Event) -> Iterator[str]:
    """The lines that an event is worth while the run goes on; most are worth one, some none."""
    data = event.data
    lines: dict[str, str] = {
        "checks": f"found {_names(data)}",
        "baseline": f"{data.get('check')}: {data.get('outcome')} ({data.get('duration_s')} s)",
        "triage": f"stage {data.get('stage')}: {data.get('reason')}",
        "fixer": f"asking {data.get('name')}",
        "verdict": f"candidate {data.get('index')} ({data.get('origin')}): {_verdict_words(data)}",
        "progress": str(data.get("line")),
        "route": f"route {data.get('reason')}",
        "asking": f"asking {data.get('lane')} (round {data.get('round')})",
        "lane_failed": f"{data.get('lane')} failed ({data.get('reason')}): {data.get('message')}",
    }
    if event.kind in lines:
        yield _one_line(lines[event.kind])


def _names(data: Any) -> str:
    return ", ".join(f"{c['name']} ({c['source']})" for c in data.get("checks", ())) or "no checks"


def _verdict_words(data: Any) -> str:
    return str(data.get("reason")) + (f", {data['detail']}" if data.get("detail") else "")
