"""Run versions of the changed functions in the sandbox; `llm/inside/torre_behaviour.py` does the work there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from llm.behaviour.changed import Texts
from llm.checks.base import INSIDE
from llm.checks.python import Launch, failing, others_of
from llm.domain import CheckResult
from llm.sandbox.base import MIB, Job, Limits, Sandbox
from llm.triage.clean import strip_control

_RUNNER = INSIDE / "torre_behaviour.py"
_CALL_MEMORY = 512 * MIB
_REPORT_BYTES = 64 * MIB
GRACE_S = 10.0
"""For its start and its report, beyond the time that it keeps to itself."""
_OTHERS = 60


@dataclass(frozen=True, slots=True)
class Input:
    """One call. `key` is `path:qualified name`, `text` how a person would write the call.

    `literal`: a test makes it. `plain`: an argument is a boundary by nature (nothing, empty, 0, 1). `atoms` are
    the scalars in it, as `repr` shows them.
    """

    key: str
    text: str
    literal: bool
    plain: bool
    atoms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a version did with an input. `kind`: `returned`, `raised` (as the tests saw it), `refused`.

    `hash` is equal for equal behaviour, the arguments as they were left included; `value` for equal results.
    `eq` names a type of the workspace in the result that defines its own equality, with `*` if it equals anything.
    `reads` is a file of the judge that the call opened, `tested` what the same call comes to in what looks like a
    test, if that is something else.
    """

    kind: str
    hash: str
    value: str
    text: str
    type: str = ""
    eq: str = ""
    reads: str = ""
    tested: str = ""

    @property
    def answers(self) -> bool:
        """Whether the input is within what this version is for."""
        return self.kind != "refused"


@dataclass(frozen=True, slots=True)
class Measured:
    """`outcomes[0]` are the original's, then one tuple a version; None where nothing is known.

    `unkept` calls of the tests could not be copied, `unmade` new inputs not be made: what was compared is less
    than what there is.
    """

    why_not: str = ""
    inputs: tuple[Input, ...] = ()
    outcomes: tuple[tuple[Outcome | None, ...], ...] = ()
    unkept: int = 0
    unmade: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """What is compared. `versions`: the original first, with None for files that it lacks, then each change.

    The first `passing` changes pass the tests; calls are learnt of those and of the original."""

    launch: Launch
    result: CheckResult
    versions: Sequence[Texts]
    watched: Mapping[str, tuple[str, ...]]
    judge: tuple[str, ...]
    passing: int


def measure(question: Question, sandbox: Sandbox, workspace: str, seconds: float) -> Measured:
    """What each version does; `why_not` is set where that could not be found out. Raises SandboxError."""
    check, launch = question.result.check, question.launch
    directory = workspace if check.directory == "." else f"{workspace}/{check.directory}"
    settings = {
        "framework": launch.framework,
        "args": list(launch.args),
        "root": workspace,
        "sys_path": [directory] if launch.adds_directory else [launch.python[0].rpartition("/")[0]],
        "targets": list(failing(question.result)),
        "others": list(others_of(question.result))[:_OTHERS],
        "versions": [dict(version) for version in question.versions],
        "watched": {path: list(names) for path, names in question.watched.items()},
        "judge": list(question.judge),
        "passing": question.passing,
        "budget_s": seconds,
        "memory_bytes": _CALL_MEMORY,
    }
    job = Job(
        argv=(*launch.python, str(_RUNNER)),
        directory=check.directory,
        env={"PYTHONHASHSEED": "0", **launch.env},
        stdin=json.dumps(settings).encode() + b"\n",
        limits=Limits(wall_s=seconds + GRACE_S, report_bytes=_REPORT_BYTES),
    )
    completed = sandbox.execute(job)
    said = completed.stderr.decode(errors="replace").strip().splitlines()
    return _read(completed.report) or Measured(completed.killed or strip_control((said or ["no answer"])[-1]))


def _read(report: bytes) -> Measured | None:
    """The report, if it is one: the workspace's code runs beside it, so that anything may come."""
    import msgspec

    try:
        measured = msgspec.json.decode(report, type=Measured)
    except msgspec.DecodeError:
        return None
    if any(len(told) != len(measured.inputs) for told in measured.outcomes):
        return None
    return replace(measured, why_not=strip_control(measured.why_not))
