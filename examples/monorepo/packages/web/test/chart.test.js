import assert from "node:assert/strict";
import test from "node:test";
import { chart } from "../dist/chart.js";
import { parseReport } from "../dist/usage.js";

const REPORT = '[{"month": "2024-02", "kwh": 230}, {"month": "2024-03", "kwh": 80}]';

test("a report is parsed", () => {
  assert.deepEqual(parseReport(REPORT)[1], { month: "2024-03", kwh: 80 });
});

test("anything else is refused", () => {
  for (const text of ["{}", "[1]", '[{"month": "May", "kwh": 1}]', '[{"month": "2024-02", "kwh": "1"}]']) {
    assert.throws(() => parseReport(text), /not a usage report/);
  }
});

test("the highest month fills the width", () => {
  assert.deepEqual(chart(parseReport(REPORT), { width: 23 }), [
    `2024-02 ${"#".repeat(23)} 230`,
    `2024-03 ${"#".repeat(8)} 80`,
  ]);
});

test("no use draws no bars", () => {
  assert.deepEqual(chart([{ month: "2024-02", kwh: 0 }], { mark: "*" }), ["2024-02  0"]);
});
