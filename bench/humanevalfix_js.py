"""HumanEvalFix-JavaScript: `python -m bench.humanevalfix_js [--seconds S] [--whole] [--every N] FILE.jsonl [ID…]`.

FILE is in the format of the data set's published jsonl (HumanEvalPack, MIT): `declaration` + `buggy_solution` is
the program, `test` its test, in which `console.assert` throws. Without `--whole` the search alone is measured,
with it whole runs of Torre and how often PATCH is right. Right is what agrees with the reference on
inputs drawn by `bench/agreement_js.cjs`. One JSON line a bug, then one of figures. Downloads nothing; a TypeScript
must be there (`torre setup typescript`).
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

from bench.whole import whole_run
from llm.checks.recognise import check_of
from llm.checks.run import run_check
from llm.domain import Candidate, Mode
from llm.fixers.base import RedState
from llm.fixers.js_search import FIXER
from llm.sandbox import open_sandbox
from llm.sandbox.base import Job, Limits
from llm.workspace.patch import apply

_COMMAND = "node --test test/"
_BASELINE_S = 5.0
_LONG_S = 5.0
"""Candidates a second are counted where the search was longer than this: not where it hardly began."""
_NAMED = re.compile(r"^(?:const|let|var|(?:async )?function\*?) (\w+)", re.MULTILINE)
_TRIED = re.compile(r"(\d+) candidates tried")
_TEST = """\
const assert = require('node:assert');
const test = require('node:test');
const {{ {names} }} = require('../solution.js');

console.assert = (holds) => assert.ok(holds);

test('it', () => {{
{test}
}});
"""


def write(row: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The program and its test as a CommonJS workspace; path → text."""
    program = row["declaration"] + row["buggy_solution"]
    names = ", ".join(dict.fromkeys(_NAMED.findall(program)))
    files = {
        "package.json": '{"name": "bug", "private": true}\n',
        "solution.js": f"{program}\nmodule.exports = {{ {names} }};\n",
        "test/solution.test.js": _TEST.format(names=names, test=row["test"]),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return files


def right(row: Mapping[str, Any], candidate: Candidate, folder: Path) -> tuple[bool, str]:
    """Whether a candidate agrees with the reference wherever that answers, and an input where it does not."""
    question = {
        "reference": row["declaration"] + row["canonical_solution"],
        "candidate": (apply(candidate.diff, folder)["solution.js"] or b"")
        .decode()
        .partition("\nmodule.exports")[0],
        "test": row["test"],
        "entry": row["entry_point"],
    }
    script = Path(__file__).with_name("agreement_js.cjs")
    with open_sandbox(folder, [script]) as sandbox:
        job = Job(("node", str(script)), stdin=json.dumps(question).encode(), limits=Limits(wall_s=300.0))
        told = json.loads(sandbox.execute(job).stdout)
    return told["apart"] == 0, told["example"]


def searched(row: Mapping[str, Any], seconds: float, folder: Path) -> dict[str, Any]:
    """Search one bug for at most so many seconds until something is plausible, the baseline run not counted."""
    files, said = write(row, folder), list[str]()
    with open_sandbox(folder) as sandbox:
        baseline = run_check(check_of(_COMMAND), sandbox, folder, limits=Limits(wall_s=_BASELINE_S))
        began = time.monotonic()
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
        found = next(iter(FIXER.propose(red)), None)
        took_s = time.monotonic() - began
    tried = [int(number[1]) for line in said if (number := _TRIED.search(line))]
    agrees, example = right(row, found, folder) if found else (None, "")
    return {
        "plausible": found is not None,
        "right": agrees,
        "apart": example,
        "origin": found.origin if found else "",
        "s": round(took_s, 2),
        "tried": max(tried, default=0),
        "said": said[-1:],
    }


def answered(row: Mapping[str, Any], seconds: float, folder: Path) -> dict[str, Any]:
    """A whole run of Torre: the mode, and whether its answer is right."""
    write(row, folder)
    began = time.monotonic()
    run = whole_run(folder, _COMMAND, seconds)
    winner = run.selection.winner
    agrees, example = right(row, winner.candidate, folder) if winner else (None, "")
    return {
        "mode": run.mode.value,
        "plausible": winner is not None,
        "right": agrees,
        "apart": example,
        "origin": winner.candidate.origin if winner else "",
        "passed": sum(e.passed for e in run.selection.ranking),
        "behaviour": winner.behaviour if winner else "",
        "summary": run.summary,
        "s": round(time.monotonic() - began, 2),
    }


def figures(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts over all bugs, the median time to a plausible answer, candidates a second."""
    plausible = [told for told in results if told["plausible"]]
    patches = [told for told in results if told.get("mode") == Mode.PATCH.value]
    long = [told for told in results if told.get("tried") and told["s"] >= _LONG_S]
    return {
        "bugs": len(results),
        "plausible": len(plausible),
        "right": sum(bool(told["right"]) for told in plausible),
        "patch": len(patches),
        "patch_right": sum(bool(told["right"]) for told in patches),
        "median_s": statistics.median(told["s"] for told in plausible) if plausible else None,
        "candidates_a_s": round(sum(t["tried"] for t in long) / sum(t["s"] for t in long)) if long else None,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path)
    options.add_argument("ids", nargs="*")
    options.add_argument("--seconds", type=float, default=15.0)
    options.add_argument("--whole", action="store_true")
    options.add_argument("--every", type=int, default=1)
    given = options.parse_args()
    rows = [json.loads(line) for line in given.file.read_text().splitlines() if line.strip()]
    ask, results = answered if given.whole else searched, []
    for row in rows[:: given.every]:
        if not given.ids or row["task_id"] in given.ids:
            with tempfile.TemporaryDirectory() as name:
                told = ask(row, given.seconds, Path(name).resolve())
            results.append({"id": row["task_id"], "kind": row["bug_type"], **told})
            print(json.dumps(results[-1]), flush=True)
    print(json.dumps(figures(results)))


if __name__ == "__main__":
    main()
