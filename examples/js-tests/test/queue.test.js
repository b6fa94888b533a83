import assert from "node:assert/strict";
import test from "node:test";
import { drain, Exhausted } from "../src/index.js";

function job(name, failures = 0) {
  let left = failures;
  return {
    name,
    work: async () => {
      if (left > 0) {
        left -= 1;
        throw new Error(`${name} is busy`);
      }
      return name.toUpperCase();
    },
  };
}

test("an empty queue is drained already", async () => {
  assert.deepEqual(await drain([]), { values: [], attempts: 0 });
});

test("values come in the order of the jobs", async () => {
  const { values } = await drain([job("a"), job("b"), job("c")]);
  assert.deepEqual(values, ["A", "B", "C"]);
});

test("attempts are added up", async () => {
  const { attempts } = await drain([job("a", 1), job("b"), job("c", 2)]);
  assert.equal(attempts, 6);
});

test("a job that never succeeds ends the queue", async () => {
  await assert.rejects(drain([job("a", 5)], { attempts: 2 }), Exhausted);
});
