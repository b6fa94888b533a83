"""Real red commits through Torre: `nice python -m bench.red_commits [--kind lint|mypy|ts|tests] PATH [ID…]`.

PATH is a folder with `build.py` and its case lists (`lint_commits.json`, `mypy_commits.json`, `ts_cases.json`,
`cases.json`), which rebuild the parent commit of a real fix from public git mirrors; `MIRROR`, `MINE_WORK` and
`TSC` tell it where mirrors and tools are, and the tools' folders must be on PATH, for the sandbox shows no others.
Copy it where it may be written: it unpacks the TypeScript cases beside itself. Nothing is downloaded; a case that
cannot be built here is counted as `absent`.

A case counts as green if Torre says PATCH and, with its diff, the case's own check is green on the host, no
suppression was added, no configuration and (but for the files that the check complains of) no test was touched.
As `advisory` if all of that holds, but other candidates pass and behave differently.
One JSON line a figure; with `--verbose` one a case as well.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.figure import emit
from llm.domain import Mode, RepairRequest, Run
from llm.pipeline import repair
from llm.workspace.patch import apply
from llm.workspace.suppressions import suppressions
from llm.workspace.tampering import CONFIGURATION, TESTS, matches

LISTS = {
    "lint": "lint_commits.json",
    "mypy": "mypy_commits.json",
    "ts": "ts_cases.json",
    "tests": "cases.json",
}
_WEAK = ("cast(", "Any")
"""Words of types that admit anything: an answer that adds one more of them is counted apart."""
_CHECK_S = 120


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one case. `outcome` is `green`, or why it is not; `weak` a type that admits anything."""

    id: str
    kind: str
    outcome: str
    codes: tuple[str, ...]
    origin: str
    seconds: float
    weak: bool = False
    equal: bool = False
    diff: str = ""


def judged(folder: Path, case: Mapping[str, Any], kind: str, seconds: float) -> Verdict:
    """Build one case, repair it, and judge the answer by the case's own check."""
    began = time.monotonic()

    def verdict(outcome: str, origin: str = "", **more: Any) -> Verdict:
        codes = tuple(case.get("codes", case.get("codes_before", ())))
        return Verdict(case["id"], kind, outcome, codes, origin, round(time.monotonic() - began, 1), **more)

    with tempfile.TemporaryDirectory(prefix="red-commits-") as name:
        red, green = Path(name, "red").resolve(), Path(name, "green").resolve()
        command = _build(folder, case["id"], red)
        if command is None:
            return verdict("absent")
        red.joinpath(".torre").mkdir()
        run = repair(RepairRequest(str(uuid4()), workspace=red, checks=(command,), max_seconds=seconds))
        winner = run.selection.winner
        if not run.diff or winner is None:
            return verdict(_why_not(run))
        before, after = _contents(red, run.diff)
        fault = _fault(before, after, kind) or _write_and_check(red, after, command)
        equal = kind == "ts" and not fault and _equal(folder, case, red, green)
        if not fault and run.mode is not Mode.PATCH:
            fault = f"advisory: {run.summary}"
        weak = any(_lines(run.diff, "+").count(word) > _lines(run.diff, "-").count(word) for word in _WEAK)
        return verdict(fault or "green", winner.candidate.origin, weak=weak, equal=equal, diff=run.diff)


def _build(folder: Path, case: str, directory: Path, *more: str) -> str | None:
    """Write a tree; its check command, or None where it cannot be built here."""
    argv = [sys.executable, "-P", str(folder / "build.py"), case, str(directory), *more]
    built = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    lines = built.stdout.strip().splitlines()
    return lines[-1] if built.returncode == 0 and lines and directory.is_dir() else None


def _why_not(run: Run) -> str:
    if run.nothing_red:
        return "nothing was red"
    if run.baseline.not_run:
        return f"not run: {run.baseline.not_run[0].not_run}"
    return f"still red: {run.summary}"


def _contents(tree: Path, diff: str) -> tuple[dict[str, str], dict[str, str]]:
    """The texts of the files that a diff changes, before and after it."""
    after = {path: (content or b"").decode() for path, content in apply(diff, tree).items()}
    before = {path: (tree / path).read_text() if (tree / path).is_file() else "" for path in after}
    return before, after


def _fault(before: Mapping[str, str], after: Mapping[str, str], kind: str) -> str:
    """A rule that the answer breaks, or ""."""
    for path, text in after.items():
        if suppressions(path, text) - suppressions(path, before[path]):
            return f"suppression in {path}"
        if matches(path, CONFIGURATION) and path != "noxfile.py":
            return f"touches {path}"
        if kind == "tests" and matches(path, TESTS):
            return f"touches {path}"
    return ""


def _write_and_check(tree: Path, after: Mapping[str, str], command: str) -> str:
    for path, text in after.items():
        (tree / path).write_text(text)
    words = ["sh", "-c", command]
    done = subprocess.run(words, cwd=tree, capture_output=True, check=False, timeout=_CHECK_S)
    return "" if done.returncode == 0 else f"red outside of Torre: {shlex.join(words)}"


def _equal(folder: Path, case: Mapping[str, Any], red: Path, green: Path) -> bool:
    """Whether the answer is the real fix, white space apart."""
    if _build(folder, case["id"], green, "--green") is None:
        return False
    source = case["source_file"]
    mine, theirs = (("".join((tree / source).read_text().split())) for tree in (red, green))
    return mine == theirs


def _never_green(folder: Path, case: str) -> bool:
    """Whether the check is red on the real fix as well: of the settings, which no fix may touch."""
    with tempfile.TemporaryDirectory(prefix="red-commits-") as name:
        tree = Path(name, "green").resolve()
        command = _build(folder, case, tree, "--green")
        words = ["sh", "-c", command or "false"]
        return subprocess.run(words, cwd=tree, capture_output=True, check=False, timeout=_CHECK_S).returncode != 0


def _lines(diff: str, sign: str) -> str:
    """The added (or removed) lines but for imports."""
    lines = (line[1:] for line in diff.splitlines() if line.startswith(sign) and not line.startswith(sign * 3))
    return "\n".join(line for line in lines if "import" not in line)


def chosen(folder: Path, kind: str, given: argparse.Namespace) -> list[Mapping[str, Any]]:
    """The cases of a kind: those named, or a sample drawn with the seed, or all."""
    cases = [c for c in json.loads((folder / LISTS[kind]).read_text()) if _can_be_green(c)]
    if given.ids:
        return [c for c in cases if c["id"] in given.ids]
    if given.sample and given.sample < len(cases):
        return random.Random(given.seed).sample(cases, given.sample)
    return cases


def _can_be_green(case: Mapping[str, Any]) -> bool:
    return bool(case.get("green_alternative", 0) >= 0)


def tell(verdicts: Iterable[Verdict], kind: str) -> None:
    """The figures of one kind."""
    built = [v for v in verdicts if v.outcome != "absent"]
    green = [v for v in built if v.outcome == "green"]
    counts = Counter(v.outcome.split(":")[0] for v in built)
    emit(f"{kind}: green", len(green), f"of {len(built)}", _TARGETS[kind], outcomes=dict(counts))
    ambiguous = f"{kind}: green with --accept-ambiguous"
    emit(ambiguous, len(green) + counts["advisory"], f"of {len(built)}", _TARGETS[kind])
    if kind == "mypy":
        emit("mypy: green with a cast or Any", sum(v.weak for v in green), f"of {len(built)}")
    if kind == "ts":
        emit("ts: equal to the expected text", sum(v.equal for v in green), f"of {len(built)}", "at least 75 %")
    times = sorted(v.seconds for v in built)
    if times:
        emit(f"{kind}: median time", times[len(times) // 2], "s")


_TARGETS = {
    "lint": "every autofixable one and half of the others",
    "mypy": "at least 40 %",
    "ts": "at least 97 %",
    "tests": "at least 25 %",
}


def _shown(verdict: Verdict) -> dict[str, Any]:
    return {key: getattr(verdict, key) for key in Verdict.__dataclass_fields__}


def _run(folder: Path, kind: str, given: argparse.Namespace) -> Iterator[Verdict]:
    for case in chosen(folder, kind, given):
        verdict = judged(folder, case, kind, given.seconds)
        if kind == "ts" and verdict.outcome.startswith("still red") and _never_green(folder, case["id"]):
            verdict = replace(verdict, outcome="never green: nor is the expected text")
        if given.verbose:
            print(json.dumps(_shown(verdict)), flush=True)
        yield verdict


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("path", type=Path)
    options.add_argument("ids", nargs="*", help="only these cases")
    options.add_argument("--kind", choices=tuple(LISTS), action="append")
    options.add_argument("--sample", type=int, default=0, metavar="N", help="of each kind (default: all)")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--seconds", type=float, default=30.0, help="of search, a case")
    options.add_argument("--verbose", action="store_true")
    given = options.parse_args()
    os.environ["PROVIDERS_V1"] = "0"
    for kind in given.kind or tuple(LISTS):
        tell(list(_run(given.path.resolve(), kind, given)), kind)


if __name__ == "__main__":
    main()
