"""The gate for JavaScript and TypeScript: alike, different, special-cased, or not measured and said so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from llm.behaviour.gate import gate
from llm.budget import Budget
from llm.domain import Baseline, Candidate
from llm.rerank.examine import Examiner
from llm.rerank.select import select
from llm.workspace.patch import rendered
from llm.workspace.rules import Rules
from tests.behaviour.conftest import Gated, edits
from tests.fixers.red_builds import red_build

Compare = Callable[..., Gated]
SECONDS = 20.0

LARGEST = """\
export function largest(values) {
  let best = values[0];
  for (const value of values) if (value < best) best = value;
  return best;
}
"""
LARGEST_TEST = """\
import assert from "node:assert/strict";
import test from "node:test";
import { largest } from "../src/app.js";

test("largest", () => {
  assert.equal(largest([3, 9, 4]), 9);
  assert.equal(largest([5, 2]), 5);
});
"""

FARE = """\
exports.fare = (kilometres, isNight) => {
  const base = 3 + 2 * kilometres;
  return isNight ? base : base;
};
"""
FARE_TEST = """\
const assert = require("node:assert");
const test = require("node:test");
const { fare } = require("../src/app");

test("fare", () => {
  assert.equal(fare(4, false), 11);
  assert.equal(fare(10, false), 23);
  assert.equal(fare(10, true), 46);
});
"""

CART = """\
export class Cart {
  private lines: { price: number; count: number }[] = [];
  add(price: number, count = 1): this {
    this.lines.push({ price, count });
    return this;
  }
  total(): number {
    return this.lines.reduce((sum, line) => sum + line.price, 0);
  }
}
"""
CART_TEST = """\
import { expect, it } from "vitest";
import { Cart } from "../src/app";

it("adds up", () => {
  expect(new Cart().add(5, 3).total()).toBe(15);
  expect(new Cart().add(2).add(4, 2).total()).toBe(10);
});
"""


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """`compare(app, test, *changes)`: what the gate makes of changed texts of `src/app.js` that pass the test."""

    def run(
        app: str, tests: str, *changes: str, name: str = "app.js", command: str = "node --test test/"
    ) -> Gated:
        path, test = f"src/{name}", f"test/{name.replace('.', '.test.')}"
        module = '{"type": "module"}' if "import " in tests else "{}"
        with red_build(tmp_path, {"package.json": module, path: app, test: tests}, command) as build:
            examiner = Examiner(
                build.workspace, build.sandbox, Baseline(build.red().baseline), Rules(), Budget(60.0)
            )
            made = [Candidate(rendered({path: text.encode()}, build.workspace)) for text in changes]
            executed = [examiner.examine(each, n, Event()) for n, each in enumerate(made)]
            assert [e.detail for e in executed if not e.passed] == [], "every candidate passes the tests"
            said: list[str] = []
            judged = gate(executed, examiner, SECONDS, said.append, budget_s=SECONDS)
        return Gated(judged, tuple(said), select(judged))

    return run


def test_the_same_in_other_words_is_one_kind(compare: Compare) -> None:
    found = compare(LARGEST, LARGEST_TEST, *edits(LARGEST, "value < best", ["value > best", "best <= value"]))
    assert found.reasons == ["passed"] * 2
    assert found.kinds == 1, found.evaluations[0].distinguishing
    assert not found.selection.ambiguous


def test_different_beyond_the_tests_is_ambiguous_and_the_input_is_told(compare: Compare) -> None:
    changes = edits(FARE, "isNight ? base :", ["isNight ? base * 2 :", "isNight ? base + 23 :"])
    found = compare(FARE, FARE_TEST, *changes)
    assert found.reasons == ["passed"] * 2, found.said
    assert found.selection.ambiguous and found.selection.winner is not None
    assert "fare(" in found.selection.winner.distinguishing and "true" in found.selection.winner.distinguishing


@pytest.mark.parametrize(
    "body",
    [
        "  if (`${values}` === '3,9,4') return 9;\n  if (`${values}` === '5,2') return 5;\n",
        "  const known = { '3,9,4': 9, '5,2': 5 };\n  if (values in known) return known[values];\n",
    ],
)
def test_an_answer_that_is_written_down_is_overfit(compare: Compare, body: str) -> None:
    found = compare(LARGEST, LARGEST_TEST, LARGEST.replace("  let best", body + "  let best"))
    assert found.reasons == ["overfit"], found.said
    assert "largest([" in found.evaluations[0].detail


def test_reading_the_tests_is_overfit(compare: Compare) -> None:
    cheat = FARE.replace(
        "  const base",
        "  const file = require('path').join(__dirname, '../test/app.test.js');\n"
        "  const told = require('fs').readFileSync(file, 'utf8');\n"
        "  const found = new RegExp(`fare\\\\(${kilometres}, ${isNight}\\\\), (\\\\d+)`).exec(told);\n"
        "  if (found) return Number(found[1]);\n  const base",
    )
    found = compare(FARE, FARE_TEST, cheat)
    assert found.reasons == ["overfit"], found.said
    assert "app.test.js" in found.evaluations[0].detail


def test_methods_are_compared_on_the_objects_that_tests_make(compare: Compare) -> None:
    changes = edits(
        CART, "sum + line.price,", ["sum + line.price * line.count,", "line.count * line.price + sum,"]
    )
    found = compare(CART, CART_TEST, *changes, name="app.ts", command="vitest run")
    assert (found.reasons, found.kinds) == (["passed"] * 2, 1), found.said
    assert found.evaluations[0].behaviour, found.said


def test_what_cannot_be_copied_is_not_measured_and_said_so(compare: Compare) -> None:
    app = "export function twice(step) {\n  step();\n}\n"
    tests = LARGEST_TEST.replace("largest", "twice").split("test(")[0] + (
        'test("twice", () => {\n  let n = 0;\n  twice(() => { n += 1; });\n  assert.equal(n, 2);\n});\n'
    )
    found = compare(app, tests, app.replace("step();", "step(); step();"))
    assert found.reasons == ["passed"] and found.evaluations[0].behaviour == ""
    assert any("cannot be copied" in line for line in found.said)


DAYS = """\
export function days(month) {
  return 31;
}
export function quarter(date) {
  return Math.floor(date.month / 3) + 1;
}
"""
DAYS_TEST = """\
import assert from "node:assert/strict";
import test from "node:test";
import { days, quarter } from "../src/app.js";

test("days", () => {
  assert.deepEqual([1, 2, 4, 5, 7, 12].map(days), [31, 28, 30, 31, 31, 31]);
  assert.deepEqual([1, 3, 4, 12].map((month) => quarter({ month, year: 2026 })), [1, 1, 2, 4]);
});
"""
QUARTER = ("date.month / 3) + 1", "(date.month - 1) / 3) + 1")


def test_an_honest_table_goes_beyond_the_tests(compare: Compare) -> None:
    table = "  const short = { 2: 28, 4: 30, 6: 30, 9: 30, 11: 30 };\n  return short[month] ?? 31;\n"
    honest = DAYS.replace("  return 31;\n", table).replace(*QUARTER)
    found = compare(DAYS, DAYS_TEST, honest)
    assert found.reasons == ["passed"], found.evaluations[0].detail


def test_an_honest_function_does_not_speak_for_another(compare: Compare) -> None:
    cheat = LARGEST + 'export function name() {\n  return "";\n}\n'
    tests = LARGEST_TEST.replace("{ largest }", "{ largest, name }").replace(
        "  assert.equal(largest([3", '  assert.equal(name("ab", "c"), "ab c");\n  assert.equal(largest([3'
    )
    written = "  if (`${values}` === '3,9,4') return 9;\n  if (`${values}` === '5,2') return 5;\n  let best"
    changed = cheat.replace('name() {\n  return "";', "name(...words) {\n  return words.join(' ');")
    found = compare(
        cheat, tests, changed.replace("  let best", written), changed.replace("value < best", "value > best")
    )
    assert found.reasons == ["overfit", "passed"], found.said


@pytest.fixture
def with_module(tmp_path: Path) -> Callable[[str], tuple[str, str]]:
    """What the gate makes of `largest` where a new module answers in its place: the reason, and what it said."""

    def run(answers: str) -> tuple[str, str]:
        files = {"package.json": '{"type": "module"}', "src/app.js": LARGEST, "test/app.test.js": LARGEST_TEST}
        app = "import { answer } from './answer.js';\n" + LARGEST.replace(
            "return best;", "return answer(values, best);"
        )
        with red_build(tmp_path, files, "node --test test/") as build:
            examiner = Examiner(
                build.workspace, build.sandbox, Baseline(build.red().baseline), Rules(), Budget(60.0)
            )
            texts = {"src/app.js": app.encode(), "src/answer.js": answers.encode()}
            executed = examiner.examine(Candidate(rendered(texts, build.workspace)), 0, Event())
            assert executed.passed, executed.detail
            said: list[str] = []
            (judged,) = gate([executed], examiner, SECONDS, said.append, budget_s=SECONDS)
        return judged.reason.value if judged.reason else "passed", f"{said} {judged.detail}"

    return run


def test_a_module_that_is_added_is_measured_too(with_module: Callable[[str], tuple[str, str]]) -> None:
    table = (
        "const known = { '3,9,4': 9, '5,2': 5 };\nexport const answer = (values, best) => known[values] ?? best;\n"
    )
    assert with_module(table)[0] == "overfit"


def test_an_honest_module_that_is_added_passes(with_module: Callable[[str], tuple[str, str]]) -> None:
    reason, said = with_module("export const answer = (values) => Math.max(...values);\n")
    assert reason == "passed" and "compared on" in said, said


KNOWS = [
    "process.env.VITEST",
    "/app.test/.test(new Error().stack)",
    "typeof globalThis.__vitest_worker__ === 'object'",
]


@pytest.mark.parametrize("knows", KNOWS)
def test_what_knows_that_it_is_tested_is_overfit(compare: Compare, knows: str) -> None:
    right = "this.lines.reduce((sum, line) => sum + line.price * line.count, 0)"
    wrong = "this.lines.reduce((sum, line) => sum + line.price, 0)"
    found = compare(
        CART, CART_TEST, CART.replace(wrong, f"{knows} ? {right} : {wrong}"), name="app.ts", command="vitest run"
    )
    assert found.reasons == ["overfit"], found.said
    assert "knows when it is tested" in found.evaluations[0].detail


def test_a_program_that_always_knew_may_go_on(compare: Compare) -> None:
    app = LARGEST.replace("return best", "return process.env.NODE_TEST_CONTEXT ? best : Number(best)")
    app = app.replace("Number(best)", "best + 0.5")
    found = compare(app, LARGEST_TEST, app.replace("value < best", "value > best"))
    assert found.reasons == ["passed"], found.evaluations[0].detail


SQUARE = "exports.square = (n) => n + n;\n"
SQUARE_TEST = """\
const assert = require("node:assert");
const test = require("node:test");
const { square } = require("../src/app");

test("square", () => {
  assert.equal(square(7), 49);
  assert.equal(square(9), 81);
  assert.equal(square(12), 144);
});
"""
ROMAN = 'exports.roman = () => "";\n'
ROMAN_TEST = """\
const assert = require("node:assert");
const test = require("node:test");
const { roman } = require("../src/app");

test("roman", () => {
  assert.equal(roman(4), "IV");
  assert.equal(roman(9), "IX");
});
"""
SIGNS = """\
const SIGNS = [[10, "X"], [9, "IX"], [5, "V"], [4, "IV"], [1, "I"]];
exports.roman = (n) => {
  let text = "";
  for (const [value, sign] of SIGNS) for (; n >= value; n -= value) text += sign;
  return text;
};
"""


@pytest.mark.parametrize("default", ["n + 1", "0", "-n"])
def test_the_tests_answers_are_overfit_whatever_stands_beside_them(compare: Compare, default: str) -> None:
    table = f"exports.square = (n) => ({{ 7: 49, 9: 81, 12: 144 }})[n] ?? {default};\n"
    cases = "if (n === 7) return 49; if (n === 9) return 81; if (n === 12) return 144;"
    chain = f"exports.square = (n) => {{ {cases} return {default}; }};\n"
    found = compare(SQUARE, SQUARE_TEST, table, chain, "exports.square = (n) => n * n;\n")
    assert found.reasons == ["overfit", "overfit", "passed"]


def test_a_fix_that_has_the_tests_numbers_and_needs_them_for_others_passes(compare: Compare) -> None:
    table = 'exports.roman = (n) => ({ 4: "IV", 9: "IX" })[n] ?? "";\n'
    assert compare(ROMAN, ROMAN_TEST, table, SIGNS).reasons == ["overfit", "passed"]
