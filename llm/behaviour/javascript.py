"""Run versions of changed JavaScript and TypeScript functions in the sandbox; `llm/inside/torre_js/behaviour.cjs`
does the work there and also reads what the text of a change says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from llm.behaviour.changed import Texts
from llm.behaviour.measure import GRACE_S, Input, Measured, Outcome
from llm.behaviour.verdict import Nature, with_others
from llm.checks.base import INSIDE
from llm.checks.javascript import FAILING, SOURCE, framework_of, test_files
from llm.domain import CheckResult
from llm.rerank.examine import Examiner
from llm.sandbox.base import MIB, Job, Limits
from llm.sandbox.toolchain import typescript_home
from llm.triage.clean import strip_control

STARTS = 2.0
"""So many times the usual budget: node cannot fork, and every version needs a process of its own."""

_RUNNER = INSIDE / "torre_js" / "behaviour.cjs"
_REPORT_BYTES = 64 * MIB
_TESTS = 20

Compared = tuple[Measured, tuple[Nature, ...]]
"""What the versions do, and the nature of each change."""


def concerns(before: Texts) -> bool:
    """Whether a change of these files is one of JavaScript or TypeScript."""
    return any(text is not None and SOURCE.search(path) for path, text in before.items())


def compared(versions: Sequence[Texts], examiner: Examiner, seconds: float) -> Compared:
    """What each version does, the original first; `why_not` is set where that could not be found out.

    Raises SandboxError.
    """
    if seconds <= 0:
        return Measured("no time is left"), ()
    run = _runnable(examiner)
    if run is None:
        return Measured("no check with node, vitest or jest tests was run"), ()
    framework, result = run
    settings = {
        "framework": framework,
        "directory": result.check.directory,
        "tests": list(dict.fromkeys([*test_files(result, *FAILING), *test_files(result)]))[:_TESTS],
        "judge": test_files(result),
        "versions": [dict(version) for version in versions],
        "budgetMs": round(seconds * 1000),
    }
    job = Job(
        argv=("node", str(_RUNNER)),
        env={"TORRE_TYPESCRIPT": str(typescript_home())},
        stdin=json.dumps(settings).encode(),
        limits=Limits(wall_s=seconds + GRACE_S, report_bytes=_REPORT_BYTES),
    )
    completed = examiner.sandbox.execute(job)
    said = completed.stderr.decode(errors="replace").strip().splitlines()
    why = completed.killed or (strip_control(said[-1]) if said else "no answer")
    return _read(completed.report) or (Measured(why), ())


def _runnable(examiner: Examiner) -> tuple[str, CheckResult] | None:
    """The test check that tells most: a red one before a green one."""

    def read(path: str) -> str | None:
        file = examiner.workspace / path
        return file.read_text("utf-8", "replace") if file.is_file() else None

    for result in (*examiner.baseline.red, *examiner.baseline.green):
        framework = framework_of(result, read) if result.tests else ""
        if framework:
            return framework, result
    return None


def _read(report: bytes) -> Compared | None:
    """The report, if it is one: the workspace's code runs beside it, so that anything may come."""
    import msgspec

    try:
        said = msgspec.json.decode(report)
        measured = Measured(
            strip_control(str(said["why_not"])),
            msgspec.convert(said["inputs"], tuple[Input, ...]),
            msgspec.convert(said["outcomes"], tuple[tuple[Outcome | None, ...], ...]),
        )
        natures = tuple(_nature(each) for each in said["natures"])
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError):
        return None
    if any(len(told) != len(measured.inputs) for told in measured.outcomes):
        return None
    return with_others(measured, natures)


def _nature(said: Mapping[str, object]) -> Nature:
    import msgspec

    return msgspec.convert(said, Nature)
