'use strict';
/* Worker processes that judge candidates; one that hangs, dies or is used up is replaced. */
const { fork } = require('child_process');
const path = require('path');

const WORKER = path.join(__dirname, 'worker.cjs');
const BATCH = 8;
const TICK_MS = 40;
const GRACE_MS = 1000;

class Worker {
  constructor(begin, memoryMb, cwd) {
    this.begin = begin;
    this.cwd = cwd;
    this.memoryMb = memoryMb;
    this.waiting = [];
    this.listener = null;
    this.start();
  }
  start() {
    const stdio = ['ignore', 'ignore', 'ignore', 'ipc'];
    const execArgv = [`--max-old-space-size=${this.memoryMb}`, '--stack-size=900', '--no-warnings'];
    const env = { ...process.env, TORRE_REPORT: '' }; // the workspace's code has nothing to report
    this.child = fork(WORKER, [], { cwd: this.cwd, env, stdio, execArgv });
    this.heard = Date.now();
    this.ready = false;
    const { child } = this;
    child.on('message', (message) => {
      if (child === this.child) this.hear(message);
    });
    child.on('exit', () => {
      if (child === this.child && !this.closed) this.gone();
    });
    child.on('error', () => {});
    for (const message of this.begin()) this.send(message);
  }
  send(message) {
    if (this.child.connected) this.child.send(message, () => {});
  }
  hear(message) {
    this.heard = Date.now();
    if (message.begun) {
      this.ready = true;
      return;
    }
    if (message.id === undefined) {
      if (this.listener) this.listener(message);
      return;
    }
    const place = this.waiting.findIndex((each) => each.id === message.id);
    if (place < 0) return;
    const [candidate] = this.waiting.splice(place, 1);
    candidate.done(message);
    if (message.tainted) this.again();
  }
  /** The first that was not answered is to blame; the others go to the next process. */
  gone() {
    const [culprit, ...rest] = this.waiting;
    this.waiting = rest;
    if (culprit) culprit.done({ id: culprit.id, fixed: [], passed: false, why: 'hang' });
    else if (this.listener) this.listener({ broken: 'the worker died' });
    this.again();
  }
  again() {
    const { child } = this;
    this.child = null;
    child.kill('SIGKILL');
    this.start();
    if (this.waiting.length) this.judge(this.waiting);
  }
  judge(candidates) {
    this.send({ judge: candidates.map(({ id, modules, limitMs }) => ({ id, modules, limitMs })) });
  }
  /** Ask for one more answer than a verdict. */
  ask(message, withinMs) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.listener({ broken: 'no answer in time' }), withinMs);
      this.listener = (answer) => {
        clearTimeout(timer);
        this.listener = null;
        resolve(answer);
      };
      this.send(message);
    });
  }
  watch() {
    const [first] = this.waiting;
    if (first && Date.now() - this.heard > 2 * first.limitMs + GRACE_MS) this.gone();
  }
  close() {
    this.closed = true;
    if (this.child) this.child.kill('SIGKILL');
  }
}

class Pool {
  /** `begin()` gives the messages that make a fresh worker ready. */
  constructor(count, memoryMb, cwd, begin) {
    this.workers = Array.from({ length: count }, () => new Worker(begin, memoryMb, cwd));
  }

  /** Judge what `next()` gives until there is no more, also not after the last verdict, or `over()`. */
  run(next, done, over) {
    return new Promise((resolve) => {
      const round = new Round(this.workers, next, done, over, () => {
        clearInterval(timer);
        resolve();
      });
      const timer = setInterval(() => round.tick(), TICK_MS);
      round.tick();
    });
  }
  close() {
    for (const worker of this.workers) worker.close();
  }
}

/** One run of a pool. Verdicts that come after its end are heard and change nothing else. */
class Round {
  constructor(workers, next, done, over, finish) {
    Object.assign(this, { workers, next, done, over, finish, finished: false });
  }
  tick() {
    for (const worker of this.workers) {
      worker.watch();
      this.feed(worker);
    }
    const idle = this.workers.every((worker) => !worker.waiting.length);
    if (!this.finished && (idle || this.over())) {
      this.finished = true;
      this.finish();
    }
  }
  feed(worker) {
    const batch = [];
    while (!this.finished && worker.waiting.length + batch.length < BATCH && !this.over()) {
      const candidate = this.next();
      if (!candidate) break;
      batch.push({ ...candidate, done: (verdict) => this.heard(worker, candidate, verdict) });
    }
    if (!batch.length) return;
    if (!worker.waiting.length) worker.heard = Date.now();
    worker.waiting.push(...batch);
    worker.judge(batch);
  }
  heard(worker, candidate, verdict) {
    this.done(candidate, verdict);
    if (worker.waiting.length < BATCH / 2) this.feed(worker);
  }
}

module.exports = { Pool };
