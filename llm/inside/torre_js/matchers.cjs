'use strict';
/* `expect` and the mocks of vitest and jest, taken from the workspace's own installation. */
const { createRequire } = require('module');

const NO_SNAPSHOTS = [
  'toMatchSnapshot',
  'toMatchInlineSnapshot',
  'toThrowErrorMatchingSnapshot',
  'toThrowErrorMatchingInlineSnapshot',
];

/** A package that is a dependency of a dependency, also where the installer does not hoist. */
function deep(require, chain) {
  const direct = chain[chain.length - 1];
  try {
    return require(direct);
  } catch (problem) {
    if (problem.code !== 'MODULE_NOT_FOUND' || chain.length === 1) throw problem; // not hoisted: step by step
    return deep(createRequire(require.resolve(`${chain[0]}/package.json`)), chain.slice(1));
  }
}

/** An object that complains about what it does not have. */
const complete = (object, name, miss) =>
  new Proxy(object, {
    get: (target, key) =>
      key in target || typeof key === 'symbol' || key === 'then' ? target[key] : miss(`${name}.${String(key)}`),
  });

function jest(require, miss) {
  const { expect } = deep(require, ['jest', '@jest/core', 'jest-runtime', '@jest/globals', '@jest/expect', 'expect']);
  const { ModuleMocker } = deep(require, ['jest', '@jest/core', 'jest-runtime', 'jest-mock']);
  const mocker = new ModuleMocker(globalThis);
  const bound = (name) => mocker[name].bind(mocker);
  expect.extend(Object.fromEntries(NO_SNAPSHOTS.map((name) => [name, () => miss(name)])));
  const mocks = {
    fn: bound('fn'),
    spyOn: bound('spyOn'),
    isMockFunction: bound('isMockFunction'),
    mocked: (each) => each,
    setTimeout() {},
    clearAllMocks: bound('clearAllMocks'),
    resetAllMocks: bound('resetAllMocks'),
    restoreAllMocks: bound('restoreAllMocks'),
  };
  const reset = () => {
    mocker.restoreAllMocks();
    expect.setState({ assertionCalls: 0, expectedAssertionsNumber: null, isExpectingAssertions: false });
  };
  return { expect, mocks: complete(mocks, 'jest', miss), reset };
}

function vitest(require, miss) {
  const from = createRequire(require.resolve('vitest/package.json'));
  const parts = from('@vitest/expect');
  const spies = from('@vitest/spy');
  const { chai } = parts;
  for (const plugin of [parts.JestExtend, parts.JestChaiExpect, parts.JestAsymmetricMatchers]) chai.use(plugin);
  const expect = Object.assign((value, message) => chai.expect(value, message), chai.expect);
  Object.assign(expect, {
    getState: () => parts.getState(expect),
    setState: (state) => parts.setState(state, expect),
    assertions() {},
    hasAssertions() {},
    extend: (more) => chai.expect.extend(expect, more),
    soft: expect,
    unreachable: (message) => {
      throw new Error(message || 'unreachable');
    },
    poll: () => miss('expect.poll'),
  });
  Object.defineProperty(globalThis, parts.GLOBAL_EXPECT, { value: expect, writable: true, configurable: true });
  expect.setState({
    assertionCalls: 0,
    isExpectingAssertions: false,
    expectedAssertionsNumber: null,
    testPath: '',
    currentTestName: '',
  });
  expect.extend(Object.fromEntries(NO_SNAPSHOTS.map((name) => [name, () => miss(name)])));
  const { fn, spyOn, isMockFunction, clearAllMocks, resetAllMocks, restoreAllMocks } = spies;
  const mocks = { fn, spyOn, isMockFunction, clearAllMocks, resetAllMocks, restoreAllMocks, mocked: (each) => each };
  return {
    expect,
    mocks: complete(mocks, 'vi', miss),
    reset: () => {
      if (restoreAllMocks) restoreAllMocks();
    },
  };
}

const made = new Map();

/** {expect, mocks, reset} of a framework, made once a process. `miss(what)` is called for what there is not. */
function matchers(framework, require, miss) {
  const current = made.get(framework) || { miss };
  current.miss = miss;
  if (!made.has(framework))
    made.set(
      framework,
      Object.assign(
        current,
        (framework === 'jest' ? jest : vitest)(require, (what) => current.miss(what)),
      ),
    );
  return current;
}

module.exports = { matchers };
