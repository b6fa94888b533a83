"""A warm parent that judges candidates: each in a child forked from a state that no test has touched.

Standard input is JSON lines: first the settings, then sources `{"path", "source"}` and candidates
`{"id", "path", "edits": [[start, end, text]]}` (character offsets into the path's source), at last
`{"stop": true}`. `$TORRE_REPORT` gets JSON lines: `probe` (tests with the lines each executed), `ready` or
`give_up`, and one `verdict` a candidate.

The parent imports the test framework and the installed packages that the tests use, never the workspace's own
modules: a child gets those fresh, with the candidate's code in the place of the changed module's.
"""

# Fast paths on plain strings; code of strangers may raise anything.
# ruff: noqa: PTH100, PTH118, PTH120, PTH123, S112, BLE001

import collections
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
from importlib.machinery import SourceFileLoader

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torre_warm_run as run

del sys.path[0]

_LEAST_CPU_S = 0.1
_CHUNK_BYTES = 1 << 16
_PATIENCE = 20
"""A candidate that ran out of time is judged once more at the end, with that many times as much."""

CODE = {}
"""Absolute path → code object that stands for that file."""
TEXT = {}
"""Absolute path → the source that `inspect` and tracebacks are shown for it."""


def serve_code():
    """Make the import system take code and text from `CODE` and `TEXT` first."""
    read_code, read_data = SourceFileLoader.get_code, SourceFileLoader.get_data

    def get_code(self, fullname):
        code = CODE.get(os.path.abspath(self.path))
        return read_code(self, fullname) if code is None else code

    def get_data(self, path):
        text = TEXT.get(os.path.abspath(path))
        return read_data(self, path) if text is None else text.encode("utf-8")

    SourceFileLoader.get_code = get_code
    SourceFileLoader.get_data = get_data


class Child:
    """A forked process that computes one JSON value, which a newline ends.

    What it forked itself may hold the pipe open for ever, so that nobody waits for the pipe's end. All of its
    process group is killed once the value is there, or at its deadline.
    """

    def __init__(self, work, wall_s, cpu_s, memory_bytes):
        self.fd, write = os.pipe()
        self.deadline = time.monotonic() + wall_s
        self.chunks = []
        self.cpu_s = 0.0
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.fd)
            _be_child(work, write, cpu_s, memory_bytes)
        os.close(write)

    def read(self):
        """One chunk of what it says; False once that is all."""
        chunk = os.read(self.fd, _CHUNK_BYTES)
        self.chunks.append(chunk)
        return bool(chunk) and b"\n" not in chunk

    def finish(self, killed=""):
        """Kill what is left of it and return its value, or how it died."""
        for kill in (os.killpg, os.kill):
            try:
                kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        os.close(self.fd)
        _, status, usage = os.wait4(self.pid, 0)
        self.cpu_s = usage.ru_utime + usage.ru_stime
        try:
            return json.loads(b"".join(self.chunks).split(b"\n")[0])
        except ValueError:
            signalled = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "exited"
            return {"killed": killed or ("timeout" if signalled == "SIGPROF" else signalled)}

    def wait(self):
        """Its value, once it ends or its time is up."""
        while True:
            left = self.deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return self.finish("timeout")
            if not self.read():
                return self.finish()


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
        answer = json.dumps(work()).encode() + b"\n"
        while answer and os.getpid() == me:  # not in a copy that a test forked and let run on
            answer = answer[os.write(write, answer) :]
        code = 0
    finally:
        os._exit(code)


class Warm:
    """One run: probe, rehearse, then judge."""

    def __init__(self, settings, report):
        self.settings = settings
        self.report = report
        self.root = settings["root"]
        self.runner = run.run_pytest if settings["framework"] == "pytest" else run.run_unittest
        self.memory = settings["memory_bytes"]
        self.specs = {}
        self.cpu = {}
        self.sources = {}
        self.targets = settings["targets"]
        self.others = settings["others"]

    def say(self, **event):
        self.report.write((json.dumps(event) + "\n").encode())
        self.report.flush()

    def _whole(self, wanted, traced=False, first_failure=False, limit_s=0.0):
        ledger = run.Ledger(self.root, traced, limit_s)
        self.runner(self.settings["args"], wanted, ledger, first_failure)
        return ledger

    def _probe(self):
        wanted = self.targets + self.others if self.targets else None
        ledger = self._whole(wanted, traced=True, limit_s=self.settings["slow_s"])
        modules = {
            name: os.path.abspath(file)
            for name, file in ((n, getattr(m, "__file__", None)) for n, m in list(sys.modules.items()))
            if isinstance(file, str)
        }
        mine = [path for path in modules.values() if ledger.mine(path)]
        theirs = [name for name, path in modules.items() if not ledger.mine(path) and name != "__main__"]
        return {"tests": ledger.results, "specs": ledger.specs, "mine": mine, "theirs": theirs, "path": sys.path}

    def probe(self):
        """Run the tests traced; tell what each executed. False where nothing could be run."""
        budget = self.settings["probe_s"]
        found = Child(self._probe, budget, budget, self.memory).wait()
        if "tests" not in found:
            self.say(event="give_up", why="the tests did not end in the warm process: " + found["killed"])
            return False
        self.say(event="probe", tests=found["tests"])
        if not self.targets:
            self.targets = [n for n, t in found["tests"].items() if t["status"] in ("failed", "error")]
            self.others = [n for n, t in found["tests"].items() if t["status"] == "passed"]
        self._preload(found)
        self.specs = {name: spec for name, spec in found["specs"].items() if spec}
        return True

    def _preload(self, found):
        """Import what the tests import from outside the workspace, compile what they import from inside."""
        for name in found["theirs"]:
            if name in sys.modules or name.startswith("torre_"):
                continue
            try:
                importlib.import_module(name)
            except (Exception, SystemExit):
                continue  # importable only from where the tests import it; each child then does so itself
        for name, module in list(sys.modules.items()):
            if getattr(module, "__file__", None) in found["mine"]:
                del sys.modules[name]  # an installed plugin imported it; children must get it fresh
        for path in found["mine"]:
            with open(path, "rb") as file:
                CODE[path] = compile(file.read(), path, "exec", dont_inherit=True)
        self.direct_path = found["path"]

    def _direct(self, names, first_failure):
        sys.path[:] = self.direct_path
        ledger = run.Ledger(self.root)
        for name in names:
            run.run_direct(name, self.specs[name], ledger)
            if first_failure and ledger.results[name]["status"] != "passed":
                break
        return ledger

    def rehearse(self):
        """Judge the unchanged program: what must pass, what fails also when called directly, how long it takes."""
        wanted = self.targets + self.others
        whole = self._timed("whole", lambda: self._whole(wanted, limit_s=self.settings["slow_s"]).results)
        failing = [n for n in self.targets if whole.get(n, {}).get("status") in ("failed", "error")]
        if not failing:
            self.say(event="give_up", why="the failing tests do not fail in the warm process")
            return False
        self.targets = failing
        self.others = [name for name in self.others if whole.get(name, {}).get("status") == "passed"]
        direct = [name for name in failing + self.others if name in self.specs]
        called = self._timed("direct", lambda: self._rehearse_direct(direct)) if direct else {}
        self.direct = [name for name in direct if _alike(called.get(name), whole[name])]
        self.say(event="ready", direct=len(self.direct), targets=len(failing), others=len(self.others))
        return True

    def _rehearse_direct(self, names):
        ledger = run.Ledger(self.root, limit_s=self.settings["slow_s"])
        sys.path[:] = self.direct_path
        for name in names:
            run.run_direct(name, self.specs[name], ledger)
        return ledger.results

    def _timed(self, stage, work):
        """Run it in a child. A candidate may use several times its CPU time, and more for tests that passed."""
        child = Child(work, self.settings["probe_s"], self.settings["probe_s"], self.memory)
        results = child.wait()
        tests = [r for r in results.values() if isinstance(r, dict)]
        passing = sum(r["s"] for r in tests if r["status"] == "passed")
        hanging = sum(r["s"] for r in tests if r["error"] == "TookTooLong")
        self.cpu[stage] = _LEAST_CPU_S + 3 * max(child.cpu_s - hanging, 0.0) + 10 * passing
        return results

    def judge(self, candidate, stage):
        """In a child: install the candidate and run the stage's tests until the first failure."""
        path = os.path.join(self.root, candidate["path"])
        text = self.sources[candidate["path"]]
        for start, end, new in reversed(candidate["edits"]):
            text = text[:start] + new + text[end:]
        TEXT[path] = text
        CODE[path] = compile(text.lstrip("\ufeff"), path, "exec", dont_inherit=True)
        if stage == "direct":
            results = self._direct(self.direct, True).results
            missing = []
        else:
            results = self._whole(self.targets + self.others, first_failure=True).results
            missing = [name for name in self.targets + self.others if not run.reported(name, results)]
        bad = [name for name, r in results.items() if r["status"] in ("failed", "error")]
        return {"failed": bad or missing}

    def start(self, candidate, stage):
        cpu_s = self.cpu[stage] * (_PATIENCE if candidate.get("patient") else 1)
        child = Child(lambda: self.judge(candidate, stage), 5 * cpu_s + 1.0, cpu_s, self.memory)
        child.candidate, child.stage = candidate, stage
        return child


def _alike(direct, whole):
    """Whether the direct call ended as under the runner: same status, error and place."""
    if direct is None or (direct["status"] == "passed") != (whole["status"] == "passed"):
        return False
    same_place = direct["trace"][-1:] == whole["trace"][-1:] or direct["error"] == "TookTooLong"
    return direct["error"] == whole["error"] and same_place


class Judge:
    """Candidates from standard input to verdicts, several at once, until there are no more."""

    def __init__(self, warm, stdin_fd, workers, buffer):
        self.warm = warm
        self.stdin_fd = stdin_fd
        self.workers = workers
        self.first_stage = "direct" if warm.direct else "whole"
        self.waiting = collections.deque()
        self.running = []
        self.late = []
        self.buffer = buffer
        self.open = True

    def run(self):
        while self.open or self.waiting or self.running:
            while self.waiting and len(self.running) < self.workers:
                self.running.append(self.warm.start(*self.waiting.popleft()))
            self._wait()
            if not (self.open or self.waiting or self.running):
                self.waiting.extend((dict(c, patient=True), self.first_stage) for c in self.late)
                self.late = []

    def _wait(self):
        now = time.monotonic()
        timeout = max(0.0, min([c.deadline for c in self.running], default=now + 3600) - now)
        fds = [c.fd for c in self.running] + ([self.stdin_fd] if self.open else [])
        readable = select.select(fds, [], [], timeout)[0]
        if self.stdin_fd in readable:
            self._take(os.read(self.stdin_fd, _CHUNK_BYTES))
        for child in list(self.running):
            late = child.deadline <= time.monotonic()
            if late or (child.fd in readable and not child.read()):
                self.running.remove(child)
                self._settle(child, child.finish("timeout" if late else ""))

    def _take(self, chunk):
        *lines, self.buffer = (self.buffer + chunk).split(b"\n")
        messages = [json.loads(line) for line in lines if line.strip()]
        self.open = bool(chunk) and not any("stop" in m for m in messages)
        self.warm.sources.update((m["path"], m["source"]) for m in messages if "source" in m)
        self.waiting.extend((m, self.first_stage) for m in messages if "id" in m)

    def _settle(self, child, answer):
        passed = answer.get("failed") == []
        if passed and child.stage == "direct":
            self.waiting.appendleft((child.candidate, "whole"))
            return
        if answer.get("killed") == "timeout" and not child.candidate.get("patient"):
            self.late.append(child.candidate)
        self.warm.say(event="verdict", id=child.candidate["id"], passed=passed, killed=answer.get("killed", ""))


def first_line(fd):
    """The settings, and what was read beyond them."""
    chunks = [b""]
    while b"\n" not in chunks[-1]:
        chunks.append(os.read(fd, _CHUNK_BYTES))
        if not chunks[-1]:
            break
    line, _, rest = b"".join(chunks).partition(b"\n")
    return json.loads(line), rest


def main():
    settings, rest = first_line(0)
    importlib.import_module(settings["framework"])
    if settings["framework"] == "pytest":
        importlib.import_module("_pytest.assertion.rewrite")
    sys.path[:0] = settings["sys_path"]
    sys.argv[:] = [settings["framework"]]
    serve_code()
    with open(os.environ["TORRE_REPORT"], "wb") as report:
        warm = Warm(settings, report)
        if warm.probe() and warm.rehearse():
            gc.collect()
            gc.freeze()
            Judge(warm, 0, settings["workers"], rest).run()


if __name__ == "__main__":
    main()
