"""Candidates share a process only as long as none leaves anything behind in it: else a find could be lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from llm.checks.base import INSIDE
from tests.fixers.red_python import red_python
from tests.fixers.test_search_warm import judged

CODE = """
import json, math, os, signal, string, sys, threading, time

class Own:
    rate = 2

def own(values=[]):
    values.append(1)
    return len(values)

def double(n):
    return n + 1
"""
SUITE = """
import json, math, os, random, signal, string, sys, threading
import app

def test_it():
    assert app.double(3) == 6
    assert math.floor(2.5) == 2
    assert string.Template("$a").substitute(a="b") == "b"
    assert json.dumps({"b": 1, "a": 2}) == '{"b": 1, "a": 2}'
    import textwrap
    assert os.fstat(0)
    assert os.environ.get("POISON") is None
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
    assert threading.active_count() == 1
    assert app.Own.rate == 2 and app.own() == 1
    assert not math.isnan(random.random())
"""
POISONS = {
    "a global of another module": "[setattr(math, 'floor', len), n][1]",
    "a class attribute": "[setattr(string.Template, 'substitute', len), n][1]",
    "a default argument": "[json.dumps.__kwdefaults__.update(sort_keys=True), n][1]",
    "a module's place": "[sys.modules.update(textwrap=None), n][1]",
    "a file descriptor": "[os.close(0), n][1]",
    "an environment variable": "[os.environ.update(POISON='1'), n][1]",
    "a signal handler": "[signal.signal(signal.SIGUSR1, signal.SIG_IGN), n][1]",
    "a thread": "[threading.Thread(target=time.sleep, args=(60,), daemon=True).start(), n][1]",
}
OWN = {
    "a global of its own module": "[globals().update(own=len), n][1]",
    "a class attribute of its own": "[setattr(Own, 'rate', 3), n][1]",
    "a default argument of its own": "[own(), n][1]",
}
HANGS = "max(iter(int, 1))"
ENDS = "os._exit(0)"
EATS = "[bytearray(1 << 24) for _ in range(100)] and n"
WRONG, RIGHT, ALSO_RIGHT = "n + 2", "2 * n", "n * 2"


def test_what_candidates_poison_costs_no_find(tmp_path: Path) -> None:
    poisons = [*POISONS.values(), *OWN.values()]
    with red_python(tmp_path, {"app.py": CODE, "test_app.py": SUITE}) as red:
        found, tally = judged(red, [WRONG, *poisons, WRONG, RIGHT, ALSO_RIGHT])
    assert sorted(found) == sorted([RIGHT, ALSO_RIGHT])
    assert tally.tried == len(poisons) + 4


def test_one_that_hangs_ends_or_eats_memory_is_killed_and_costs_no_find(tmp_path: Path) -> None:
    with red_python(tmp_path, {"app.py": CODE, "test_app.py": SUITE}) as red:
        found, tally = judged(red, [WRONG, HANGS, ENDS, EATS, WRONG, HANGS, RIGHT, ENDS, ALSO_RIGHT, WRONG])
    assert sorted(found) == sorted([RIGHT, ALSO_RIGHT])
    assert tally.tried == 10
    assert tally.killed in (4, 5)  # memory can take longer to fill than there is time


_IN_ONE_PROCESS = """
import json, os, sys
inside, guarded = sys.argv[1], sys.argv[2] == "guarded"
sys.path[:0] = [inside, os.getcwd()]
import math, random, signal, string, textwrap, threading, time
import torre_warm_code as code, torre_warm_judge as judge
import torre_warm_stages as stages, torre_warm_traces as traces

class Blind(traces.Guard):
    def changed(self):
        return super().changed() and guarded
    def altered(self):
        return super().altered() and guarded

class Direct(stages.Direct):
    def guard(self):
        return Blind(self.reach)

files = {name: os.path.abspath(name + ".py") for name in ("app", "test_app")}
texts = {name: open(path).read() for name, path in files.items()}
code.CODE.update((path, compile(texts[name], path, "exec")) for name, path in files.items())
code.serve_code()
spec = {"module": "test_app", "owner": "", "name": "test_it", "params": {}}
reach = traces.Reach(traces.named_outside(code.CODE.values()))
stage = Direct(stages.Programs(os.getcwd()), {"t": spec}, ["t"], list(sys.path), code.KnownModules(files), reach)
stage.cpu_s = 1.0
stage.hear({"path": "app.py", "source": texts["app"]})
at = texts["app"].index("n + 1")
batch = [{"id": n, "path": "app.py", "edits": [[at, at + 5, text]]} for n, text in enumerate(sys.argv[3:])]
stage.usual = {"passed": False, "at": 0, "line": 5, "error": "AssertionError", "killed": ""}
told = judge.several(stage, batch, judge.Place())
print(json.dumps([told["clean"], [each["passed"] for each in told["answers"]]]), flush=True)
os._exit(0)
"""


def in_one_process(workspace: Path, guard: str, edits: list[str]) -> tuple[bool, list[bool]]:
    """Whether one process that judged these is believed, and what it says of each that it came to."""
    (workspace / "app.py").write_text(dedent(CODE).lstrip())
    (workspace / "test_app.py").write_text(dedent(SUITE).lstrip())
    argv = [sys.executable, "-c", _IN_ONE_PROCESS, str(INSIDE), guard, *edits]
    done = subprocess.run(argv, cwd=workspace, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    clean, passed = json.loads(done.stdout)
    return clean, passed


@pytest.mark.parametrize("kind", POISONS)
def test_unguarded_the_right_one_is_lost_and_guarded_nothing_is_believed(tmp_path: Path, kind: str) -> None:
    edits = [WRONG, POISONS[kind], RIGHT]
    assert in_one_process(tmp_path, "blind", edits) == (True, [False, False, False])
    clean, passed = in_one_process(tmp_path, "guarded", edits)
    assert (clean, any(passed)) == (False, False)


@pytest.mark.parametrize("harmless", [WRONG, *OWN.values(), "random.random() or n", "len(os.listdir('.')) and n"])
def test_what_harms_nobody_ends_no_sharing(tmp_path: Path, harmless: str) -> None:
    edits = [WRONG, harmless, WRONG, harmless, RIGHT]
    assert in_one_process(tmp_path, "guarded", edits) == (True, [False, False, False, False, True])
