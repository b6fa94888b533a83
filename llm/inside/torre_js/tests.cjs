'use strict';
/*
 * The test functions of node:test, vitest and jest, as far as most tests use them, run in this process: a filter
 * before the real runner, which has the last word. What is missing throws `Unsupported` and is noted in the session.
 */
const path = require('path');
const { format } = require('util');
const { createRequire } = require('module');

const { matchers } = require('./matchers.cjs');

const HOOKS = ['before', 'after', 'beforeEach', 'afterEach'];

class Unsupported extends Error {}

class Suite {
  constructor(name, parent, skip = false) {
    Object.assign(this, {
      name,
      parent,
      skip,
      items: [],
      hooks: Object.fromEntries(HOOKS.map((hook) => [hook, []])),
    });
  }
  get names() {
    return this.parent ? [...this.parent.names, this.name] : [];
  }
  get line() {
    return this.parent ? [...this.parent.line, this] : [this];
  }
}

/** `%s` and `$name` in the title of a row. */
function titled(title, row, n) {
  const values = Array.isArray(row) ? row : [row];
  const count = (title.match(/%[sdifjoOp]/g) || []).length;
  const numbered = title.replace(/%#/g, n).replace(/%p/g, '%o');
  const filled = count ? format(numbered, ...values.slice(0, count)) : numbered.replace(/%%/g, '%');
  const object = row !== null && typeof row === 'object' && !Array.isArray(row) ? row : {};
  return filled.replace(/\$([A-Za-z_]\w*)/g, (whole, name) => (name in object ? String(object[name]) : whole));
}

/** The rows of each`a | b ${1} | ${2}`. */
function rowsOf(table, values) {
  if (!Array.isArray(table.raw)) return table;
  const names = table[0].split('|').map((name) => name.trim());
  const rows = [];
  for (let at = 0; at + names.length <= values.length; at += names.length) {
    rows.push(Object.fromEntries(names.map((name, n) => [name, values[at + n]])));
  }
  return rows;
}

class Session {
  /** `framework` is node_test, vitest or jest, found from `home`; `tell(id, error)` hears each result. */
  constructor(framework, root, home, tell) {
    Object.assign(this, {
      framework,
      root,
      home,
      tell,
      unsupported: '',
      wanted: null,
      current: '',
      suite: null,
      file: '',
    });
  }
  miss(what) {
    this.unsupported = what;
    throw new Unsupported(what);
  }

  // ------------------------------------------------------------------------------------------- registration

  begin(file) {
    this.file = path.relative(this.root, file);
    this.suite = new Suite('', null);
    return this.suite;
  }
  add(name, given, skip) {
    const fn = given.find((each) => typeof each === 'function');
    const options = given.find((each) => each && typeof each === 'object') || {};
    this.suite.items.push({
      name,
      fn,
      parent: this.suite,
      skip: Boolean(skip || !fn || options.skip || options.todo),
    });
  }
  describe(name, given, skip) {
    const suite = new Suite(name, this.suite, skip);
    this.suite.items.push(suite);
    this.suite = suite;
    const fn = given.find((each) => typeof each === 'function');
    try {
      if (fn) fn();
    } finally {
      this.suite = suite.parent;
    }
  }
  /** `test` or `describe` with its further forms. */
  registrar(register) {
    const named =
      (skip) =>
      (...given) => {
        const name = typeof given[0] === 'string' ? given.shift() : given[0] && given[0].name;
        register(name || '<anonymous>', given, skip);
      };
    const each =
      (table, ...values) =>
      (title, ...given) => {
        const fn = given.find((g) => typeof g === 'function');
        [...rowsOf(table, values)].forEach((row, n) =>
          register(titled(title, row, n), [() => fn(...(Array.isArray(row) ? row : [row]))], false),
        );
      };
    const call = named(false);
    const skip = Object.assign(named(true), { each: () => () => {} });
    return Object.assign(call, {
      skip,
      todo: named(true),
      concurrent: call,
      sequential: call,
      each,
      for: each,
      only: Object.assign(named(false), { each }),
      skipIf: (no) => (no ? skip : call),
      runIf: (yes) => (yes ? call : skip),
    });
  }
  functions() {
    const hook =
      (kind) =>
      (...given) => {
        this.suite.hooks[kind].push(given.find((each) => typeof each === 'function'));
      };
    const test = this.registrar((...all) => this.add(...all));
    const describe = this.registrar((...all) => this.describe(...all));
    return {
      test,
      it: test,
      describe,
      suite: describe,
      before: hook('before'),
      after: hook('after'),
      beforeAll: hook('before'),
      afterAll: hook('after'),
      beforeEach: hook('beforeEach'),
      afterEach: hook('afterEach'),
    };
  }

  /** Specifier → module, for the loader; and the globals that the framework sets. */
  given() {
    const functions = this.functions();
    if (this.framework === 'node_test') {
      const real = require('node:test');
      const api = Object.assign(functions.test, functions, { mock: real.mock, default: functions.test });
      this.reset = () => real.mock.reset();
      return {
        modules: new Map([
          ['node:test', api],
          ['test', api],
        ]),
        globals: {},
      };
    }
    const made = matchers(this.framework, createRequire(path.join(this.home, 'package.json')), (what) =>
      this.miss(what),
    );
    this.reset = made.reset;
    const api = { ...functions, expect: made.expect, [this.framework === 'jest' ? 'jest' : 'vi']: made.mocks };
    return { modules: new Map([[this.framework === 'jest' ? '@jest/globals' : 'vitest', api]]), globals: api };
  }

  // ------------------------------------------------------------------------------------------------ running
  // Generators: what they yield is a promise to wait for, so that a caller can time each step.

  *run(suite = this.suite) {
    if (!this.wants(suite)) return;
    let broken = null;
    try {
      for (const hook of suite.hooks.before) yield* this.call(hook, []);
    } catch (error) {
      broken = error || new Error('a hook');
    }
    try {
      for (const item of suite.items.filter((each) => !each.skip))
        yield* item instanceof Suite ? this.run(item) : this.test(item, broken);
    } finally {
      for (const hook of suite.hooks.after) yield* this.call(hook, []);
    }
  }
  id(test) {
    return [this.file, ...test.parent.names, test.name].join(' > ');
  }
  wants(item) {
    if (!this.wanted) return true;
    if (item instanceof Suite) return item.items.some((each) => this.wants(each));
    const id = this.id(item);
    return this.wanted.has(id) || [...this.wanted].some((each) => each.startsWith(`${id} > `));
  }
  *test(test, broken) {
    if (!this.wants(test)) return;
    const id = this.id(test);
    this.current = id;
    let error = broken;
    const context = this.context(test);
    try {
      if (error) throw error;
      for (const suite of test.parent.line)
        for (const hook of suite.hooks.beforeEach) yield* this.call(hook, [context]);
      yield* this.call(test.fn, this.framework === 'jest' ? [] : [context]);
    } catch (thrown) {
      error = thrown || new Error('nothing thrown');
    }
    try {
      const own = context.afters || [];
      for (const hook of own) yield* this.call(hook, []);
      for (const suite of [...test.parent.line].reverse())
        for (const hook of suite.hooks.afterEach) yield* this.call(hook, [context]);
    } catch (thrown) {
      error ||= thrown || new Error('nothing thrown');
    }
    if (this.reset) this.reset();
    if (context.failedWithin && !error) return; // the runner reports the inner tests
    this.tell(id, error);
  }
  /** Call a test or a hook; a function with one more parameter wants a callback. */
  *call(fn, given) {
    const takesCallback = this.framework !== 'vitest' && fn.length > given.length;
    if (takesCallback) {
      yield new Promise((resolve, reject) => {
        fn(...given, (error) => (error ? reject(error) : resolve()));
      });
      return;
    }
    const result = fn(...given);
    if (result && typeof result.then === 'function') yield result;
  }
  context(test) {
    if (this.framework === 'vitest')
      return { task: { name: test.name }, expect: this.expect, skip() {}, onTestFinished() {} };
    const context = {
      name: test.name,
      afters: [],
      failedWithin: false,
      signal: new AbortController().signal,
      diagnostic() {},
      skip() {},
      todo() {},
      plan() {},
    };
    const within = new Suite(test.name, test.parent);
    within.hooks = { before: [], after: [], beforeEach: [], afterEach: [] };
    context.test = async (name, ...given) => {
      const fn = given.find((each) => typeof each === 'function');
      const inner = { name, fn, parent: within };
      let thrown = null;
      try {
        if (fn) await fn(this.context(inner));
      } catch (error) {
        thrown = error || new Error('nothing thrown');
      }
      if (thrown) context.failedWithin = true;
      this.tell(this.id(inner), thrown);
    };
    Object.assign(context.test, { skip() {}, todo() {} });
    Object.assign(context, {
      it: context.test,
      after: (fn) => context.afters.push(fn),
      before: (fn) => fn(),
      beforeEach() {},
      afterEach() {},
      mock: require('node:test').mock,
    });
    context.assert = require('assert');
    return context;
  }
}

module.exports = { Session };
