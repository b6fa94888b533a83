"""A job's process: `torre` itself, told what to do by arguments and JSON, heard by its JSON and exit code.

The one place beside `sandbox/` where a process is started. It is Torre, and whatever it runs, it sandboxes.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from llm.apply.telling import ASKED_BY
from llm.server.jobs.rows import Asked, Outcome, State
from llm.server.problem import Problem, problem_of_json
from llm.workspace.roots import ROOTS

_PACKAGE_ROOT = str(Path(__file__).parents[3])
_START = """\
import sys; sys.path.append({root!r})
from llm.server.jobs.lifeline import hold; hold({fd})
from llm.cli import main; sys.exit(main())"""
_TIDY_S = 10.0
"""From being asked to end until it is made to."""
_NOT_PASSED_ON = ("TORRE_APPLY", "TRACEPARENT", "TRACESTATE")
"""Who may run may not apply: that is another scope's. And what started the server did not start its jobs."""


class Children:
    """Starts them in the first of `roots`, beyond which they read nothing that somebody names. Their lifeline is a
    pipe whose other end nobody but this process has."""

    def __init__(self, roots: Sequence[Path], env: Mapping[str, str]) -> None:
        self._cwd = roots[0]
        self._env = {name: value for name, value in env.items() if name not in _NOT_PASSED_ON}
        self._env[ROOTS] = os.pathsep.join(map(str, roots))
        self._lifeline, self._end = os.pipe()

    async def run(self, asked: Asked, stop: asyncio.Event, limit_s: float) -> Outcome:
        """Run the job to its end; `stop`, once set, ends it, and so does `limit_s`. The state is DONE, FAILED, or
        CANCELLED where it was stopped before there was a result."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _START.format(root=_PACKAGE_ROOT, fd=self._lifeline), *asked.argv),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self._cwd,
            env={**self._env, ASKED_BY: asked.key},
            pass_fds=(self._lifeline,),
            start_new_session=True,
        )
        talk = asyncio.create_task(child.communicate(asked.payload))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({talk, stopped}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            overdue = not talk.done() and not stop.is_set()
            if not talk.done():
                await _end(child, talk)
            stdout, _ = await talk
        finally:
            stopped.cancel()
            _kill(child)
        if overdue:
            return Outcome(
                State.FAILED, failure=Problem(503, "timeout", f"it took longer than {limit_s:g} s").as_json()
            )
        return _outcome(stdout, child.returncode or 0, stop.is_set())

    def close(self) -> None:
        """No child is started after this."""
        os.close(self._end)
        os.close(self._lifeline)


async def _end(child: asyncio.subprocess.Process, talk: asyncio.Task[tuple[bytes, bytes]]) -> None:
    """Ask it to end, which takes its sandboxes with it; then make it."""
    with suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
    await asyncio.wait({talk}, timeout=_TIDY_S)
    _kill(child)


def _kill(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _outcome(stdout: bytes, exit_code: int, stopped: bool) -> Outcome:
    try:
        told = json.loads(stdout)
    except ValueError:
        if stopped:
            return Outcome(State.CANCELLED)
        how = f"was ended by signal {-exit_code}" if exit_code < 0 else f"ended with {exit_code} and no answer"
        return Outcome(State.FAILED, failure=Problem(500, "internal", f"its process {how}").as_json())
    if "error" not in told:
        return Outcome(State.DONE, told)
    return (
        Outcome(State.CANCELLED)
        if stopped
        else Outcome(State.FAILED, failure=problem_of_json(told["error"]).as_json())
    )
