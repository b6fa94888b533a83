'use strict';
/* What code sees of a test that calls it: variables, globals, the program's name, the callers on the stack. */
const vm = require('vm');

const { Session } = require('./tests.cjs');

const VARIABLES = {
  node_test: { NODE_TEST_CONTEXT: 'child-v8' },
  jest: { NODE_ENV: 'test', JEST_WORKER_ID: '1' },
  vitest: {
    ...{ NODE_ENV: 'test', VITEST: 'true', TEST: 'true', VITEST_MODE: 'RUN' },
    ...{ VITEST_POOL_ID: '1', VITEST_WORKER_ID: '1' },
  },
};
const GLOBALS = { node_test: {}, jest: {}, vitest: { __vitest_worker__: {}, __vitest_index__: {} } };

/** `owner` with these properties while `work` goes on. */
async function having(owner, values, work) {
  const before = Object.keys(values).map((name) => [name, Object.getOwnPropertyDescriptor(owner, name)]);
  try {
    for (const [name, value] of Object.entries(values)) owner[name] = value;
    return await work();
  } finally {
    for (const [name, known] of before) {
      delete owner[name];
      if (known) Object.defineProperty(owner, name, known);
    }
  }
}

/** `work(through)` as the framework would have it done; `through` calls from a test file. */
async function asInTests({ framework, root, home, tests: [file] }, work) {
  const { globals } = new Session(framework, root, home, () => {}).given();
  const through = vm.compileFunction('return work();', ['work'], { filename: file });
  const seen = { ...GLOBALS[framework], ...globals };
  return having(process.env, VARIABLES[framework], () =>
    having(globalThis, seen, () => having(process.argv, { 1: file }, () => work(through))),
  );
}

module.exports = { asInTests };
