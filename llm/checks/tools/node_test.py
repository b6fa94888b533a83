"""Node's own test runner, by Torre's reporter (`file > suite > test`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from llm.checks import config
from llm.checks.base import INSIDE, Instrumented, Reading, Tool
from llm.checks.command import drop, invocation
from llm.checks.reading import NO_TESTS, from_report, from_text
from llm.domain import Check, Stage
from llm.sandbox.base import Completed


def _reporters(own: str) -> tuple[str, ...]:
    """Torre's reporter beside one that writes for people."""
    ours = str(INSIDE / "torre_node_reporter.mjs")
    pairs = ((own, "stdout"), (ours, "stderr"))
    return tuple(word for name, where in pairs for word in _reporter(name, where))


def _reporter(name: str, destination: str) -> tuple[str, str]:
    return f"--test-reporter={name}", f"--test-reporter-destination={destination}"


class NodeTest(Tool):
    name = "node_test"
    stage = Stage.TESTS
    install = "Node.js 18.15 or later (its test runner is part of it)"
    always_reports = True

    def discover(self, directory: Path) -> Iterator[Check]:
        for file in config.sources(directory, "*.test.js", "*.test.mjs", "*.test.cjs", "test-*.js", "test-*.mjs"):
            if "node:test" in config.text(file):
                yield Check(
                    "node --test", "node --test", source=file.relative_to(directory).as_posix(), confidence=0.7
                )
                return

    def matches(self, argv: tuple[str, ...]) -> bool:
        run = invocation(argv)
        return run.program in ("node", "nodejs") and "--test" in run.args and "--watch" not in run.args

    def instrument(self, argv: tuple[str, ...], only: tuple[str, ...] = ()) -> Instrumented:
        run = invocation(argv)
        rest = drop(run.args, "--test-reporter", "--test-reporter-destination")
        return Instrumented((*run.launcher, *_reporters("spec"), *rest))

    def carry(self, only: tuple[str, ...] = ()) -> Mapping[str, str]:
        # TAP is what node writes by itself where nobody looks: a program that reads it further on still can.
        return {"NODE_OPTIONS": " ".join(_reporters("tap"))}

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        if not completed.report:
            return Reading(None, from_text(completed, workspace, directory))
        found = from_report(completed, workspace, directory, self.name)
        nothing = not found.tests and completed.exit_code == 0
        return Reading(found.tests, found.diagnostics, NO_TESTS if nothing else "")


TOOL: Tool = NodeTest()
