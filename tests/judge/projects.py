"""One small red workspace for each kind of tool, and a genuine change that turns it green."""

from __future__ import annotations

from tests.judge.court import Project
from tests.workspace_python import PYTHON

APP = """\
def total(prices):
    return sum(prices) - 1


def first(prices):
    return prices[0] if prices else None
"""
MENDED = """\
def total(prices):
    result = 0
    for price in prices:
        result += price
    return result


def first(prices):
    if not prices:
        raise ValueError("there is no first price")
    return prices[0]
"""
PYTEST_TESTS = """\
import pytest

from app import first, total


def test_total():
    assert total([1, 2]) == 3


@pytest.mark.parametrize(("prices", "expected"), [([], 0), ([5], 5), ([2, 2, 2], 6)])
def test_totals(prices, expected):
    assert total(prices) == expected


def test_first():
    assert first([7, 8]) == 7


def test_first_of_nothing():
    with pytest.raises(ValueError):
        first([])
"""
UNITTEST_TESTS = """\
import unittest

from app import first, total


class TestPrices(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([1, 2]), 3)

    def test_totals(self):
        for prices, expected in (([], 0), ([5], 5), ([2, 2, 2], 6)):
            with self.subTest(prices=prices):
                self.assertEqual(total(prices), expected)

    def test_first(self):
        self.assertEqual(first([7, 8]), 7)

    def test_first_of_nothing(self):
        with self.assertRaises(ValueError):
            first([])
"""
JS = """\
function total(prices) {
  return prices.reduce((sum, price) => sum + price, 0) - 1;
}

function first(prices) {
  return prices[0];
}
"""
JS_MENDED = """\
function total(prices) {
  return prices.reduce((sum, price) => sum + price, 0);
}

function first(prices) {
  if (prices.length === 0) {
    throw new RangeError("there is no first price");
  }
  return prices[0];
}
"""
COMMON_JS, MODULE = "\nmodule.exports = { total, first };\n", "\nexport { total, first };\n"
NODE_TESTS = """\
const { test } = require("node:test");
const assert = require("node:assert");
const { total, first } = require("./app.js");

test("adds", () => assert.strictEqual(total([1, 2]), 3));
test("adds nothing", () => assert.strictEqual(total([]), 0));
test("knows the first", () => assert.strictEqual(first([7, 8]), 7));
test("has no first of nothing", () => assert.throws(() => first([]), RangeError));
"""
EXPECTING = """\
test("adds", () => { expect(total([1, 2])).toBe(3); });
test.each([[[], 0], [[5], 5]])("adds %j", (prices, sum) => { expect(total(prices)).toBe(sum); });
test("knows the first", () => { expect(first([7, 8])).toBe(7); });
test("has no first of nothing", () => { expect(() => first([])).toThrow(RangeError); });
"""
VITEST_TESTS = f"""\
import {{ expect, test }} from "vitest";
import {{ total, first }} from "./app.js";
{EXPECTING}"""
JEST_TESTS = f"""\
const {{ total, first }} = require("./app.js");
{EXPECTING}"""

TYPED = """\
def total(prices: list[int]) -> int:
    return sum(prices)


def label(count: int) -> str:
    return count
"""
TYPED_MENDED = """\
def total(prices: list[int]) -> int:
    return sum(prices)


def label(count: int) -> str:
    noun = "price" if count == 1 else "prices"
    return f"{count} {noun}"
"""
TS = """\
export function label(count: number): string {
  return count;
}

export function total(prices) {
  return prices.length;
}
"""
TS_MENDED = """\
export function label(count: number): string {
  const noun = count === 1 ? "price" : "prices";
  return `${count} ${noun}`;
}

export function total(prices: number[]): number {
  return prices.length;
}
"""
LINTED = """\
import os
import sys


def path():
    return sys.path
"""
ESLINTED = """\
const unused = 1;

export function ask(answer) {
  debugger;
  return answer;
}
"""
STRICT = '{ "compilerOptions": { "strict": true } }\n'
TSCONFIG = """\
{
  "extends": "./config/strict.json",
  "compilerOptions": {
    "noEmit": true, "skipLibCheck": true, "module": "esnext", "moduleResolution": "bundler", "types": []
  },
  "include": ["src"]
}
"""
ESLINT_CONFIG = """\
import rules from "./lint/rules.mjs";
export default [{ rules }];
"""
ESLINT_RULES = 'export default { "no-unused-vars": "error", "no-debugger": "error" };\n'

PYTEST = f"PYTHONPATH=. {PYTHON} -m pytest -q"
PROJECTS = {
    "pytest": Project(
        PYTEST,
        {"app.py": APP, "test_app.py": PYTEST_TESTS, "test_other.py": "def test_other():\n    assert True\n"},
        {"app.py": MENDED},
    ),
    "unittest": Project(
        f"{PYTHON} -m unittest",
        {"app.py": APP, "test_app.py": UNITTEST_TESTS},
        {"app.py": MENDED},
    ),
    "node:test": Project(
        "node --test",
        {"app.js": JS + COMMON_JS, "app.test.js": NODE_TESTS, "package.json": "{}\n"},
        {"app.js": JS_MENDED + COMMON_JS},
    ),
    "npm test": Project(
        "npm test",
        {
            "app.js": JS + COMMON_JS,
            "app.test.js": NODE_TESTS,
            "package.json": '{"scripts": {"test": "node --test"}}\n',
        },
        {"app.js": JS_MENDED + COMMON_JS},
    ),
    "vitest": Project(
        "vitest run",
        {"app.js": JS + MODULE, "app.test.js": VITEST_TESTS, "package.json": '{"type": "module"}\n'},
        {"app.js": JS_MENDED + MODULE},
    ),
    "jest": Project(
        "jest",
        {"app.js": JS + COMMON_JS, "app.test.js": JEST_TESTS, "package.json": '{"jest": {}}\n'},
        {"app.js": JS_MENDED + COMMON_JS},
    ),
    "ruff": Project(
        "ruff check .",
        {"shop/app.py": LINTED, "shop/__init__.py": "", "ruff.toml": 'lint.select = ["F"]\n'},
        {"shop/app.py": LINTED.replace("import os\n", "")},
    ),
    "mypy": Project(
        f"{PYTHON} -m mypy shop",
        {"shop/app.py": TYPED, "shop/__init__.py": "", "mypy.ini": "[mypy]\nstrict = True\n"},
        {"shop/app.py": TYPED_MENDED},
    ),
    "tsc": Project(
        "tsc -p .",
        {"src/app.ts": TS, "tsconfig.json": TSCONFIG, "config/strict.json": STRICT},
        {"src/app.ts": TS_MENDED},
    ),
    "eslint": Project(
        "eslint .",
        {"src/app.js": ESLINTED, "eslint.config.mjs": ESLINT_CONFIG, "lint/rules.mjs": ESLINT_RULES},
        {"src/app.js": "export function ask(answer) {\n  return answer;\n}\n"},
    ),
}
