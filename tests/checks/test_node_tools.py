"""tsc, eslint, vitest, jest, node --test and pyright, really run: green and red."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from llm.domain import CheckResult
from tests.checks.conftest import Run

TSCONFIG = """{ "compilerOptions": {
    "strict": true, "skipLibCheck": true, "module": "esnext", "moduleResolution": "bundler", "types": []
} }"""
ESLINT = 'export default [{ rules: { "no-unused-vars": "error", "no-debugger": "warn" } }];\n'
SUITE = """
describe("sum", () => {
  it("adds", () => { expect(1 + 1).toBe(%s); });
  it("is zero", () => { expect(0).toBe(0); });
  it.skip("later", () => {});
});
"""
NODE_SUITE = """
import { describe, it } from "node:test";
import assert from "node:assert";
describe("sum", () => {
  it("adds", () => { assert.strictEqual(1 + 1, %s); });
  it("is zero", () => { assert.strictEqual(0, 0); });
  it.skip("later", () => {});
});
"""


def statuses(result: CheckResult) -> dict[str, str]:
    return {t.id: t.status.value for t in result.tests or ()}


@pytest.mark.parametrize("command", ["tsc --noEmit", "npx tsc --noEmit -p ."])
def test_tsc(run: Run, command: str) -> None:
    files = {"tsconfig.json": TSCONFIG, "package.json": "{}", "src/a.ts": "export const n: number = 'one';\n"}
    (found,) = run(files, command).diagnostics
    assert (found.tool, found.path, found.line, found.code) == ("tsc", "src/a.ts", 1, "TS2322")
    assert run({**files, "src/a.ts": "export const n = 1;\n"}, command).green


def test_tsc_in_its_own_directory(run: Run) -> None:
    files = {"web/tsconfig.json": TSCONFIG, "web/src/a.ts": "export const n: number = 'one';\n"}
    result = run(files, "tsc --noEmit", directory="web")
    assert [d.path for d in result.diagnostics] == ["web/src/a.ts"]


def test_eslint(run: Run) -> None:
    files = {"eslint.config.mjs": ESLINT, "web/a.js": "const n = 1;\ndebugger;\n"}
    result = run(files, "npx eslint . --format stylish")
    found = {(d.path, d.line, d.code, d.severity) for d in result.diagnostics}
    assert found == {("web/a.js", 1, "no-unused-vars", "error"), ("web/a.js", 2, "no-debugger", "warning")}
    assert not result.green and "no-unused-vars" in result.output
    assert run({**files, "web/a.js": "debugger;\n"}, "eslint .").green
    assert not run({**files, "web/a.js": "debugger;\n"}, "eslint . --max-warnings 0").green


JS: Mapping[str, tuple[str, dict[str, str], str]] = {
    "vitest": ("vitest", {"package.json": "{}"}, 'import { describe, it, expect } from "vitest";' + SUITE),
    "jest": ("npx jest", {"package.json": '{"jest": {}}'}, SUITE),
    "node_test": ("node --test", {"package.json": '{"type": "module"}'}, NODE_SUITE),
}


@pytest.mark.parametrize("tool", JS)
def test_js_runners_report_test_by_test(run: Run, tool: str) -> None:
    command, files, suite = JS[tool]
    red = run({**files, "src/sum.test.js": suite % 3}, command)
    assert statuses(red) == {
        "src/sum.test.js > sum > adds": "failed",
        "src/sum.test.js > sum > is zero": "passed",
        "src/sum.test.js > sum > later": "skipped",
    }
    (found,) = red.diagnostics
    assert (found.tool, found.path, found.test_id) == (tool, "src/sum.test.js", "src/sum.test.js > sum > adds")
    assert found.line in (3, 4, 5) and not red.green and red.exit_code == 1
    green = run({**files, "src/sum.test.js": suite % 2}, command)
    assert green.green and statuses(green)["src/sum.test.js > sum > adds"] == "passed"


@pytest.mark.parametrize("tool", JS)
def test_two_tests_of_one_name_are_two(run: Run, tool: str) -> None:
    command, files, suite = JS[tool]
    result = run({**files, "src/sum.test.js": (suite % 3).replace("is zero", "adds")}, command)
    found = statuses(result)
    assert found["src/sum.test.js > sum > adds"] == "failed"
    assert found["src/sum.test.js > sum > adds #2"] == "passed"


@pytest.mark.parametrize("tool", JS)
def test_a_js_file_that_cannot_be_loaded_is_an_item(run: Run, tool: str) -> None:
    command, files, suite = JS[tool]
    broken = 'import { nothing } from "./nothing.js";\nnothing();\n'
    if tool == "jest":
        broken = 'require("./nothing.js");\n'
    result = run({**files, "src/sum.test.js": broken + suite % 2}, command)
    assert not result.green and statuses(result) == {"src/sum.test.js": "error"}, result


@pytest.mark.parametrize("tool", ["vitest", "jest"])
def test_js_runners_without_tests_are_not_green(run: Run, tool: str) -> None:
    command, files, _ = JS[tool]
    result = run({**files, "src/sum.js": ""}, command)
    assert result.not_run == "no tests collected" and not result.green


def test_pyright(run: Run) -> None:
    files = {"pkg/a.py": "x: int = 'one'\n", "pyrightconfig.json": '{"include": ["pkg"]}'}
    (found,) = run(files, "npx pyright").diagnostics
    assert (found.tool, found.path, found.line, found.column) == ("pyright", "pkg/a.py", 1, 10)
    assert run({**files, "pkg/a.py": "x: int = 1\n"}, "pyright").green


@pytest.mark.parametrize("command", ["npm test", "tsc --version && node --test", "node --test | cat; exit 1"])
def test_node_tests_report_through_other_programs(run: Run, command: str) -> None:
    files = {"package.json": '{"type": "module", "scripts": {"test": "node --test"}}', "a.test.js": NODE_SUITE % 3}
    result = run(files, command)
    assert statuses(result)["a.test.js > sum > adds"] == "failed" and len(result.diagnostics) == 1
    assert result.diagnostics[0].tool == "node_test" and not result.green


def test_a_reporter_of_their_own_is_no_reason_to_turn_red(run: Run) -> None:
    files = {"package.json": '{"type": "module", "scripts": {"test": "node --test --test-reporter=dot"}}'}
    assert run({**files, "a.test.js": NODE_SUITE % 2}, "npm test").green
    assert run({**files, "a.test.js": NODE_SUITE % 2}, "node --test --test-reporter=dot").green


@pytest.mark.parametrize("tool", ["vitest", "jest"])
def test_the_carried_environment_does_not_disturb_other_runners(run: Run, tool: str) -> None:
    _, files, suite = JS[tool]
    command = "vitest run && true" if tool == "vitest" else "jest && true"
    result = run({**files, "src/sum.test.js": suite % 2}, command)
    assert result.green, result.output
    assert not run({"src/sum.test.js": suite % 3}, command).green
