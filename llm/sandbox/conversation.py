"""Torre's side of one job: its pipes, pumped under the limits, until it ends or is ended."""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any

from llm.errors import SandboxError
from llm.sandbox import wire
from llm.sandbox.base import Completed, Job
from llm.sandbox.diagnosis import explain, unwritable

_CHUNK = 1 << 16
_POLL_S = 0.02
_JOIN_S = 5.0


class Conversation:
    """The descriptors and bytes of one running job. Use once, from one thread."""

    def __init__(self, job: Job, control: socket.socket, stdin: int, stdout: int, stderr: int) -> None:
        self._job = job
        self._control = control
        self._stdin = stdin
        self._streams = {"stdout": stdout, "stderr": stderr}
        self._caps = {
            "stdout": job.limits.output_bytes,
            "stderr": job.limits.output_bytes,
            "report": job.limits.report_bytes,
        }
        self._kept = {name: bytearray() for name in self._caps}
        self._outcome: dict[str, Any] = {}
        self._selector = selectors.DefaultSelector()
        self._heard_report = False
        self._talker: Thread | None = None
        self._talked = False

    def run(self, request: dict[str, Any], payload: bytes) -> Completed:
        """Pump until the supervisor has killed all that was left and said how the job ended."""
        started = time.monotonic()
        self._selector.register(self._control, selectors.EVENT_READ, self._hear_control)
        for name, fd in self._streams.items():
            self._selector.register(fd, selectors.EVENT_READ, self._reader(name, fd))
        try:
            with suppress(BrokenPipeError):  # a supervisor that is gone is seen by what it did not answer
                wire.send(self._control, request, payload)
            killed = self._pump(started + self._job.limits.wall_s)
            if killed:
                self._control.shutdown(socket.SHUT_WR)
                self._pump(None)
        finally:
            self._close()
        return self._completed(time.monotonic() - started, killed)

    def _pump(self, deadline: float | None) -> str:
        """Until every pipe has ended ("") or a limit is broken (its name). Without a deadline: to the end."""
        cancel = self._job.cancel
        while self._selector.get_map():
            now = time.monotonic()
            if deadline is not None:
                if now >= deadline:
                    return "timeout"
                if cancel is not None and cancel.is_set():
                    return "cancelled"
                if any(len(kept) > self._caps[name] for name, kept in self._kept.items()):
                    return "output"
            wait_s = None if deadline is None else deadline - now
            if wait_s is not None and (cancel is not None or self._job.on_report is not None):
                wait_s = min(wait_s, _POLL_S)
            for key, _ in self._selector.select(wait_s):
                key.data()
        return ""

    def _reader(self, name: str, fd: int) -> Callable[[], None]:
        kept, most = self._kept[name], self._caps[name] + 2 * _CHUNK

        def read() -> None:
            chunk = os.read(fd, _CHUNK)
            if not chunk:
                self._selector.unregister(fd)
            elif len(kept) < most:
                kept.extend(chunk)

        return read

    def _hear_control(self) -> None:
        """First one byte with the report pipe's descriptor (none if the view failed), then the outcome."""
        if not self._heard_report:
            self._heard_report = True
            with suppress(ConnectionResetError):  # gone before it read the request: it has no outcome either
                for fd in socket.recv_fds(self._control, 1, 1)[1]:
                    os.set_inheritable(fd, False)
                    self._begin_report(fd)
            return
        message = wire.receive(self._control)
        if message is None:
            self._selector.unregister(self._control)
        else:
            self._outcome = message[0]

    def _begin_report(self, fd: int) -> None:
        self._streams["report"] = fd
        if self._job.on_report is None:
            self._selector.register(fd, selectors.EVENT_READ, self._reader("report", fd))
        if self._job.stdin or self._job.on_report:
            self._talker = Thread(target=self._talk, args=(fd,), daemon=True)
            self._talker.start()
        else:
            self._close_stdin()

    def _talk(self, report: int) -> None:
        """Feed stdin; in a conversation also read the report, so that a slow listener cannot stall the limits.
        A listener that raises ends the job."""
        try:
            with suppress(BrokenPipeError):
                self._converse(report)
            self._talked = True
        finally:
            if not self._talked:
                self._control.shutdown(socket.SHUT_WR)

    def _converse(self, report: int) -> None:
        on_report = self._job.on_report
        _write_all(self._stdin, self._job.stdin)
        if on_report is None:
            self._close_stdin()
            return
        while chunk := os.read(report, _CHUNK):
            self._kept["report"].extend(chunk)
            _write_all(self._stdin, on_report(chunk) or b"")

    def _close_stdin(self) -> None:
        os.close(self._stdin)
        self._stdin = -1

    def _close(self) -> None:
        """Closing control is what makes the supervisor kill; its end of the pipes follows, and so ours."""
        self._selector.close()
        self._control.close()
        if self._talker:
            self._talker.join(_JOIN_S)
            if self._talker.is_alive():
                return  # stuck in on_report: its descriptors must stay its own
        for fd in (self._stdin, *self._streams.values()):
            if fd >= 0:
                os.close(fd)

    def _completed(self, duration_s: float, killed: str) -> Completed:
        if self._talker and not self._talked and not killed:
            raise SandboxError("on_report failed; its own error was printed by its thread")
        if not self._outcome and not killed:
            raise SandboxError("the sandbox's supervisor died")
        if "broken" in self._outcome:
            raise explain(self._outcome["broken"])
        if "unwritten" in self._outcome and not killed:
            raise unwritable(self._outcome["unwritten"])
        if self._outcome.get("oom") and not killed:
            killed = "oom"
        if self._outcome.get("signal") and not killed:
            killed = f"signal {self._outcome['signal']}"
        stderr = bytes(self._kept["stderr"])
        exit_code = self._outcome.get("exit")
        if not killed and not self._outcome["started"]:
            exit_code = _not_started(stderr)
        elif not killed and exit_code is None:
            killed = "cancelled"  # the sandbox was closed while this ran
        return Completed(
            exit_code=None if killed else exit_code,
            duration_s=duration_s,
            stdout=_head_and_tail(bytes(self._kept["stdout"]), self._caps["stdout"]),
            stderr=_head_and_tail(stderr, self._caps["stderr"]),
            report=bytes(self._kept["report"]),
            killed=killed,
        )


def _not_started(stderr: bytes) -> int:
    """The exit code a shell would give for a program that cannot be executed; else bwrap itself failed."""
    if b"bwrap: execvp" not in stderr and b"bwrap: Can't chdir" not in stderr:
        raise explain(stderr.decode(errors="replace").strip() or "bwrap ended without a word")
    return 126 if b"Permission denied" in stderr else 127


def _head_and_tail(data: bytes, most: int) -> bytes:
    if len(data) <= most:
        return data
    return data[: most - most // 2] + b"\n[...]\n" + data[len(data) - most // 2 :]


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
