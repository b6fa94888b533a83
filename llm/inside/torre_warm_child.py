"""A forked process that computes JSON values one by one, within limits, and is killed with all that it started."""

import json
import os
import resource
import select
import signal
import time

_CHUNK_BYTES = 1 << 16


class Child:
    """A process that runs `work()` and tells each value of what that returns, a line a value.

    `wall_s` is the time that one value may take, by the clock; `cpu_s` what the whole child may use, by its own
    clock, which `work` may set anew. What it forked itself may hold the pipe open for ever, so that nobody waits
    for the pipe's end: an empty line says that all is told. All of its process group is killed then.
    """

    def __init__(self, work, wall_s, cpu_s, memory_bytes):
        self.fd, write = os.pipe()
        self.wall_s = wall_s
        self.deadline = time.monotonic() + wall_s
        self.rest = b""
        self.ended = False
        self.cpu_s = 0.0
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.fd)
            _be_child(work, write, cpu_s, memory_bytes)
        os.close(write)

    def read(self):
        """The values that it has told since; `ended` is set once that is all."""
        chunk = os.read(self.fd, _CHUNK_BYTES)
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        self.ended = not chunk or b"" in lines
        if lines:
            self.deadline = time.monotonic() + self.wall_s
        return [value for value in map(_value, lines) if value is not None]

    def finish(self, late=False):
        """Kill what is left of it. How it died before it had told all, or ""."""
        for kill in (os.killpg, os.kill):
            try:
                kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        os.close(self.fd)
        _, status, usage = os.wait4(self.pid, 0)
        self.cpu_s = usage.ru_utime + usage.ru_stime
        signalled = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "exited"
        return "timeout" if late or signalled == "SIGPROF" else signalled

    def wait(self):
        """Its first value, once it is there; {"killed": why} where it died or its time was up before."""
        told = []
        while not told and not self.ended:
            left = self.deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return {"killed": self.finish(late=True)}
            told = self.read()
        killed = self.finish()
        return told[0] if told else {"killed": killed}


def _value(line):
    try:
        return json.loads(line)
    except ValueError:
        return None


def _be_child(work, write, cpu_s, memory_bytes):
    code = 1
    try:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.environ.pop("TORRE_REPORT", None)
        with open("/proc/self/statm") as statm:
            used = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, used + memory_bytes))
        signal.setitimer(signal.ITIMER_PROF, cpu_s)
        me = os.getpid()
        for value in work():
            if os.getpid() != me:  # a copy that a test forked and let run on
                os._exit(0)
            _tell(write, json.dumps(value).encode() + b"\n")
        _tell(write, b"\n")
        code = 0
    finally:
        os._exit(code)


def _tell(write, answer):
    while answer:
        answer = answer[os.write(write, answer) :]
