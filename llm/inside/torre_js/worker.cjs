'use strict';
/*
 * Runs tests for one version of the workspace after the other in this process. Messages from the parent:
 *   {begin: {root, home, framework, modules: [compiled], files, limitMs}}   what does not change
 *   {look: {modules: [compiled]}}   run all tests with these (counted) modules; answers {looked: [test], unsupported,
 *     slowdown: seconds of the clock a second of work}
 *   {plan: {files: [{file, targets: [id], keep: [id]}], only, limitMs}}   what a candidate is asked
 *   {judge: [{id, modules, limitMs}]}   answers {id, fixed: [id], passed, why, at} for each, in order
 * An answer may never come: then the parent ends this process.
 */
const path = require('path');

const { Program } = require('./load.cjs');
const { Session } = require('./tests.cjs');
const { Over, driven } = require('./timing.cjs');

// Verdicts are this file's to send.
const send = process.send.bind(process);
delete process.send;

const ASSERTIONS = /^(AssertionError|JestAssertionError)$/;
const state = {};
const hits = new Set();
let lastHit;

const AWAITED_MS = 300; // a failing test may not have come to where it waits

// What a candidate leaves behind is cleared: timers, and an exit that it asked for.
const timers = new Set();
for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
  const real = globalThis[name];
  const clear = name === 'setImmediate' ? clearImmediate : clearTimeout;
  const wrapped = (...given) => {
    const timer = real(...given);
    timers.add([clear, timer]);
    return timer;
  };
  globalThis[name] = Object.assign(
    wrapped,
    Object.getOwnPropertyDescriptors(real)[require('util').promisify.custom]
      ? { [require('util').promisify.custom]: real[require('util').promisify.custom] }
      : {},
  );
}
function cleared() {
  for (const [clear, timer] of timers) clear(timer);
  timers.clear();
}
class Exit extends Error {}
process.exit = (code) => {
  throw new Exit(`exit ${code}`);
};
process.on('unhandledRejection', () => {});
process.on('uncaughtException', (error) => {
  state.uncaught = error;
});
for (const name of ['log', 'info', 'debug', 'warn', 'error', 'table', 'trace', 'dir']) console[name] = () => {};

/** What programs share although their modules are fresh: if it changed, this process is used up. */
function shared() {
  const places = [globalThis, Object, Array, String, Number, Math, JSON, Promise, console]
    .flatMap((each) => [each, each.prototype])
    .filter(Boolean);
  return places
    .map((each) => Object.getOwnPropertyNames(each).filter((name) => !name.startsWith('__torre')).length)
    .join();
}

function sessionFor(tell) {
  const session = new Session(state.framework, state.root, state.home, tell);
  const { modules, globals } = session.given();
  for (const [name, value] of Object.entries(globals))
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  session.expect = globals.expect;
  return { session, given: modules };
}

/** One test file: load it, then run what it registered. */
function* file(program, session, name) {
  session.begin(name);
  session.current = '';
  const module = program.load(name);
  if (module.pending) yield module.pending;
  yield* session.run();
}

async function runFiles(modules, files, session, given, limitMs, stop = () => false) {
  const program = new Program(modules, given, (n) => {
    hits.add(n);
    lastHit = n;
  });
  for (const name of files) {
    state.uncaught = undefined;
    await driven(file(program, session, name), limitMs, Math.max(limitMs, AWAITED_MS));
    if (state.uncaught) throw state.uncaught;
    if (stop()) return;
  }
}

const nameOf = (error) => (error && error.constructor && error.constructor.name) || '';

/** Where in the test file a test failed: later is further. */
function lineIn(error, name) {
  const at = error && typeof error.stack === 'string' ? error.stack.split(`${name}:`)[1] : '';
  return at ? parseInt(at, 10) || 0 : 0;
}

async function look({ modules }) {
  const counted = new Map(state.modules);
  for (const module of modules) counted.set(module.path, module);
  const tests = [];
  let unsupported = '';
  const began = { wall: performance.now(), cpu: process.cpuUsage() };
  for (const name of state.files) {
    const excluded = new Set();
    for (let tries = 0; tries < 3; tries++) {
      const outcome = await lookAt(counted, name, excluded);
      if (!outcome.hung && !excluded.size) await timedAgain(outcome.tests, counted, name, excluded);
      tests.push(...outcome.tests);
      unsupported ||= outcome.unsupported;
      if (!outcome.hung) break;
      for (const test of outcome.tests) excluded.add(test.id);
    }
  }
  const { user, system } = process.cpuUsage(began.cpu);
  return { looked: tests, unsupported, slowdown: (1000 * (performance.now() - began.wall)) / (user + system + 1) };
}

/** The first run compiles; how long a test takes is what the second one says. */
async function timedAgain(tests, counted, name, excluded) {
  const again = await lookAt(counted, name, excluded);
  for (const test of tests) {
    const same = again.tests.find((each) => each.id === test.id);
    if (same) test.ms = Math.min(test.ms, same.ms);
  }
}

async function lookAt(modules, name, excluded) {
  const tests = [];
  let began = process.hrtime.bigint();
  const tell = (id, error) => {
    const ms = Number(process.hrtime.bigint() - began) / 1e6;
    const why = error ? String(error.message || error) : '';
    const asserted =
      error && (error.code === 'ERR_ASSERTION' || ASSERTIONS.test(nameOf(error)) || 'matcherResult' in Object(error));
    tests.push({
      id,
      file: name,
      failed: Boolean(error),
      hits: [...hits],
      ms,
      why,
      at: lineIn(error, name),
      stopped: error && !asserted ? lastHit : undefined,
    });
    hits.clear();
    began = process.hrtime.bigint();
  };
  const { session, given } = sessionFor(tell);
  const skip = session.wants.bind(session);
  session.wants = (item) => skip(item) && !(item.fn && excluded.has(session.id(item)));
  let hung = false;
  try {
    await runFiles(modules, [name], session, given, state.limitMs);
  } catch (error) {
    hung = error instanceof Over && session.current !== '';
    tell(session.current || path.relative(state.root, name), error);
  }
  cleared();
  return { tests, hung, unsupported: session.unsupported };
}

async function judge({ id, modules: changed, limitMs }) {
  const verdict = { id, fixed: [], passed: false, why: '', at: 0 };
  const targets = new Set(state.plan.files.flatMap((each) => each.targets));
  const keep = new Set(state.plan.files.flatMap((each) => each.keep));
  const left = new Set([...targets, ...keep]);
  let missed = 0;
  class Enough extends Error {}
  const tell = (test, error) => {
    if (!error) {
      left.delete(test);
      if (targets.has(test)) verdict.fixed.push(test);
      return;
    }
    if (keep.has(test)) {
      verdict.why = 'breaks';
      verdict.fixed = [];
      throw new Enough();
    }
    if (targets.has(test)) {
      missed += 1;
      const file = state.plan.files.find((each) => each.targets.includes(test)).file;
      verdict.at += lineIn(error, file);
      if (missed === targets.size) throw new Enough();
    }
  };
  const { session, given } = sessionFor(tell);
  if (state.plan.only) session.wanted = left;
  const modules = new Map(state.modules);
  for (const module of changed) modules.set(module.path, module);
  try {
    await runFiles(
      modules,
      state.plan.files.map((each) => each.file),
      session,
      given,
      limitMs,
      () => missed > 0 && verdict.fixed.length === 0,
    );
    verdict.passed = left.size === 0;
    if (!verdict.passed && [...keep].some((test) => left.has(test))) verdict.fixed = [];
  } catch (error) {
    if (!(error instanceof Enough)) {
      verdict.fixed = [];
      verdict.why = error instanceof Over ? 'hang' : nameOf(error) === 'SyntaxError' ? 'syntax' : 'load';
    }
  }
  cleared();
  if (state.shared && shared() !== state.shared) verdict.tainted = true;
  return verdict;
}

const commands = {
  begin(given) {
    Object.assign(state, given, { modules: new Map(given.modules.map((module) => [module.path, module])) });
    return { begun: true };
  },
  look,
  /** The original is judged first: what the tests themselves leave behind is no candidate's doing. */
  async plan(plan) {
    Object.assign(state, { plan, shared: '' });
    await judge({ id: 0, modules: [], limitMs: plan.limitMs });
    state.shared = shared();
    return null;
  },
};

let queue = Promise.resolve();
process.on('message', (message) => {
  queue = queue
    .then(async () => {
      for (const [name, given] of Object.entries(message)) {
        if (name === 'judge') for (const each of given) send(await judge(each));
        else {
          const answer = await commands[name](given);
          if (answer) send(answer);
        }
      }
    })
    .catch((error) => send({ broken: String((error && error.stack) || error) }));
});
