'use strict';
/*
 * One version of the workspace, asked what its functions do. One message: {root, home, framework, modules: [compiled],
 * tests: [file], load: [file], judge: [file], callMs} and either `capture: true`, answered {calls: [{key, call}],
 * unkept, raised: {key: [name]}, slowestMs}, or {inputs, raised}, answered {place, outcome} one by one, then {end}; an
 * outcome that comes a second time has `tested`: what is answered in a test, where that is something else.
 */
const fs = require('fs');
const path = require('path');
const { deserialize, serialize } = require('v8');

const { Program } = require('./load.cjs');
const { Session } = require('./tests.cjs');
const { asInTests } = require('./surroundings.cjs');
const { Over, driven, served, settled, timed } = require('./timing.cjs');
const { refused, returned, thrown } = require('./values.cjs');

// Answers are this file's to send.
const send = process.send.bind(process);
delete process.send;

const CALLS = 60;
const TRIES = 600;
const CALL_BYTES = 20_000;
const TESTS_MS = 2000;
const HANGS = 3;
const PATIENCE = [1, 4, 16];

/** What the watched functions of this process are, and what they are called with while `recording`. */
class Watch {
  constructor(recording) {
    Object.assign(this, {
      recording,
      functions: new Map(),
      calls: [],
      tries: new Map(),
      depth: new Map(),
      raised: {},
      unkept: 0,
      slowestMs: 0,
    });
  }
  /** A function that is a value: it is known, and while recording called through here. */
  value(key, fn, isDeclared = false) {
    this.functions.set(key, { call: (self, args) => fn.apply(self, args) });
    if (!this.recording || isDeclared) return fn;
    const watch = this;
    const through = function through(...args) {
      const call = watch.begin(key, args, undefined);
      try {
        const result = new.target ? new fn(...args) : fn.apply(this, args);
        if (result && typeof result.then === 'function')
          result.then(undefined, (error) => {
            watch.failed(call, error);
          });
        return result;
      } catch (error) {
        throw watch.failed(call, error);
      } finally {
        watch.end(call);
      }
    };
    return Object.defineProperties(through, { name: { value: fn.name }, length: { value: fn.length } });
  }
  method(key, owner, name, isStatic) {
    this.functions.set(key, {
      call: (self, args) => (isStatic ? owner : Object.assign(Object.create(owner.prototype), self))[name](...args),
      self: !isStatic,
      owner,
    });
  }
  begin(key, args, self) {
    const call = { key, began: performance.now() };
    const depth = this.depth.get(key) || 0;
    this.depth.set(key, depth + 1);
    if (this.recording && !depth) this.keep(key, [...args], self);
    return call;
  }
  failed(call, error) {
    const name = error && error.constructor ? error.constructor.name : '';
    (this.raised[call.key] ||= new Set()).add(name);
    return error;
  }
  end(call) {
    this.depth.set(call.key, this.depth.get(call.key) - 1);
    this.slowestMs = Math.max(this.slowestMs, performance.now() - call.began);
  }
  keep(key, args, self) {
    const tries = (this.tries.get(key) || 0) + 1;
    this.tries.set(key, tries);
    if (tries > TRIES || this.calls.filter((each) => each.key === key).length >= CALLS) return;
    const known = this.functions.get(key);
    const state =
      self !== null && typeof self === 'object' && known && known.self && self instanceof known.owner
        ? { ...self }
        : undefined;
    try {
      const call = serialize({ self: state, args }).toString('base64');
      if (call.length <= CALL_BYTES) {
        if (!this.calls.some((each) => each.key === key && each.call === call)) this.calls.push({ key, call });
      } else this.unkept += 1;
    } catch {
      this.unkept += 1; // a function, a promise: what cannot be copied cannot be asked again
    }
  }
}

/** Which files of the judge are opened while `on`. */
class Reads {
  constructor(judge) {
    this.judge = new Set(judge);
    this.on = false;
    this.seen = '';
    for (const [owner, name] of [
      [fs, 'readFileSync'],
      [fs, 'openSync'],
      [fs, 'readFile'],
      [fs, 'createReadStream'],
      [fs.promises, 'readFile'],
    ]) {
      const real = owner[name];
      owner[name] = (file, ...rest) => {
        this.hear(file);
        return real.call(owner, file, ...rest);
      };
    }
  }
  hear(file) {
    if (this.on && typeof file === 'string' && this.judge.has(path.resolve(file))) this.seen = path.basename(file);
  }
}

async function capture({ root, home, framework, modules, tests }) {
  const watch = new Watch(true);
  for (const file of tests) {
    const session = new Session(framework, root, home, () => {});
    const { modules: given, globals } = session.given();
    Object.assign(globalThis, globals);
    session.expect = globals.expect;
    const program = new Program(modules, given, watch);
    session.begin(file);
    const work = function* work() {
      const module = program.load(file);
      if (module.pending) yield module.pending;
      yield* session.run();
    };
    try {
      await driven(work(), TESTS_MS, TESTS_MS);
    } catch (error) {
      if (!watch.calls.length) watch.why = String(error && error.message);
    }
  }
  const raised = Object.fromEntries(Object.entries(watch.raised).map(([key, names]) => [key, [...names]]));
  return { calls: watch.calls, unkept: watch.unkept, raised, slowestMs: watch.slowestMs, why: watch.why || '' };
}

async function answer(given, tell) {
  const reads = new Reads(given.judge);
  const places = [...given.inputs.keys()];
  const told = await answers(given, places, reads, tell);
  await answersInTests(given, told, reads, tell);
}
/** What a fresh program answers to the inputs at these places; `through` calls for it. */
async function answers(given, places, reads, tell, through = (work) => work()) {
  const watch = new Watch(false);
  const { modules } = new Session(given.framework, given.root, given.home, () => {}).given();
  const program = new Program(given.modules, modules, watch);
  for (const file of given.load) timed(() => program.load(file), TESTS_MS);
  const told = new Map();
  let hangs = 0;
  for (const place of places) {
    const { key, call } = given.inputs[place];
    const known = watch.functions.get(key);
    const asked = known && { call: (self, args) => through(() => known.call(self, args)) };
    reads.seen = '';
    reads.on = true;
    const limitMs = hangs < HANGS ? given.callMs : given.callMs / 10;
    const outcome = await answerOne(asked, call, given.raised[key] || [], limitMs);
    reads.on = false;
    if (!outcome) continue;
    hangs += outcome.text === 'a hang';
    told.set(place, { ...outcome, reads: reads.seen });
    tell({ place, outcome: told.get(place) });
  }
  return told;
}
/** Tells again, with `tested`, what answers otherwise where everything around it is as in a test, and only there. */
async function answersInTests(given, told, reads, tell) {
  const places = [...told.keys()].filter((place) => given.inputs[place].literal);
  if (!places.length || !given.tests.length) return;
  const quiet = () => {};
  const there = await asInTests(given, (through) => answers(given, places, reads, quiet, through));
  const again = await answers(given, places, reads, quiet);
  for (const place of places) {
    const [before, tested, after] = [told, there, again].map((each) => each.get(place));
    if (!tested || !after || tested.hash === before.hash || after.hash !== before.hash) continue;
    tell({ place, outcome: { ...before, tested: tested.text } });
  }
}

/** What one call comes to; null where a busy machine keeps it from its time, however long it is waited for. */
async function answerOne(known, call, declared, limitMs) {
  if (!known) return refused('no such function');
  for (const patience of PATIENCE) {
    const outcome = await answerIn(known, call, declared, patience * limitMs);
    if (outcome) return outcome;
  }
  return null;
}
/** The same within a limit. What hangs has had its time: it ran, or nobody but itself kept it waiting. */
async function answerIn(known, call, declared, limitMs) {
  const { self, args } = deserialize(Buffer.from(call, 'base64'));
  const before = served();
  let awaited = false;
  try {
    const result = timed(() => known.call(self, args), limitMs);
    if (!result || typeof result.then !== 'function') return returned(result, [self, args]);
    awaited = true;
    const { value, error } = await settled(result, limitMs);
    return error ? thrown(error.thrown, declared, [self, args]) : returned(value, [self, args]);
  } catch (error) {
    if (!(error instanceof Over)) return thrown(error, declared, [self, args]);
    const now = served();
    const hadMs = awaited ? limitMs - (now.waitedMs - before.waitedMs) : now.ranMs - before.ranMs;
    return hadMs >= limitMs / 2 ? refused('a hang') : null;
  }
}

for (const name of ['log', 'info', 'debug', 'warn', 'error']) console[name] = () => {};
Math.random = () => 0.42;
process.exit = (code) => {
  throw new Error(`exit ${code}`);
};
process.on('unhandledRejection', () => {});
process.on('uncaughtException', () => {});
process.once('message', async (given) => {
  const modules = new Map(given.modules.map((module) => [module.path, module]));
  try {
    if (given.capture) send(await capture({ ...given, modules }));
    else await answer({ ...given, modules }, send);
    send({ end: true });
  } catch (error) {
    send({ end: true, why: String(error && error.message) });
  }
});
