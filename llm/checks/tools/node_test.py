"""Node's own test runner, by Torre's reporter (`file > suite > test`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from llm.checks import config
from llm.checks.base import INSIDE, Control, Instrumented, Reading, Scene, Tool
from llm.checks.command import drop, invocation
from llm.checks.planting import TestFile, failing_tests, files_of, in_tests, known_names
from llm.checks.reading import NO_TESTS, from_report, from_text
from llm.domain import Check, Stage
from llm.sandbox.base import Completed
from llm.workspace import paths

_IS_MODULE = re.compile(r"^\s*(?:import|export)\b", re.MULTILINE)
_IMPORTS = 'import { test as WORD } from "node:test";\nimport WORD_assert from "node:assert";'
_REQUIRES = 'const { test: WORD } = require("node:test");\nconst WORD_assert = require("node:assert");'
_ASSERTIONS = (
    "WORD_assert(0);",
    "WORD_assert.ok(0);",
    "WORD_assert.equal(1, 2);",
    "WORD_assert.strictEqual(1, 2);",
    "WORD_assert.deepEqual([1], [2]);",
    "WORD_assert.deepStrictEqual({ a: 1 }, { a: 2 });",
    "WORD_assert.notStrictEqual(1, 1);",
    "WORD_assert.throws(() => {});",
    "await WORD_assert.rejects(Promise.resolve());",
    'WORD_assert.match("a", /b/);',
    "WORD_assert.strict.equal(1, 2);",
    "WORD_assert.strict.deepEqual([1], [2]);",
    'throw new Error("WORD");',
    'await Promise.reject(new Error("WORD"));',
)


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
            if "node:test" in paths.text(file):
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

    def control(self, scene: Scene) -> Iterator[Control]:
        def failing(file: TestFile, text: str) -> tuple[str, tuple[str, ...]]:
            return failing_tests(scene.word, _IMPORTS if _IS_MODULE.search(text) else _REQUIRES, _ASSERTIONS)

        return in_tests(scene, files_of(scene), failing, known_names(scene, _ASSERTIONS[2]))

    def read(self, completed: Completed, workspace: Path, directory: str) -> Reading:
        if not completed.report:
            return Reading(None, from_text(completed, workspace, directory))
        found = from_report(completed, workspace, directory, self.name)
        nothing = not found.tests and completed.exit_code == 0
        return Reading(found.tests, found.diagnostics, NO_TESTS if nothing else "")


TOOL: Tool = NodeTest()
