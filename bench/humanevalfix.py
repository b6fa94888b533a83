"""HumanEvalFix-Python through the embedded search: `python -m bench.humanevalfix [--seconds S] FILE.jsonl [ID…]`.

FILE is in the format of the data set's published jsonl (HumanEvalPack, MIT): `declaration` + `buggy_solution` is
the program, `test` its test. `right`: the first candidate agrees with `canonical_solution` on new inputs
(`bench.agreement`). The whole run stays on one core. One JSON line a bug, then one JSON line of figures.
Downloads nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

from llm.checks.recognise import check_of
from llm.checks.run import run_check
from llm.fixers.base import RedState
from llm.fixers.search import FIXER
from llm.sandbox import open_sandbox
from llm.sandbox.base import Limits
from llm.workspace.patch import apply

_BASELINE_S = 5.0
_MORE_S = 3.0
"""So long others are looked for beside the first."""


def write(row: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The program and its test as a workspace; path → text."""
    entry = row["entry_point"]
    body = row["test"].rstrip().removesuffix(f"check({entry})")
    test = f"from solution import *\nfrom solution import {entry}\n{body}\ndef test_it():\n    check({entry})\n"
    files = {"solution.py": row["declaration"] + row["buggy_solution"], "test_solution.py": test}
    for name, text in files.items():
        folder.joinpath(name).write_text(text)
    return files


def repair(row: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Search one bug for at most so many seconds, the baseline run not counted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        files = write(row, folder)
        with open_sandbox(folder) as sandbox:
            check, limits = check_of(f"{sys.executable} -m pytest -q"), Limits(wall_s=_BASELINE_S)
            baseline = run_check(check, sandbox, folder, limits=limits)
            began, said = time.monotonic(), list[str]()
            red = RedState(
                workspace=folder,
                files=files,
                baseline=(baseline,),
                diagnostics=baseline.diagnostics,
                sandbox=sandbox,
                remaining_s=lambda: seconds - (time.monotonic() - began),
                cancel=Event(),
                progress=said.append,
            )
            found = []
            for candidate in FIXER.propose(red):
                found.append((time.monotonic() - began, candidate))
                if time.monotonic() - began > found[0][0] + _MORE_S:
                    red.cancel.set()
        agrees = right(row, found[0][1].diff, folder) if found else None
    return {
        "id": row["task_id"],
        "kind": row["bug_type"],
        "plausible": len(found),
        "first_s": round(found[0][0], 2) if found else None,
        "right": agrees,
        "origin": found[0][1].origin if found else "",
        "said": said[-1:],
    }


def right(row: Mapping[str, Any], diff: str, folder: Path) -> bool:
    """Whether a patch agrees with the reference wherever that answers."""
    solution = (apply(diff, folder)["solution.py"] or b"").decode()
    question = [row["declaration"] + row["canonical_solution"], solution, row["test"], row["entry_point"]]
    asked = [sys.executable, "-m", "bench.agreement"]
    done = subprocess.run(asked, input=json.dumps(question), capture_output=True, text=True, timeout=600)
    return done.returncode == 0 and json.loads(done.stdout)[1] == 0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path)
    options.add_argument("ids", nargs="*")
    options.add_argument("--seconds", type=float, default=15.0)
    given = options.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rows = [json.loads(line) for line in given.file.read_text().splitlines() if line.strip()]
    results = []
    for row in rows:
        if not given.ids or row["task_id"] in given.ids:
            results.append(repair(row, given.seconds))
            print(json.dumps(results[-1]), flush=True)
    times = [r["first_s"] for r in results if r["plausible"]]
    figures = {
        "bugs": len(results),
        "plausible": len(times),
        "right": sum(bool(r["right"]) for r in results),
        "seconds": given.seconds,
    }
    print(json.dumps(figures | {"median_first_s": statistics.median(times) if times else None}))


if __name__ == "__main__":
    main()
