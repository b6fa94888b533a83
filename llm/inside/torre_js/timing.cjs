'use strict';
/* Code that may never end, run for so long and no longer. */
const { readFileSync } = require('fs');
const vm = require('vm');

const { setTimeout: setTimer, clearTimeout: clearTimer } = globalThis; // tests may replace them
const step = new vm.Script('__torre_step()', { filename: 'torre-step' });

/** Thrown where the time is over. */
class Over extends Error {}

/** Run until the next promise, for at most so long: what is synchronous and hangs is ended here. */
function timed(work, limitMs) {
  globalThis.__torre_step = work;
  try {
    return step.runInThisContext({ timeout: Math.ceil(limitMs) });
  } catch (error) {
    if (error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new Over('hang');
    throw error;
  }
}

/** How long this thread has run, and has waited for a core, since it began; where the kernel does not tell, all the
 * time that has passed counts as run. */
function served() {
  try {
    const [ran, waited] = readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ');
    return { ranMs: Number(ran) / 1e6, waitedMs: Number(waited) / 1e6 };
  } catch {
    return { ranMs: performance.now(), waitedMs: 0 };
  }
}

/** A promise's {value} or {error: {thrown}} as data; Over where it does not settle in time. */
function settled(promise, limitMs) {
  return new Promise((resolve, reject) => {
    const timer = setTimer(() => reject(new Over('hang')), limitMs);
    const done = (how) => {
      clearTimer(timer);
      resolve(how);
    };
    Promise.resolve(promise).then(
      (value) => done({ value }),
      (thrown) => done({ error: { thrown } }),
    );
  });
}

/** A generator to its end; each promise that it yields is waited for. */
async function driven(generator, limitMs, awaitedMs) {
  let next = timed(() => generator.next(), limitMs);
  while (!next.done) {
    const { value, error } = await settled(next.value, awaitedMs);
    next = timed(() => (error ? generator.throw(error.thrown) : generator.next(value)), limitMs);
  }
}

module.exports = { Over, driven, served, settled, timed };
