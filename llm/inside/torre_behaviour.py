"""Compares what versions of Python functions do: on the inputs that tests give them, and on ones made from those.

Standard input is one JSON line of settings: `root`, `framework`, `args`, `sys_path`, `targets` and `others` (test
ids), `versions` (a list of {path: text, or null where the file is deleted}; the first is the original, the next
`passing` ones pass the tests), `watched`
({path: [qualified name]}), `judge` (paths of tests), `budget_s`, `memory_bytes`. `$TORRE_REPORT` gets one JSON
object: `why_not`, `inputs` (`key`, `text`, `literal`, `plain`, `atoms`), `outcomes`, one list a version, and how many
calls of the tests could not be copied (`unkept`) and new inputs not made (`unmade`).

An outcome is null (unknown) or {"kind": "returned" | "raised" | "refused", "hash", "text", "type", "eq"}: `raised`
is an exception of a type that the tests saw the function raise too, `refused` any other, a hang or a death.
"""

import asyncio
import base64
import importlib
import inspect
import json
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torre_behaviour_copies as copies
import torre_behaviour_inputs as inputs
import torre_behaviour_values as values
import torre_behaviour_watch as watching
import torre_warm_child as children
import torre_warm_code as code
import torre_warm_ledger as ledgers
import torre_warm_pytest
import torre_warm_unittest

del sys.path[0]

_FUZZED = 240
_CHUNK = 40
_HANGS, _IMPATIENT = 3, 10
"""After so many hangs of a version its calls get that many times less."""
_PATIENT = 20
"""A call on a busy machine gets that many times its time."""
_RECURSION = 2_000
_LEAST_CALL_S, _MOST_CALL_S = 0.15, 1.0


class Lab:
    """One comparison. Every version does its work in children of its own, forked from this clean process."""

    def __init__(self, settings):
        self.settings = settings
        self.root = settings["root"]
        self.until = time.monotonic() + settings["budget_s"]
        by_pytest = settings["framework"] == "pytest"
        self.runner = torre_warm_pytest.run_pytest if by_pytest else torre_warm_unittest.run_unittest
        self.watch = watching.Watch()
        self.raised = {}
        self.unkept = 0
        self.call_s = _LEAST_CALL_S
        self.path = []
        self.modules = {}
        self.watch.install()

    def left(self):
        return self.until - time.monotonic()

    def child(self, work, most_s, share=2):
        """What a child finds out; one that has children of its own gets twice the memory of theirs."""
        seconds = max(min(self.left(), most_s), 0.05)
        return children.Child(lambda: [work()], seconds, seconds, share * self.settings["memory_bytes"]).wait()

    def become(self, version):
        """In a child: this version's files stand in the sandbox's private view, its functions are marked."""
        files = dict(self.settings["versions"][0], **self.settings["versions"][version])
        for name, text in files.items():
            path = os.path.join(self.root, name)
            if text is None:
                if os.path.exists(path):
                    os.unlink(path)
                continue
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            if name in self.settings["watched"]:
                code.CODE[path] = watching.marked(text, name, path, self.settings["watched"][name])

    def restore(self):
        """The original's files again; a file that the original lacks has the text None there."""
        self.become(0)
        code.CODE.clear()

    def capture(self, version):
        """In a child: run the tests, keep the calls."""
        self.become(version)
        self.watch.recording = True
        ledger = ledgers.Ledger(self.root, limit_s=2.0)
        self.runner(self.settings["args"], self.settings["targets"] + self.settings["others"], ledger, False)
        return {
            "calls": [[key, base64.b64encode(kept).decode()] for key, kept in self.watch.calls],
            "unkept": self.watch.unkept,
            "raised": {key: sorted(names) for key, names in self.watch.raised.items()},
            "slowest": self.watch.slowest,
            "path": self.watch.path or list(sys.path),
            "modules": self.watch.modules,
        }

    def learn(self):
        """The calls that the tests make, of the first candidates, which pass them, and of the original."""
        calls, unkept, heard = [], 0, ""
        for version in [*range(1, 1 + self.settings["passing"])][:2] + [0]:
            told = self.child(lambda version=version: self.capture(version), self.left() / 3)
            self.restore()
            if "calls" not in told:
                heard = "the tests did not end in time" if told["killed"] == "timeout" else told["killed"]
                continue
            calls += [call for call in told["calls"] if call not in calls]
            unkept += told["unkept"]
            self.unkept = max(self.unkept, told["unkept"])
            self.path, self.modules = told["path"], {**self.modules, **told["modules"]}
            if version:
                for key, names in told["raised"].items():
                    self.raised[key] = sorted(set(self.raised.get(key, [])) | set(names))
                self.call_s = min(max(self.call_s, 20 * told["slowest"]), _MOST_CALL_S)
        if calls:
            return calls, ""
        return calls, heard or ("their arguments cannot be copied" if unkept else "no test calls what was changed")

    def imported(self):
        sys.path[:] = self.path
        for name in sorted(set(self.modules.values())):
            importlib.import_module(name)

    def make(self, calls):
        """In a child: the literal calls, and the ones made from them."""
        self.become(0)
        self.imported()
        made, unmade = inputs.made(calls, random.Random(20), _FUZZED, watching.CALL_BYTES)
        return {"inputs": made, "unmade": unmade}

    def answer(self, version, made, seconds):
        """In a child: what this version does with each input; chunks in children of their own, from one state."""
        until = time.monotonic() + 0.9 * seconds
        self.become(version)
        reads = values.Reads(frozenset(os.path.join(self.root, name) for name in self.settings["judge"]))
        reads.on = True
        self.imported()
        reads.on = False
        sys.setrecursionlimit(_RECURSION)
        outcomes = []
        for chunk in _chunks(made):
            left = until - time.monotonic()
            told = (
                {} if left <= 0 else self.child(lambda chunk=chunk: self.answer_chunk(chunk, reads), left / 2, 1)
            )
            outcomes += told.get("outcomes", [None] * len(chunk))
        return {"outcomes": outcomes}

    def outcomes(self, version, made):
        """What a version does with each input, in its share of the time that is left."""
        left, waiting = self.left(), len(self.settings["versions"]) - version
        told = {}
        if left > 0:
            share = min(max(1.5 * left / waiting, 0.1), left)
            told = self.child(lambda: self.answer(version, made, share), share)
            self.restore()
        return told.get("outcomes", [None] * len(made))

    def answer_chunk(self, chunk, reads):
        outcomes, hangs = [], 0
        for each in chunk:
            outcome = self.answer_one(each, reads, self.call_s if hangs < _HANGS else self.call_s / _IMPATIENT)
            hangs += outcome is not None and outcome["text"] == "a hang"
            outcomes.append(outcome)
        return {"outcomes": outcomes}

    def answer_one(self, each, reads, most_s):
        function = self.watch.found(each["key"], self.modules)
        if function is None:
            return None  # it was taken out, or into another: whoever called it tells what became of it
        try:
            args, kwargs = copies.loads(base64.b64decode(each["call"]))
        except Exception:
            return None
        random.seed(20)
        patience = _Patience(most_s)
        signal.signal(signal.SIGALRM, patience.check)
        signal.setitimer(signal.ITIMER_REAL, most_s, 0.05)
        try:
            reads.on = True
            result = function(*args, **kwargs)
            result = asyncio.run(result) if inspect.iscoroutine(result) else result
            outcome = values.returned(result, (args, kwargs), self.root)
        except ledgers.TookTooLong:
            if not patience.exhausted:
                return None
            outcome = values.refused("a hang")
        except Exception as error:
            outcome = values.raised(error, self.raised.get(each["key"].replace("::", ":"), []), (args, kwargs))
        except BaseException as error:
            outcome = values.refused(type(error).__name__)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            reads.on = False
        if reads.seen:
            outcome["reads"] = reads.seen.pop()
        return outcome

    def run(self):
        calls, why_not = self.learn()
        if not calls:
            return {"why_not": why_not}
        told = self.child(lambda: self.make(calls), self.left() / 3)
        made = told.get("inputs")
        self.restore()
        if not made:
            return {"why_not": "their arguments cannot be made again"}
        outcomes = []
        for version in [0, *range(len(self.settings["versions"]))]:
            outcomes.append(self.outcomes(version, made))
        again = outcomes.pop(0)
        steady = [one and two and one["hash"] == two["hash"] for one, two in zip(again, outcomes[0])]
        for each in outcomes:
            each[:] = [outcome if same else None for outcome, same in zip(each, steady)]
        shown = [{name: each[name] for name in ("key", "text", "literal", "plain", "atoms")} for each in made]
        counts = {"unkept": self.unkept, "unmade": told["unmade"]}
        return {"why_not": "", "inputs": shown, "outcomes": outcomes, **counts}


def _chunks(made):
    """The literal inputs, then the others in parts: a death costs the part in which it happens."""
    literal = [each for each in made if each["literal"]]
    others = [each for each in made if not each["literal"]]
    return [literal] + [others[start : start + _CHUNK] for start in range(0, len(others), _CHUNK)]


class _Patience:
    """Ends a call that has had its time: what a busy machine kept it waiting does not count, within reason.

    `exhausted`: it had all of it. Else the machine was so busy that nobody knows."""

    def __init__(self, most_s):
        self.most_s = most_s
        self.exhausted = False
        self._began_s, self._waited_s = time.monotonic(), _waited_s()

    def check(self, signum, frame):
        passed_s = time.monotonic() - self._began_s
        self.exhausted = passed_s - (_waited_s() - self._waited_s) >= 0.9 * self.most_s
        if self.exhausted or passed_s > _PATIENT * self.most_s:
            raise ledgers.TookTooLong("the call runs longer than it may")


def _waited_s():
    """How long this thread has waited for a core since it began; 0 where the kernel does not tell."""
    try:
        with open("/proc/thread-self/schedstat") as told:
            return int(told.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def main():
    settings = json.loads(sys.stdin.buffer.readline())
    importlib.import_module(settings["framework"])
    sys.dont_write_bytecode = True
    sys.path[:0] = settings["sys_path"]
    sys.argv[:] = [settings["framework"]]
    code.serve_code()
    report = os.open(os.environ["TORRE_REPORT"], os.O_WRONLY)
    told = json.dumps(Lab(settings).run()).encode()
    while told:
        told = told[os.write(report, told) :]


if __name__ == "__main__":
    main()
