"""The ways in which a candidate is judged: by direct calls, in a process with all tests collected, or in a whole run."""

import contextlib
import gc
import importlib
import json
import os
import select
import sys
import time
from functools import partial

import torre_warm_code as code
import torre_warm_calls as calls
import torre_warm_ledger as ledgers
import torre_warm_traces as traces
from torre_warm_child import Child
from torre_warm_judge import Judge


class Programs:
    """The sources that candidates change, and the code of those that were imported."""

    def __init__(self, root):
        self.root = root
        self.texts = {}
        self.modules = {}

    def hear(self, message):
        self.texts[message["path"]] = message["source"]

    def module(self, path):
        """The module that is edited; SyntaxError where it is none."""
        if path not in self.modules:
            self.modules[path] = code.Module(os.path.join(self.root, path), self.texts[path])
        return self.modules[path]

    def expect(self, candidate):
        """Read here what every child would have to read anew."""
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):  # judging will say so
            self.module(candidate["path"]).expect(candidate["edits"])

    def install(self, candidate):
        """Put the candidate in the place of its file, for imports to come."""
        module = self.module(candidate["path"])
        code.CODE[module.path], code.TEXT[module.path] = module.edited(candidate["edits"])

    def withdraw(self, candidate):
        """The file as it was."""
        module = self.module(candidate["path"])
        code.CODE[module.path] = module.code
        code.TEXT.pop(module.path, None)


class Direct:
    """Calls the tests without their runner, in modules that are imported anew."""

    shared, far, next, otherwise = True, False, None, None

    def __init__(self, programs, specs, names, path, known, reach):
        self.programs = programs
        self.specs = specs
        self.names = names
        self.path = path
        self.known = known
        self.reach = reach
        self.cpu_s = 0.0
        self.usual = None

    def hear(self, message):
        self.programs.hear(message)
        _parsed(self.programs, message["path"])

    def prepare(self):
        sys.path[:] = self.path
        if self.known not in sys.meta_path:
            sys.meta_path.insert(0, self.known)

    def rehearsed(self, limit_s, hung):
        """Results of all tests, how long their modules took to import, and what all that left changed outside."""
        self.prepare()
        began = time.process_time()
        for module in dict.fromkeys(spec["module"] for spec in self.specs.values()):
            try:
                importlib.import_module(module)
            except BaseException:
                continue  # each of its tests then fails of it
        import_s = time.process_time() - began
        results = self.call(False, limit_s, hung)
        return {"import_s": import_s, "results": results, "traces": self.reach.changed()}

    def call(self, first_failure=True, limit_s=0.0, hung=()):
        """Results of the tests, until the first that does not pass."""
        self.prepare()
        return calls.called(self.programs.root, self.specs, self.names, first_failure, limit_s, hung)

    def judge(self, candidate):
        try:
            self.programs.install(candidate)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return {"passed": False}
        with calls.limited(self.cpu_s * candidate.get("patience", 1)):
            results = self.call()
        self.programs.withdraw(candidate)
        return calls.answered(results, self.names)

    def unchanged(self):
        """Whether the unchanged program still ends as in a process of its own."""
        with calls.limited(self.cpu_s):
            return calls.answered(self.call(), self.names) == self.usual

    def guard(self):
        """What notices that a candidate is not the only one to see what it did."""
        return traces.Guard(self.reach)


class Whole:
    """Runs the tests by their runner, from a process that has imported nothing of the workspace."""

    shared, far, next, otherwise = False, False, None, None

    def __init__(self, programs, runner, args, names):
        self.programs = programs
        self.runner = runner
        self.args = args
        self.names = names
        self.cpu_s = 0.0

    def hear(self, message):
        self.programs.hear(message)

    def judge(self, candidate):
        try:
            self.programs.install(candidate)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return {"passed": False}
        ledger = ledgers.Ledger(self.programs.root)
        self.runner(self.args, self.names, ledger, True)
        answer = calls.answered(ledger.results, self.names)
        missing = [name for name in self.names if not ledgers.reported(name, ledger.results)]
        return {"passed": False} if answer["passed"] and missing else answer


class Collected:
    """A process in which the tests are collected and all is imported; each candidate is judged in a copy of it.

    A candidate that changes nothing but the inside of functions gets them in place. What runs while a module is
    imported, and all else, is unfit.
    """

    shared, far = False, True

    def __init__(self, programs, direct, whole, imported, workers, memory_bytes, limit_s, hung):
        self.programs = programs
        self.direct = direct
        self.whole = whole
        self.imported = {path: set(lines) for path, lines in imported.items()}
        self.workers = workers
        self.memory_bytes = memory_bytes
        self.limit_s = limit_s
        self.hung = hung
        self.otherwise = direct if direct.names else whole
        self.next = None
        self.ended = False

    def open(self, seconds):
        """Start it. How the unchanged program ends there, `results` and `cpu_s`: by the runner, and where tests
        that need none are called plainly; once, where none needs one. None where it cannot be started in time."""
        questions, self._ask = os.pipe()
        self.fd, answers = os.pipe()

        def work():
            for fd in (self._ask, self.fd):
                os.close(fd)
            self._serve(questions, answers)
            return []

        self.process = Child(work, seconds, 0.0, 2 * self.memory_bytes)
        os.close(questions)
        os.close(answers)
        self.rest = b""
        told = self._first_answer(seconds)
        return told["rehearsals"] if told else None

    def begin(self, names, cpu_s, plainly):
        """The tests that count from now on, the CPU time that a candidate may use, and how tests are run."""
        self.next = None if names == self.whole.names else self.whole
        self._write({"names": names, "cpu_s": cpu_s, "plainly": plainly})

    def close(self):
        self.process.finish()

    def hear(self, message):
        self.programs.hear(message)
        self._write(message)

    def ask(self, candidate):
        self._write(candidate)

    def read(self):
        chunk = os.read(self.fd, 1 << 16)
        self.ended = not chunk
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        return [answer for line in lines for answer in json.loads(line)["verdicts"]]

    def _write(self, message):
        data = json.dumps(message).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._ask, data) :]
        except BrokenPipeError:
            self.ended = True

    def _first_answer(self, seconds):
        until = time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return None
            chunk = os.read(self.fd, 1 << 16)
            if not chunk:
                return None
            self.rest += chunk
        line, _, self.rest = self.rest.partition(b"\n")
        return json.loads(line)

    def _serve(self, questions, answers):
        """In the process: collect or import, rehearse, then judge what is asked for."""
        with os.fdopen(answers, "wb") as sink:

            def say(**event):
                sink.write(json.dumps(event).encode() + b"\n")
                sink.flush()

            if self.direct.names:
                self._import()
                self._answer(questions, say, self._call)
            else:
                ledger = ledgers.Ledger(self.programs.root, hung=self.hung)
                serve = lambda run_items: self._answer(questions, say, run_items)
                self.whole.runner(self.whole.args, self.whole.names, ledger, False, serve)

    def _import(self):
        self.direct.prepare()
        for name in self.direct.names:
            importlib.import_module(self.direct.specs[name]["module"])

    def _call(self, names, first_failure, limit_s=0.0, plainly=True):
        return calls.called(self.programs.root, self.direct.specs, names, first_failure, limit_s, self.hung)

    def _answer(self, questions, say, run_tests):
        names = self.direct.names or self.whole.names
        ways = (True,) if self.direct.names else (False, True)
        say(rehearsals=[self._rehearsed(run_tests, names, plainly) for plainly in ways])
        settings, rest = first_line(questions)
        copy = Copy(
            self.programs, self.imported, partial(run_tests, plainly=settings["plainly"]), settings["names"]
        )
        copy.cpu_s = settings["cpu_s"]
        Judge(questions, rest, self.workers, self.memory_bytes, copy, say).run()

    def _rehearsed(self, run_tests, names, plainly):
        def work():
            began = time.process_time()  # of the tests alone: a candidate's limit does not count the fork either
            results = run_tests(names, False, self.limit_s, plainly)
            return [{"results": results, "cpu_s": time.process_time() - began}]

        told = Child(work, 3600.0, 0.0, self.memory_bytes).wait()
        return {"results": {}, "cpu_s": 0.0} if "killed" in told else told


class Copy:
    """What a copy of a collected process does with a candidate."""

    shared, far, next, otherwise = False, False, None, None

    def __init__(self, programs, imported, run_tests, names):
        self.programs = programs
        self.imported = imported
        self.run_tests = run_tests
        self.names = names
        self.cpu_s = 0.0
        self.loaded = {}

    def hear(self, message):
        """A source: what each copy needs to know of it is found out once."""
        self.programs.hear(message)
        _parsed(self.programs, message["path"])
        gc.unfreeze()
        self.loaded[message["path"]] = code.loaded_functions(os.path.join(self.programs.root, message["path"]))
        gc.collect()
        gc.freeze()

    def judge(self, candidate):
        try:
            module = self.programs.module(candidate["path"])
            new, code.TEXT[module.path] = module.edited(candidate["edits"])
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return {"passed": False}
        pairs = code.functions_of(module.code, new)
        loaded = self.loaded[candidate["path"]]
        if pairs is None or self._ran(candidate["path"], pairs) or not code.swap_functions(pairs, loaded):
            return {"passed": False, "unfit": True}
        with calls.limited(self.cpu_s * candidate.get("patience", 1)):
            results = self.run_tests(self.names, True)
        return calls.answered(results, self.names)

    def _ran(self, path, pairs):
        """Whether one of the functions ran while modules were imported."""
        lines = self.imported.get(path, set())
        return any(lines & (code.lines_of(old) - {old.co_firstlineno}) for old, _ in pairs)


def _parsed(programs, path):
    """Parse a source that was just heard, so that each candidate's process need not."""
    try:
        programs.module(path)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # each candidate for it will say so


def first_line(fd):
    """The first message, and what was read beyond it."""
    chunks = [b""]
    while b"\n" not in chunks[-1]:
        chunks.append(os.read(fd, 1 << 16))
        if not chunks[-1]:
            break
    line, _, rest = b"".join(chunks).partition(b"\n")
    return json.loads(line), rest
