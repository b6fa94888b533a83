import assert from "node:assert/strict";
import test from "node:test";
import { Exhausted, exponential, retry, steady } from "../src/index.js";

/** Work that fails so many times before it succeeds. */
function flaky(failures, value = "done") {
  let left = failures;
  return async () => {
    if (left > 0) {
      left -= 1;
      throw new Error(`not yet, ${left} to go`);
    }
    return value;
  };
}

test("success at once takes one attempt", async () => {
  assert.deepEqual(await retry(flaky(0)), { value: "done", attempts: 1 });
});

test("failures are repeated", async () => {
  assert.deepEqual(await retry(flaky(2)), { value: "done", attempts: 3 });
});

test("the last failure is the cause", async () => {
  await assert.rejects(retry(flaky(9), { attempts: 2 }), (error) => {
    assert.ok(error instanceof Exhausted);
    assert.equal(error.attempts, 2);
    assert.equal(error.cause.message, "not yet, 7 to go");
    return true;
  });
});

test("steady pauses stay the same", () => {
  assert.deepEqual([1, 2, 3].map(steady(20)), [20, 20, 20]);
});

test("exponential pauses double up to the limit", () => {
  assert.deepEqual([1, 2, 3, 4].map(exponential(10, 35)), [10, 20, 35, 35]);
});
