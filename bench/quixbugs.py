"""QuixBugs-Python through the embedded search: `python -m bench.quixbugs [--seconds S] [--python P] PATH [NAME…]`.

PATH is a checkout of the public repository jkoppel/QuixBugs (MIT). The judge is its own command,
`pytest python_testcases/test_NAME.py`; the corrected programs are kept away from the search and serve to compare
the answer on random inputs. `search_s` is the search alone, up to the first candidate that the command finds
green; the baseline and confirming runs of the command are `command_s`. One JSON line a program, then the figures.
Downloads nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event
from typing import Any

from bench.graphs import ARGUMENTS
from llm.checks.programs import named_installations
from llm.checks.recognise import check_of
from llm.checks.run import run_check
from llm.domain import Candidate
from llm.fixers.base import RedState
from llm.fixers.search import FIXER
from llm.sandbox import open_sandbox
from llm.sandbox.base import Limits
from llm.workspace.patch import apply
from llm.workspace.snapshot import read_sources

_COMMAND_S = 120.0


class Stopwatch:
    """Seconds by the clock, of the blocks that it was given."""

    def __init__(self) -> None:
        self._before, self._began = 0.0, 0.0

    @property
    def s(self) -> float:
        """Those so far, of the block that goes on too."""
        return self._before + (time.monotonic() - self._began if self._began else 0.0)

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._before, self._began = self.s, 0.0


def names_in(checkout: Path) -> list[str]:
    """The programs that have tests."""
    return sorted(p.stem.removeprefix("test_") for p in (checkout / "python_testcases").glob("test_*.py"))


def write(checkout: Path, name: str, folder: Path) -> None:
    """One program with its tests and their data as a workspace."""
    for path in ("conftest.py", f"python_testcases/test_{name}.py", f"python_programs/{name}.py"):
        (folder / path).parent.mkdir(exist_ok=True)
        shutil.copy(checkout / path, folder / path)
    for path in ("python_testcases/load_testdata.py", "python_testcases/node.py", "python_programs/node.py"):
        shutil.copy(checkout / path, folder / path)
    if (checkout / f"json_testcases/{name}.json").exists():
        (folder / "json_testcases").mkdir()
        shutil.copy(checkout / f"json_testcases/{name}.json", folder / "json_testcases")


def repair(checkout: Path, name: str, seconds: float, python: str) -> dict[str, Any]:
    """Search one program until its own command is green."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        write(checkout, name, folder)
        command = f"{python} -m pytest -q --timeout=5 python_testcases/test_{name}.py"
        with open_sandbox(folder, named_installations([command])) as sandbox:
            check, limits = check_of(command), Limits(wall_s=_COMMAND_S)
            began = time.monotonic()
            baseline = run_check(check, sandbox, folder, limits=limits)
            command_s, clock, said = time.monotonic() - began, Stopwatch(), list[str]()
            red = RedState(
                workspace=folder,
                files=read_sources(folder),
                baseline=(baseline,),
                diagnostics=baseline.diagnostics,
                sandbox=sandbox,
                remaining_s=lambda: seconds - clock.s,
                cancel=Event(),
                progress=said.append,
            )
            proposals, winner, tried = iter(FIXER.propose(red)), None, 0
            while winner is None:
                with clock:
                    candidate = next(proposals, None)
                if candidate is None:
                    break
                began, tried = time.monotonic(), tried + 1
                changed = apply(candidate.diff, folder)
                if run_check(check, sandbox, folder, changed, limits=limits).green:
                    winner = candidate
                command_s += time.monotonic() - began
            red.cancel.set()
            right = agrees(checkout, name, winner, folder) if winner else None
    return {
        "name": name,
        "plausible": winner is not None,
        "right": right,
        "origin": winner.origin if winner else "",
        "diff": winner.diff if winner else "",
        "judged": tried,
        "search_s": round(clock.s, 2),
        "command_s": round(command_s, 1),
        "said": said[-1:],
    }


def agrees(checkout: Path, name: str, winner: Candidate, folder: Path) -> bool:
    """Whether the repaired program does on random inputs what the corrected one does."""
    path = f"python_programs/{name}.py"
    if path not in (changed := apply(winner.diff, folder)):
        return False
    reference = (checkout / f"correct_python_programs/{name}.py").read_text()
    texts = [reference, (changed[path] or b"").decode()]
    if name in ARGUMENTS:
        return _asked("bench.graphs", [*texts, name])
    lines = (checkout / f"json_testcases/{name}.json").read_text().splitlines()
    calls = [json.loads(line)[0] for line in lines if line.strip()]
    calls = [args if isinstance(args, list) else [args] for args in calls]
    test = f"def check(f):\n  for args in {calls!r}:\n    try: f(*args)\n    except BaseException: pass\n"
    return _asked("bench.agreement", [*texts, f"{test}\ncheck({name})", name])


def _asked(module: str, question: list[str]) -> bool:
    done = subprocess.run(
        [sys.executable, "-m", module], input=json.dumps(question), capture_output=True, text=True, timeout=300
    )
    return done.returncode == 0 and json.loads(done.stdout)[1] == 0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("path", type=Path)
    options.add_argument("names", nargs="*")
    options.add_argument("--seconds", type=float, default=15.0)
    options.add_argument("--python", default=sys.executable, help="has pytest and pytest-timeout")
    given = options.parse_args()
    results = []
    for name in given.names or names_in(given.path):
        results.append(repair(given.path, name, given.seconds, given.python))
        print(json.dumps(results[-1]), flush=True)
    figures = {
        "programs": len(results),
        "plausible": sum(r["plausible"] for r in results),
        "right": sum(bool(r["right"]) for r in results),
        "search_s": round(sum(r["search_s"] for r in results), 1),
        "command_s": round(sum(r["command_s"] for r in results), 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
