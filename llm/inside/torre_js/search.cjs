'use strict';
/*
 * Looks for edits of JavaScript and TypeScript after which failing tests pass.
 *
 * cwd     the workspace
 * stdin   one JSON line: {framework, directory, tests: [file], targets: {id: message}, others: [file], most, workers,
 *         memoryMb}; paths are relative to cwd, ids begin with a test file's path
 * report  JSON lines to $TORRE_REPORT: {missing: why} or {typescript: version}; {straight: why} if the tests cannot
 *         be run in this process and candidates are named unjudged; {candidate: {files: {path: text}, template, path,
 *         line, score, judged, fixed}}; {tried, plausible} from time to time; {end: why} at last
 */
const fs = require('fs');
const path = require('path');

const { ROOT, locate, report } = require('../torre_tsproject.cjs');
const { counted, suspicion } = require('./counters.cjs');
const { Graph } = require('./modules.cjs');
const { proposals, rivals } = require('./order.cjs');
const { applied } = require('./plain.cjs');
const { LONGEST_MS, doubt, planned, unloaded } = require('./plan.cjs');
const { Pool } = require('./pool.cjs');
const { Site } = require('./site.cjs');

const LOOK_MS = 1500;
const PATIENT = 5;
const HANGS = 2;
const STRAIGHT = 60;
const MOST_HUNG = 200;
const TELL_MS = 1000;
const JUDGE = [
  /(^|\/)(tests?|__tests__|__mocks__|specs?|fixtures|examples|e2e)\//,
  /\.(test|spec)\.[cm]?[jt]sx?$|(^|\/)test-[^/]*$/,
  /(^|\/)[\w.-]+\.(config|setup)\.[cm]?[jt]s$/,
];
const COVERING = 40;
const MOST_PARTS = 5;
const PAIR_FIRSTS = 12;
const PAIR_SECONDS = 2500;

class Search {
  constructor(ts, settings) {
    Object.assign(this, {
      ts,
      settings,
      tried: 0,
      plausible: 0,
      number: 0,
      hung: [],
      hangs: new Map(),
      partial: [],
      further: [],
      seen: new Set(),
    });
    this.until = Date.now() + settings.budgetMs;
    this.phase = this.until;
    this.told = Date.now();
    this.graph = new Graph(ts, ROOT);
    this.tests = settings.tests.map((file) => path.join(ROOT, file)).filter((file) => this.graph.add(file));
    this.others = settings.others.map((file) => path.join(ROOT, file)).filter((file) => this.graph.add(file));
  }
  over() {
    return Date.now() > Math.min(this.until, this.phase) || this.plausible >= this.settings.most;
  }
  /** The next step may use this share of the time that is left. */
  begin(share) {
    this.phase = Date.now() + share * (this.until - Date.now());
  }
  relative(file) {
    return path.relative(ROOT, file);
  }
  judges(file) {
    return (
      this.tests.includes(file) ||
      this.others.includes(file) ||
      JUDGE.some((pattern) => pattern.test(this.relative(file)))
    );
  }
  get subjects() {
    return [...this.graph.modules.values()].filter((own) => !this.judges(own.path));
  }

  async run() {
    if (!this.tests.length || !this.subjects.length) return 'no source that the failing tests load was found';
    const modules = [...this.graph.modules.values()].map((own) => own.compiled());
    const { framework, workers, memoryMb } = this.settings;
    const home = path.join(ROOT, this.settings.directory);
    const begin = { root: ROOT, home, framework, modules, files: [...this.tests, ...this.others], limitMs: LOOK_MS };
    this.pool = new Pool(workers, memoryMb, home, () => [{ begin }, ...(this.plan ? [{ plan: this.plan }] : [])]);
    try {
      const why = await this.localise();
      if (why) return this.straight(why);
      const several = this.targets > 1; // one edit may not do: then time is left for others
      await this.step(several ? 0.5 : 0.8, this.single());
      this.begin(0.3);
      await this.patiently();
      await this.step(1, this.covers());
      await this.step(several && this.partial.length ? 0.3 : 1, this.double());
      this.parts();
      return '';
    } finally {
      this.pool.close();
    }
  }

  // ------------------------------------------------------------------------------------------ localisation

  /** Run the tests once with counters. Why the tests cannot be judged here, or "". */
  async localise() {
    this.of = new Map();
    const watched = [];
    let first = 0;
    for (const own of this.subjects) {
      const { edits, of } = counted(this.ts, own.sf, first);
      first += of.size;
      this.of.set(own, of);
      const compiled = own.compiled(edits);
      if (compiled) watched.push(compiled);
    }
    let answer = await this.look(watched);
    const { targets } = this.settings;
    if (!answer.broken && unloaded(answer.looked, targets)) answer = await this.look([]); // it was the counters
    if (answer.broken) return answer.broken;
    this.suspicion = suspicion(answer.looked);
    if (!this.suspicion.size) this.suspicion = this.everywhere();
    const why = doubt(answer, targets, this.tests);
    if (why) return why;
    const { plan, count, at } = planned(answer, targets, this.tests, this.others);
    Object.assign(this, { plan, targets: count, at, limitMs: plan.limitMs });
    for (const worker of this.pool.workers) worker.send({ plan });
    return '';
  }
  async look(modules) {
    const [worker] = this.pool.workers;
    const answer = await worker.ask({ look: { modules } }, Math.min(LOOK_MS * 8, this.until - Date.now()));
    if (answer.broken) worker.again();
    return answer;
  }
  everywhere() {
    return new Map([...this.of.values()].flatMap((of) => [...of.values()].map((n) => [n, 0.5])));
  }
  // ------------------------------------------------------------------------------------------------ search

  places() {
    const strings = this.tests
      .flatMap((file) => new Site(this.ts, this.graph.modules.get(file)).facts.strings)
      .slice(0, 40);
    return this.subjects.map((own) => ({ site: new Site(this.ts, own, { strings }), of: this.of.get(own) }));
  }
  proposals(seen) {
    this.sites ||= this.places();
    return proposals(this.ts, this.sites, this.suspicion, seen);
  }
  /** A candidate of one or more edits, compiled; null where they cannot stand together. */
  candidate(parts, careful = false) {
    const byFile = new Map();
    for (const part of parts) byFile.set(part.site.own, [...(byFile.get(part.site.own) || []), part.edit]);
    const modules = [...byFile].map(([own, edits]) => own.compiled(edits, careful));
    if (modules.includes(null)) return null;
    return { id: this.number++, parts, modules, careful, limitMs: this.patience(parts) };
  }
  /** A right answer may be slow: time is short only where edits of a statement have hung before. */
  patience(parts) {
    const hung = Math.max(...parts.map((part) => this.hangs.get(place(part)) || 0));
    return hung < HANGS ? Math.min(PATIENT * this.limitMs, LONGEST_MS) : this.limitMs;
  }
  /** The candidates of an iterator of parts, one by one. */
  feed(iterator) {
    return () => {
      for (let next = iterator.next(); !next.done; next = iterator.next()) {
        const candidate = this.candidate(next.value);
        if (candidate) return candidate;
      }
      return null;
    };
  }
  async judge(next) {
    const again = [];
    const done = (candidate, verdict) => {
      const typed = candidate.parts.some(({ site }) => site.own.typed);
      if (verdict.why === 'syntax' && typed && !candidate.careful) {
        const slower = this.candidate(candidate.parts, true);
        if (slower) again.push(slower);
      } else this.note(candidate, verdict);
    };
    await this.pool.run(
      () => again.pop() || this.rival() || next(),
      done,
      () => this.over(),
    );
  }
  note(candidate, { passed, fixed, why, at }) {
    this.tried += 1;
    if (why === 'hang') this.noteHang(candidate);
    if (passed && candidate.parts.length === 1)
      this.rivals ||= this.feed(rivals(this.ts, candidate.parts[0], this.seen));
    if (passed) this.emit(candidate, { judged: true, fixed: this.targets });
    else if (fixed.length) this.partial.push({ candidate, fixed });
    if (!passed && candidate.parts.length === 1 && !why && (fixed.length || at > this.at))
      this.further.push({ candidate, fixed: fixed.length, at });
    if (Date.now() - this.told > TELL_MS) {
      this.told = Date.now();
      report({ tried: this.tried, plausible: this.plausible });
    }
  }
  /** The next neighbour of the first plausible edit, null where there is none. */
  rival() {
    return this.rivals ? this.rivals() : null;
  }
  noteHang(candidate) {
    const patient = candidate.limitMs > this.limitMs;
    for (const part of patient ? candidate.parts : [])
      this.hangs.set(place(part), (this.hangs.get(place(part)) || 0) + 1);
    if (!patient && this.hung.length < MOST_HUNG) this.hung.push(candidate);
  }
  emit({ parts }, { judged, fixed }) {
    const byFile = new Map();
    for (const { site, edit } of parts) byFile.set(site.own, [...(byFile.get(site.own) || []), edit]);
    const files = Object.fromEntries(
      [...byFile].map(([own, edits]) => [this.relative(own.path), applied(own.text, edits)]),
    );
    if (judged && fixed === this.targets) this.plausible += 1;
    const [{ site, node }] = parts;
    const score = Math.min(...parts.map((part) => part.score)) / parts.length;
    report({
      candidate: {
        files,
        template: parts.map((part) => part.template.name).join(' and '),
        path: this.relative(site.path),
        line: site.line(node),
        score: Math.min(1, score),
        judged,
        fixed,
      },
    });
  }

  *single() {
    for (const proposal of this.proposals(this.seen)) yield [proposal];
  }
  async step(share, iterator) {
    if (this.plausible) return;
    this.begin(share);
    await this.judge(this.feed(iterator));
  }

  /** What was ended for taking too long, once more with time; a right answer may be slow. */
  async patiently() {
    const hung = this.hung
      .splice(0)
      .map((candidate) => ({ ...candidate, limitMs: Math.min(PATIENT * this.limitMs, LONGEST_MS) }));
    if (!hung.length || this.plausible) return;
    await this.pool.run(
      () => hung.shift() || null,
      (candidate, verdict) => this.note(candidate, { ...verdict, why: verdict.why && 'slow' }),
      () => this.over(),
    );
  }

  /** Edits for some of the failing tests each, together for all of them. */
  *covers() {
    const best = this.alone().slice(0, COVERING);
    for (const first of best) {
      const parts = [...first.candidate.parts];
      const fixed = new Set(first.fixed);
      for (const {
        candidate: {
          parts: [part],
        },
        fixed: more,
      } of best) {
        if (more.every((id) => fixed.has(id)) || parts.some((other) => !apart(other, part))) continue;
        parts.push(part);
        more.forEach((id) => fixed.add(id));
      }
      if (fixed.size === this.targets && parts.length > 1) yield parts;
    }
  }
  /** Single edits that mend some of the failing tests, best first. */
  alone() {
    const single = this.partial.filter(({ candidate }) => candidate.parts.length === 1);
    return single.sort(
      (a, b) => b.fixed.length - a.fixed.length || b.candidate.parts[0].score - a.candidate.parts[0].score,
    );
  }

  /** Two edits, the first of which already gets the failing tests further. */
  *double() {
    const firsts = this.further
      .sort((a, b) => b.fixed - a.fixed || b.at - a.at || b.candidate.parts[0].score - a.candidate.parts[0].score)
      .slice(0, PAIR_FIRSTS);
    if (!firsts.length) return;
    let count = 0;
    for (const second of this.proposals(new Set())) {
      if (count++ > PAIR_SECONDS) return;
      for (const {
        candidate: {
          parts: [one],
        },
      } of firsts) {
        if (apart(one, second)) yield [one, second];
      }
    }
  }
  /** Without one edit for all failing tests: the best for some of them. */
  parts() {
    if (this.plausible) return;
    for (const { candidate, fixed } of this.alone().slice(0, MOST_PARTS))
      this.emit(candidate, { judged: true, fixed: fixed.length });
  }

  /** The most promising candidates, unjudged. */
  straight(why) {
    report({ straight: why });
    this.suspicion ||= this.everywhere();
    let left = STRAIGHT;
    for (const proposal of this.proposals(new Set())) {
      if (left-- <= 0 || this.over()) break;
      this.emit({ parts: [proposal] }, { judged: false, fixed: 0 });
    }
    return '';
  }
}

/** The statement that an edit is of. */
function place({ site, node }) {
  const statement = site.statement(node) || node;
  return `${site.path}:${statement.pos}`;
}

/** Whether two edits can stand together. */
const apart = (one, two) => one.site !== two.site || one.edit.end < two.edit.start || two.edit.end < one.edit.start;

/** The first line of standard input, which stays open. */
function firstLine() {
  const chunks = [];
  const chunk = Buffer.alloc(1 << 16);
  for (;;) {
    const size = fs.readSync(0, chunk, 0, chunk.length, null);
    chunks.push(Buffer.from(chunk.subarray(0, size)));
    if (!size || chunk.subarray(0, size).includes(10)) return Buffer.concat(chunks).toString('utf8');
  }
}

async function main() {
  const settings = JSON.parse(firstLine());
  const ts = locate([path.join(ROOT, settings.directory)]);
  if (!ts) return report({ missing: 'no typescript with a language service' });
  report({ typescript: ts.version });
  if (!settings.budgetMs) return undefined; // that was the question
  const search = new Search(ts, settings);
  const why = await search.run();
  report({ tried: search.tried, plausible: search.plausible });
  return report({ end: why });
}

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
