'use strict';
/*
 * Compares what versions of JavaScript functions do: on the inputs that tests give them, and on ones made from those.
 *
 * cwd     the workspace
 * stdin   one JSON line: {framework, directory, tests: [file], judge: [file], versions: [{path: text | null}],
 *         budgetMs}; the first version is the original
 * report  one JSON object to $TORRE_REPORT: {why_not, inputs, outcomes, natures}; `outcomes` has one list a version,
 *         null where nothing is known; `natures` has {adds_a_case, constants, classes, quoted} for each but the
 *         original. Behind the outcomes of all are those of the ones with `quoted` constants, which a test has as
 *         well, with others in their place. The shape of inputs and outcomes is that of torre_behaviour.py.
 */
const { fork } = require('child_process');
const fs = require('fs');
const path = require('path');

const { ROOT, locate, report } = require('../torre_tsproject.cjs');
const { made } = require('./inputs.cjs');
const { Graph, Own, SOURCE } = require('./modules.cjs');
const { refused } = require('./values.cjs');
const { differing, nature, watching, without } = require('./watched.cjs');

const SUBJECT = path.join(__dirname, 'subject.cjs');
const FUZZED = 240;
const CALL_BYTES = 20_000;
const CALL_MS = [60, 1000];
const SLOWER = 20;
const MEMORY_MB = 512;
const USUAL = ['0', '1', '""'];

class Comparison {
  constructor(ts, settings) {
    for (const [file, text] of this.added(settings)) this.write(path.join(ROOT, file), text);
    Object.assign(this, { ts, settings, graph: new Graph(ts, ROOT), until: Date.now() + settings.budgetMs });
    this.tests = settings.tests.map((file) => path.join(ROOT, file)).filter((file) => this.graph.add(file));
    this.keys = new Map();
    this.changes = settings.versions.length - 1;
    this.addOthers();
  }
  /** Behind all versions, for each that has constants of the tests, one with others in their place. */
  addOthers() {
    const { versions } = this.settings;
    const told = this.tests.flatMap((file) => [...nature(this.ts, this.graph.modules.get(file).sf).constants]);
    const asked = new Set(told.filter((each) => !USUAL.includes(each)));
    this.quoted = this.natures().map(({ constants }) => constants.filter((each) => asked.has(each)));
    for (const [n, taken] of this.quoted.entries()) if (taken.length) versions.push(this.others(n + 1, new Set(taken)));
  }
  others(version, taken) {
    const [before] = this.settings.versions;
    const texts = Object.entries(this.settings.versions[version]).map(([file, text]) => {
      const changed = text !== null && SOURCE.test(file) && before[file] != null;
      return [file, changed ? without(this.ts, this.own(version, file).sf, taken) : text];
    });
    return Object.fromEntries(texts);
  }
  /** The files that versions add, where no two of them differ about one. */
  added({ versions: [before, ...versions] }) {
    const texts = new Map();
    for (const [file, text] of versions.flatMap((version) => Object.entries(version)))
      if (text !== null && before[file] == null) texts.set(file, texts.has(file) && texts.get(file) !== text ? null : text);
    return [...texts].filter(([, text]) => text !== null);
  }
  /** Into this sandbox's own copy of the workspace. */
  write(file, text) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text, { flag: 'wx' });
  }
  left() {
    return this.until - Date.now();
  }
  /** The module of a version at a path, or the original's. */
  own(version, file) {
    const text = this.settings.versions[version][file] ?? this.settings.versions[0][file];
    const own = new Own(this.ts, path.join(ROOT, file), text);
    own.key = file;
    const known = this.graph.modules.get(own.path) || this.settings.versions[0][file] == null;
    own.links = known ? this.graph.linked(own) : {};
    return own;
  }
  /** Which functions are watched: those in which some version differs. */
  watch() {
    for (const version of this.settings.versions.keys()) {
      for (const [file, text] of Object.entries(this.settings.versions[version])) {
        if (!version || text === null || !SOURCE.test(file) || this.settings.versions[0][file] == null) continue;
        const keys = differing(this.ts, this.own(0, file), this.own(version, file));
        this.keys.set(file, [...new Set([...(this.keys.get(file) || []), ...keys])]);
      }
    }
    return [...this.keys.values()].some((keys) => keys.length);
  }
  modules(version, recording) {
    const found = new Map([...this.graph.modules.values()].map((own) => [own.path, own.compiled()]));
    const added = this.added(this.settings).map(([file]) => file);
    for (const file of added.filter((each) => SOURCE.test(each) && this.settings.versions[version][each] != null)) {
      const own = this.own(version, file);
      found.set(own.path, own.compiled());
    }
    for (const [file, keys] of this.keys) {
      const own = this.own(version, file);
      found.set(own.path, own.compiled(watching(this.ts, own, keys, recording)));
    }
    return [...found.values()];
  }
  /** What a process of one version says until it ends, or its time is over. */
  ask(message, withinMs, hear) {
    return new Promise((resolve) => {
      const stdio = ['ignore', 'ignore', 'ignore', 'ipc'];
      const home = path.join(ROOT, this.settings.directory);
      const env = { ...process.env, TORRE_REPORT: '' }; // the workspace's code has nothing to report
      const child = fork(SUBJECT, [], {
        cwd: home,
        env,
        stdio,
        execArgv: [`--max-old-space-size=${MEMORY_MB}`, '--no-warnings'],
      });
      const finish = (how) => {
        clearTimeout(timer);
        child.removeAllListeners();
        child.on('error', () => {});
        child.kill('SIGKILL');
        resolve(how);
      };
      const timer = setTimeout(finish, Math.max(withinMs, 50), 'the tests did not end in time');
      child.on('message', (said) => {
        if (said.end) finish(said.why || '');
        else hear(said);
      });
      child.on('exit', () => finish('the tests ended their process'));
      child.on('error', () => {});
      child.send({ root: ROOT, home, framework: this.settings.framework, tests: this.tests, ...message }, () => {});
    });
  }
  /** The calls that the tests make, of the first candidates, which pass them, and of the original. */
  async learn() {
    this.raised = {};
    this.callMs = CALL_MS[0];
    const calls = new Map();
    let [unkept, why] = [0, ''];
    for (const version of [1, 2, 0].filter((each) => each <= this.changes)) {
      let heard = null;
      const how = await this.ask({ modules: this.modules(version, true), capture: true }, this.left() / 3, (said) => {
        heard = said;
      });
      if (!heard) {
        why ||= how;
        continue;
      }
      for (const call of heard.calls) calls.set(call.key + call.call, call);
      unkept += heard.unkept;
      why ||= heard.why;
      if (!version) continue;
      for (const [key, names] of Object.entries(heard.raised))
        this.raised[key] = [...new Set([...(this.raised[key] || []), ...names])];
      this.callMs = Math.min(Math.max(this.callMs, SLOWER * heard.slowestMs), CALL_MS[1]);
    }
    return {
      calls: [...calls.values()],
      why: why || (unkept ? 'their arguments cannot be copied' : 'no test calls what was changed'),
    };
  }
  /** What a version does with each input, in its share of the time that is left. */
  async outcomes(version, inputs, share) {
    const told = inputs.map(() => null);
    const judge = this.settings.judge.map((file) => path.join(ROOT, file));
    const load = [...this.keys.keys()].map((file) => path.join(ROOT, file));
    const message = {
      modules: this.modules(version, false),
      load,
      judge,
      callMs: this.callMs,
      inputs,
      raised: this.raised,
    };
    await this.ask(message, share, ({ place, outcome }) => {
      told[place] = outcome;
    });
    return told;
  }
  async run() {
    if (!this.watch()) return { why_not: 'no function was changed' };
    const { calls, why } = await this.learn();
    if (!calls.length) return { why_not: why };
    const inputs = made(calls, FUZZED, CALL_BYTES);
    const runs = [0, ...this.settings.versions.keys()];
    const outcomes = [];
    for (const [n, version] of runs.entries())
      outcomes.push(
        await this.outcomes(version, inputs, Math.min((1.5 * this.left()) / (runs.length - n), this.left())),
      );
    this.refuseOdd(inputs, outcomes);
    const again = outcomes.shift();
    const steady = inputs.map((_, n) => again[n] && outcomes[0][n] && again[n].hash === outcomes[0][n].hash);
    const shown = inputs.map(({ key, text, literal, plain, atoms }) => ({ key, text, literal, plain, atoms }));
    return {
      why_not: '',
      inputs: shown,
      outcomes: outcomes.map((told) => told.map((each, n) => (steady[n] ? each : null))),
    };
  }
  /** What returns NaN or undefined does not answer, unless a change does so where the tests ask. */
  refuseOdd(inputs, outcomes) {
    const asked = (key) =>
      outcomes
        .slice(2, 2 + this.changes)
        .some((told) => inputs.some((each, n) => each.literal && each.key === key && told[n] && told[n].odd));
    const usual = new Set(
      inputs.map((each) => each.key).filter((key, n, all) => all.indexOf(key) === n && asked(key)),
    );
    for (const told of outcomes) {
      told.forEach((outcome, n) => {
        if (outcome && outcome.odd && !usual.has(inputs[n].key)) told[n] = { ...refused(outcome.text), reads: outcome.reads, tested: outcome.tested };
      });
    }
  }
  natures() {
    const nothing = { cases: 0, constants: new Set(), classes: new Set() };
    const of = (version, file) =>
      this.settings.versions[version][file] == null ? nothing : nature(this.ts, this.own(version, file).sf);
    return this.settings.versions.slice(1, 1 + this.changes).map((texts, n) => {
      const files = Object.keys(texts).filter((file) => texts[file] !== null && (SOURCE.test(file) || file.endsWith('.json')));
      const pairs = files.map((file) => [of(0, file), of(n + 1, file)]);
      return {
        adds_a_case: pairs.some(([before, after]) => after.cases > before.cases),
        constants: pairs.flatMap(([before, after]) =>
          [...after.constants].filter((each) => !before.constants.has(each)),
        ),
        classes: pairs.flatMap(([before]) => [...before.classes]),
        quoted: this.quoted ? this.quoted[n] : [],
      };
    });
  }
}

async function main() {
  const chunk = fs.readFileSync(0, 'utf8');
  const settings = JSON.parse(chunk);
  const ts = locate([ROOT]);
  if (!ts) return report({ why_not: 'no typescript with a language service' });
  const comparison = new Comparison(ts, settings);
  const found = await comparison.run();
  return report({ inputs: [], outcomes: [], natures: comparison.natures(), ...found });
}

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
