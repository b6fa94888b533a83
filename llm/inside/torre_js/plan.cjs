'use strict';
/* From one look at the tests: whether they can be judged in a shared process, and what a candidate must do. */
const { stripVTControlCharacters } = require('util');

const ALIKE = 0.25;
const OTHERS_MS = 400;
const SLOW_MS = 100;
const SLOWER = 30;
const SHORTEST_MS = 30;
const BUSIEST = 8;
const LONGEST_MS = 2000;

const isFile = (id) => !id.includes(' > ');

/** Whether a file could not be loaded here although the real runner could. `targets`: id -> message. */
function unloaded(looked, targets) {
  const named = Object.keys(targets);
  return looked.some((test) => test.failed && isFile(test.id)) && named.length > 0 && !named.some(isFile);
}

/** Why what the tests say here cannot be believed, or "". */
function doubt({ looked, unsupported }, targets, tests) {
  const failed = looked.filter((test) => test.failed && tests.includes(test.file));
  const wanted = Object.keys(targets);
  const known = new Set(failed.map((test) => test.id));
  const [unknown] = wanted.filter((id) => !known.has(id));
  if (!failed.length) return 'the failing tests do not fail in a shared process';
  if (unloaded(looked, targets)) return `${failed[0].id} cannot be loaded in a shared process: ${failed[0].why}`;
  if (unsupported) return `the tests use ${unsupported}`;
  if (!named(wanted, known))
    return wanted.length && failed.length !== wanted.length ? `${unknown} was not found` : '';
  if (unknown) return `${unknown} does not fail in a shared process`;
  const otherwise = failed.filter((test) => test.id in targets).every((test) => unlike(test.why, targets[test.id]));
  return otherwise ? `they fail otherwise in a shared process: ${failed[0].why.split('\n')[0]}` : '';
}
/** Whether the tests go by the names that the runner gave: titles of rows may be written otherwise. */
const named = (wanted, known) => wanted.some((id) => known.has(id));

/** Whether two messages of one failure have next to nothing in common; an empty one says nothing. */
function unlike(one, two) {
  const words = (text) =>
    new Set(
      stripVTControlCharacters(text || '')
        .toLowerCase()
        .match(/[a-z]{3,}/g) || [],
    );
  const [mine, theirs] = [words(one), words(two)];
  const shared = [...theirs].filter((word) => mine.has(word)).length;
  return mine.size > 0 && theirs.size > 0 && shared / Math.min(mine.size, theirs.size) < ALIKE;
}

/** {plan: what workers are told, count: of the targets, at: how far the targets come now}. */
function planned({ looked, slowdown }, targets, tests, others) {
  const failed = looked.filter((test) => test.failed && tests.includes(test.file));
  const known = new Set(failed.map((test) => test.id));
  const byName = named(Object.keys(targets), known);
  const wanted = byName ? failed.filter((test) => test.id in targets) : failed;
  const passed = looked.filter((test) => !test.failed);
  const ofFile = (list, file) => list.filter((test) => test.file === file);
  const total = (file) => ofFile(passed, file).reduce((sum, test) => sum + test.ms, 0);
  const slow = tests.some((file) => total(file) > SLOW_MS);
  const files = [...tests, ...others.filter((file) => total(file) < OTHERS_MS)].map((file) => ({
    file,
    targets: ofFile(wanted, file).map((test) => test.id),
    keep: ofFile(passed, file)
      .filter((test) => !(slow && test.ms > SLOW_MS))
      .map((test) => test.id),
  }));
  const at = wanted.reduce((sum, test) => sum + test.at, 0);
  return { plan: { only: slow, files, limitMs: patience(looked, slowdown) }, count: wanted.length, at };
}
/** Milliseconds after which a candidate hangs: by the clock, so that a busy machine needs more. */
function patience(looked, slowdown) {
  const longest = Math.max(1, ...looked.filter((test) => test.why !== 'hang').map((test) => test.ms));
  return Math.round(
    Math.min(Math.max(SLOWER * longest, SHORTEST_MS * Math.min(Math.max(slowdown, 1), BUSIEST)), LONGEST_MS),
  );
}

module.exports = { LONGEST_MS, doubt, planned, unloaded };
