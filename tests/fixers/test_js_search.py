"""Real kinds of bugs in JavaScript and TypeScript, found by searching and proven by the workspace's own runner."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from llm.domain import Candidate, TestStatus
from llm.fixers.js_search import FIXER
from llm.workspace.patch import apply
from tests.fixers.red_builds import RedBuild, red_build

NODE, VITEST, JEST = "node --test test/", "vitest run", "jest"
ESM = json.dumps({"name": "app", "type": "module"})
CJS = json.dumps({"name": "app"})


@dataclass(frozen=True)
class Bug:
    """A red workspace, its check, and what the mended line says."""

    files: dict[str, str]
    command: str
    mended: tuple[str, str]


BUGS = {
    "an awaited call is not awaited": Bug(
        {
            "package.json": ESM,
            "src/store.js": """\
const rows = new Map([["a", 1]]);

async function find(id) {
  return rows.get(id);
}

/** The row's value, doubled; 0 where there is none. */
export async function doubled(id) {
  const found = find(id);   // a lookup
  return found === undefined ? 0 : found * 2;
}
""",
            "test/store.test.js": """\
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { doubled } from "../src/store.js";

describe("doubled", () => {
  it("doubles", async () => assert.equal(await doubled("a"), 2));
  it("knows nothing of others", async () => assert.equal(await doubled("b"), 0));
});
""",
        },
        NODE,
        ("src/store.js", "const found = await find(id);   // a lookup"),
    ),
    "zero is taken for nothing": Bug(
        {
            "package.json": CJS,
            "lib/page.js": """\
'use strict';

function page(items, options = {}) {
  const size = options.size ?? 10;
  const start = options.start || 5;
  return items.slice(start, start + size);
}

module.exports = { page };
""",
            "test/page.test.js": """\
const assert = require('node:assert');
const test = require('node:test');
const { page } = require('../lib/page');

const items = Array.from({ length: 20 }, (_, n) => n);

test('starts where it is told', () => assert.deepStrictEqual(page(items, { start: 0, size: 2 }), [0, 1]));
test('starts in the middle', () => assert.deepStrictEqual(page(items, { start: 7, size: 2 }), [7, 8]));
test('has a start of its own', () => assert.deepStrictEqual(page(items, { size: 1 }), [5]));
""",
        },
        NODE,
        ("lib/page.js", "  const start = options.start ?? 5;\n"),
    ),
    "the caller's list is sorted": Bug(
        {
            "package.json": ESM,
            "src/median.ts": """\
export interface Reading { at: number; value: number }

/** The middle value. */
export function median(readings: readonly Reading[]): number {
  const values: number[] = readings.map((reading) => reading.value).sort();
  const middle = Math.floor(values.length / 2);
  return values.length % 2 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}
""",
            "test/median.test.ts": """\
import { expect, test } from "vitest";
import { median } from "../src/median";

const readings = (...values: number[]) => values.map((value, at) => ({ at, value }));

test.each([
  [[1, 2, 3], 2],
  [[4, 1, 3, 2], 2.5],
])("of %j", (values, expected) => {
  expect(median(readings(...values))).toBe(expected);
});
test("numbers are no words", () => {
  expect(median(readings(10, 9, 1))).toBe(9);
  expect(median(readings(100, 20, 3, 4))).toBe(12);
});
""",
        },
        VITEST,
        ("src/median.ts", "sort((a, b) => a - b)"),
    ),
    "this is lost in a callback": Bug(
        {
            "package.json": CJS,
            "counter.js": """\
class Counter {
  constructor(step) {
    this.step = step;
    this.total = 0;
  }

  addAll(values) {
    values.forEach(function (value) {
      this.total += value * this.step;
    });
    return this.total;
  }
}

module.exports = Counter;
""",
            "counter.test.js": """\
const Counter = require('./counter');

describe('Counter', () => {
  let counter;
  beforeEach(() => { counter = new Counter(2); });

  test('adds in steps', () => {
    expect(counter.addAll([1, 2])).toBe(6);
    expect(counter.total).toEqual(6);
  });
  test('adds nothing', () => expect(counter.addAll([])).toBe(0));
});
""",
        },
        JEST,
        ("counter.js", "values.forEach((value) => {"),
    ),
    "the fault is in the second of two files": Bug(
        {
            "package.json": ESM,
            "src/cart.js": """\
import { discount } from "./prices.js";

export function total(lines, coupon) {
  const sum = lines.reduce((all, { price, count }) => all + price * count, 0);
  return sum - discount(sum, coupon);
}
""",
            "src/prices.js": """\
const RATES = { SPRING: 0.1, FRIEND: 0.25 };

/** What a coupon takes off, at most 50. */
export function discount(sum, coupon) {
  const rate = RATES[coupon] ?? 0;
  return Math.max(50, sum * rate);
}
""",
            "test/cart.test.js": """\
import assert from "node:assert/strict";
import test from "node:test";
import { total } from "../src/cart.js";

test("a coupon takes its share", () => assert.equal(total([{ price: 20, count: 2 }], "SPRING"), 36));
test("but no more than 50", () => assert.equal(total([{ price: 400, count: 1 }], "FRIEND"), 350));
test("without a coupon it costs what it costs", () => assert.equal(total([{ price: 7, count: 3 }]), 21));
""",
        },
        NODE,
        ("src/prices.js", "return Math.min(50, sum * rate);"),
    ),
    "the loop runs once too often": Bug(
        {
            "package.json": CJS,
            "src/chunk.ts": """\
export function chunk<T>(items: T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let at = 0; at <= items.length; at += size) {
    chunks.push(items.slice(at, at + size));
  }
  return chunks;
}
""",
            "src/chunk.test.ts": """\
import { describe, expect, it, vi } from "vitest";
import { chunk } from "./chunk";

describe("chunk", () => {
  it("has whole chunks", () => expect(chunk([0, "", 3, 4], 2)).toEqual([[0, ""], [3, 4]]));
  it("has a rest", () => expect(chunk(["a", "b", "c"], 2)).toEqual([["a", "b"], ["c"]]));
  it("is shorter than a chunk", () => expect(chunk([""], 7)).toEqual([[""]]));
  it("has nothing of nothing", () => expect(chunk([], 3)).toStrictEqual([]));
  it("calls nobody", () => {
    const seen = vi.fn();
    chunk([1], 1);
    expect(seen).not.toHaveBeenCalled();
  });
});
""",
        },
        VITEST,
        ("src/chunk.ts", "at < items.length"),
    ),
}


def first_green(build: RedBuild) -> Candidate:
    """The first candidate after which the check's own command is green; nothing is made after it."""
    red = build.red()
    assert FIXER.wants(red) and FIXER.missing(red) == ""
    proposals = FIXER.propose(red)
    found = next((candidate for candidate in proposals if build.green(candidate)), None)
    proposals.close()
    assert found, build.said
    return found


TWO_FAULTS = {
    "package.json": ESM,
    "src/words.js": """\
export function initials(name) {
  return name.split(" ").map((word) => word[1]).join("");
}

export function shout(text) {
  return `${text.toLowerCase()}!`;
}
""",
    "test/words.test.js": """\
import assert from "node:assert/strict";
import test from "node:test";
import { initials, shout } from "../src/words.js";

test("initials", () => assert.equal(initials("Ada Lovelace"), "AL"));
test("shout", () => assert.equal(shout("Fire"), "FIRE!"));
test("shout nothing", () => assert.equal(shout(""), "!"));
""",
}
ONE_FAULT_IN_TWO_PLACES = {
    "package.json": CJS,
    "src/clamp.js": """\
exports.clamp = (value, low, high) => {\r
  if (value > low) return low;   // too small\r
  if (value < high) return high;\r
  return value;\r
};\r
""",
    "test/clamp.test.js": """\
const assert = require("node:assert");
const test = require("node:test");
const { clamp } = require("../src/clamp");

test("clamp", () => {
  assert.equal(clamp(0, 2, 8), 2);
  assert.equal(clamp(5, 2, 8), 5);
  assert.equal(clamp(9, 2, 8), 8);
  assert.equal(clamp(8, 2, 8), 8);
});
""",
}
MOCKED = {
    "package.json": ESM,
    "src/clock.ts": "export const now = (): number => Date.now();\n",
    "src/age.ts": """\
import { now } from "./clock";

export function age(bornAt: number): number {
  return bornAt - now();
}
""",
    "test/age.test.ts": """\
import { expect, it, vi } from "vitest";
import { age } from "../src/age";

vi.mock("../src/clock", () => ({ now: () => 100 }));

it("is the time since birth", () => expect(age(40)).toBe(60));
""",
}


def test_two_faults_are_mended_together(tmp_path: Path) -> None:
    with red_build(tmp_path, TWO_FAULTS, NODE) as build:
        after = build.after(first_green(build))["src/words.js"]
    assert "word[0]" in after and "toUpperCase" in after


def test_where_one_fault_is_out_of_reach_the_other_is_mended_and_nothing_broken(tmp_path: Path) -> None:
    source = TWO_FAULTS["src/words.js"].replace("${text.toLowerCase()}!", "${text.length}${text.length}${text}")
    with red_build(tmp_path, {**TWO_FAULTS, "src/words.js": source}, NODE) as build:
        best = build.candidates(FIXER)[0]
        mended = build.run(build.checks[0], apply(best.diff, build.workspace))
    told = {outcome.id.rpartition(" > ")[2]: outcome.status for outcome in mended.tests or ()}
    assert told["initials"] is TestStatus.PASSED and told["shout"] is TestStatus.FAILED


def test_two_edits_together_where_the_first_gets_the_test_further(tmp_path: Path) -> None:
    with red_build(tmp_path, ONE_FAULT_IN_TWO_PLACES, NODE) as build:
        after = build.after(first_green(build))["src/clamp.js"]
    assert after.count("\r\n") == after.count("\n") == 5
    assert "// too small" in after


def test_what_cannot_run_in_one_process_is_left_to_the_real_runner(tmp_path: Path) -> None:
    with red_build(tmp_path, MOCKED, VITEST) as build:
        after = build.after(first_green(build))
        said = list(build.said)
    assert after["src/age.ts"].count("now() - bornAt") == 1
    assert any("vi.mock" in line for line in said), said


def test_an_endless_loop_costs_one_candidate_only(tmp_path: Path) -> None:
    """Most edits of this loop never end; the one that is right comes after some of them."""
    source = """\
exports.halvings = (n) => {
  let count = 0;
  while (n > 1) {
    n = Math.ceil(n / 2);
    count += 2;
  }
  return count;
};
"""
    test = """\
const assert = require("node:assert");
require("node:test").test("halvings", () => {
  const { halvings } = require("../src/halvings");
  assert.deepEqual([1, 2, 3, 8].map(halvings), [0, 1, 2, 3]);
});
"""
    files = {"package.json": CJS, "src/halvings.js": source, "test/halvings.test.js": test}
    with red_build(tmp_path, files, NODE) as build:
        assert "count += 1;" in build.after(first_green(build))["src/halvings.js"]


@pytest.mark.parametrize("name", BUGS)
def test_finds_the_edit(name: str, tmp_path: Path) -> None:
    bug = BUGS[name]
    with red_build(tmp_path, bug.files, bug.command) as build:
        path, mended = bug.mended
        candidate = first_green(build)
        after = build.after(candidate)
    assert set(after) == {path}
    assert mended in after[path], candidate.diff
    assert candidate.origin.startswith("js_search: ") and 0 < candidate.prior <= 0.5
