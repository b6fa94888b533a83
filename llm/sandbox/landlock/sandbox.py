"""A sandbox whose jobs run on a copy of the workspace at another path, and do not show it: what goes in names the
copy, and what comes out names the workspace."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from llm.domain import Isolation
from llm.sandbox.base import Completed, Job
from llm.sandbox.landlock.box import place_in, relocate
from llm.sandbox.opened import OpenedSandbox
from llm.sandbox.toolchain import Toolchain

_PACKAGE_ROOT = str(Path(__file__).parents[3])
_START = "import sys; sys.path += {paths!r}; from llm.sandbox.landlock.job import main; main(sys.argv[1])"

_UNREADABLE = {"USER": "torre", "LOGNAME": "torre", "GIT_CONFIG_NOSYSTEM": "1"}
"""In place of what programs would ask of /etc: they give up where they may not, and not where nothing is."""


class RelocatedSandbox:
    """`paths` are where a job's supervisor finds the packages that it needs beside Torre's own."""

    def __init__(
        self, toolchain: Toolchain, paths: list[str], isolation: Isolation, missing: tuple[str, ...]
    ) -> None:
        self.isolation = isolation
        self.missing = missing
        self._toolchain = toolchain
        self._start = _START.format(paths=[_PACKAGE_ROOT, *paths])

    def find(self, program: str, directory: str = ".") -> str | None:
        """Absolute path at which a job would find a program (the workspace's own first), or None."""
        return self._toolchain.find(program, directory)

    def execute(self, job: Job) -> Completed:
        """Run a job to its end. Raises SandboxError if the sandbox itself breaks, never for a failing job."""
        box = os.path.realpath(f"{tempfile.gettempdir()}/torre-{secrets.token_hex(8)}")
        supervisors: list[subprocess.Popen[bytes]] = []
        fixed = {
            "HOME": f"{box}/home",
            "TMPDIR": f"{box}/home/tmp",
            "TORRE_REPORT": f"{box}/report",
            **_UNREADABLE,
        }
        opened = OpenedSandbox(
            self._toolchain,
            lambda descriptors: supervisors.append(self._supervisor(box, descriptors)),
            fixed,
            self.isolation,
            self.missing,
        )
        names = _Names(os.fsencode(self._toolchain.workspace), box)
        on_report = names.translating(job.on_report) if job.on_report else None
        try:
            done = opened.execute(replace(job, stdin=names.inward(job.stdin), on_report=on_report))
        finally:
            for supervisor in supervisors:
                supervisor.wait()
        out, err, report = (names.outward(stream) for stream in (done.stdout, done.stderr, done.report))
        return replace(done, stdout=out, stderr=err, report=report, exit_code=_as_a_shell(done))

    def _supervisor(self, box: str, descriptors: list[int]) -> subprocess.Popen[bytes]:
        plan = {
            "box": box,
            "workspace": str(self._toolchain.workspace),
            "readable": [source for source, _ in self._toolchain.binds],
            "beside": self._toolchain.overlaid,
            "descriptors": descriptors,
        }
        command = [sys.executable, "-I", "-c", self._start, json.dumps(plan)]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            env={"HOME": "/"},
            cwd="/",
            pass_fds=descriptors,
            start_new_session=True,
        )


def _as_a_shell(done: Completed) -> int | None:
    """sandlock has one exit code for all that cannot be started."""
    forbidden = done.exit_code == 127 and done.stderr.startswith(b"sandlock child: exec")
    return 126 if forbidden and b"Permission denied" in done.stderr else done.exit_code


class _Names:
    """What the workspace is called by Torre, and by one job."""

    def __init__(self, workspace: bytes, box: str) -> None:
        self._ours = workspace
        self._its = os.fsencode(place_in(box, os.fsdecode(workspace)))

    def inward(self, text: bytes) -> bytes:
        return relocate(text, self._ours, self._its)

    def outward(self, text: bytes) -> bytes:
        return text.replace(self._its, self._ours)

    def translating(self, listener: Callable[[bytes], bytes | None]) -> Callable[[bytes], bytes | None]:
        """The same listener, for a job that uses its own name; a name that is cut in two by a chunk's end is held
        back until the rest of it comes."""
        held = b""

        def hear(chunk: bytes) -> bytes:
            nonlocal held
            text = held + chunk
            cut = next((n for n in range(min(len(text), len(self._its) - 1), 0, -1) if self._begins(text[-n:])), 0)
            held = text[len(text) - cut :]
            return self.inward(listener(self.outward(text[: len(text) - cut])) or b"")

        return hear

    def _begins(self, end: bytes) -> bool:
        return self._its.startswith(end)
