'use strict';
/*
 * Whether two JavaScript programs agree: {reference, candidate, test, entry} on stdin, {asked, apart, example} on
 * stdout. Inputs are drawn here, not by Torre's own maker: from the shapes of the arguments that the test gives, with
 * letters, lengths and ranges of what was seen. What the reference does not answer (it throws, hangs, gives nothing
 * or NaN) is not asked of the candidate.
 */
const fs = require('fs');
const { isDeepStrictEqual, inspect } = require('util');
const vm = require('vm');

const DRAWN = 400;
const LIMIT_MS = 500;

let state = 12345;
const chance = () => {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return (state >>> 8) / 2 ** 24;
};
const below = (n) => Math.floor(chance() * n);
const pick = (items) => items[below(items.length)];

const ASKED = `(() => {
  const result = __entry(...JSON.parse(__args));
  const finite = (key, value) => (typeof value === 'number' && !isFinite(value) ? String(value) : value);
  return result === undefined ? 'undefined' : JSON.stringify(result, finite);
})()`;

/** A program in a context of its own: `call(args)` runs its entry. */
function program(text, entry) {
  const context = vm.createContext({ console: { log() {}, assert() {} } });
  vm.runInContext(`${text}\n;globalThis.__entry = ${entry};`, context, { timeout: LIMIT_MS });
  return (args) => {
    context.__args = JSON.stringify(args);
    return vm.runInContext(ASKED, context, { timeout: LIMIT_MS });
  };
}

/** The arguments that the test gives to the entry. */
function given(text, test, entry) {
  const calls = [];
  const context = vm.createContext({ console: { log() {}, assert() {} }, __saw: (args) => calls.push(args) });
  const watched = `${text}\n;globalThis.__call = (...args) => (__saw(JSON.stringify(args)), ${entry}(...args));`;
  const asked = test.replace(new RegExp(`(?<![\\w$.])${entry}\\(`, 'g'), '__call(');
  try {
    vm.runInContext(`${watched}\n${asked}`, context, { timeout: 4 * LIMIT_MS });
  } catch {
    /* a test that ends early has still shown some calls */
  }
  return calls.map((args) => JSON.parse(args)).filter((args) => args.every((each) => each !== null));
}

/** A value like the ones seen at a place. */
function like(seen) {
  const model = pick(seen);
  if (typeof model === 'number') return number(seen.filter((each) => typeof each === 'number'));
  if (typeof model === 'string')
    return text(
      seen.filter((each) => typeof each === 'string'),
      model,
    );
  if (typeof model === 'boolean') return chance() < 0.5;
  if (Array.isArray(model)) {
    const inside = seen.filter(Array.isArray).flat();
    const length = Math.max(0, pick(seen.filter(Array.isArray)).length + pick([0, 0, 0, 1, -1, 2]));
    return inside.length ? Array.from({ length }, () => (chance() < 0.5 ? pick(inside) : like(inside))) : [];
  }
  if (model && typeof model === 'object')
    return Object.fromEntries(Object.entries(model).map(([key, value]) => [key, like([value])]));
  return model;
}
function number(seen) {
  const [low, high] = [Math.min(...seen), Math.max(...seen)];
  const reach = Math.max(high - low, 4);
  const whole = seen.every(Number.isInteger);
  const drawn =
    chance() < 0.3 ? pick(seen) + pick([0, 1, -1, 2]) : low - (low < 0 ? reach / 2 : 0) + chance() * reach * 1.5;
  const value = whole ? Math.round(drawn) : Math.round(drawn * 100) / 100;
  return low >= 0 ? Math.max(value, Math.min(low, 1)) : value;
}
function text(seen, model) {
  const letters = [...new Set(seen.join(''))];
  if (!letters.length) return model;
  const words = [...model];
  for (let left = 1 + below(3); left; left--) {
    const at = below(words.length + 1);
    pick([
      () => words.splice(at, 1),
      () => words.splice(at, 0, pick(letters)),
      () => {
        if (words.length) words[below(words.length)] = pick(letters);
      },
      () => words.splice(at, 0, ...pick(seen).slice(0, 6)),
    ])();
  }
  return words.join('');
}

function asked(run, args) {
  try {
    return { told: run(args) };
  } catch {
    return { threw: true }; // which error it was is an accident
  }
}
const near = (one, two) => {
  if (one === two) return true;
  try {
    return isDeepStrictEqual(
      ...[one, two].map((each) => JSON.parse(each, (k, v) => (typeof v === 'number' ? Number(v.toPrecision(9)) : v))),
    );
  } catch {
    return false;
  }
};

function main() {
  const { reference, candidate, test, entry } = JSON.parse(fs.readFileSync(0, 'utf8'));
  const calls = given(reference, test, entry);
  const found = { asked: 0, apart: 0, example: '' };
  if (!calls.length) return found;
  const right = program(reference, entry);
  let judged;
  try {
    judged = program(candidate, entry);
  } catch {
    return { ...found, asked: 1, apart: 1, example: 'it cannot be loaded' };
  }
  const width = Math.max(...calls.map((args) => args.length));
  const places = Array.from({ length: width }, (_, n) =>
    calls.filter((args) => args.length > n).map((args) => args[n]),
  );
  for (let n = 0; n < DRAWN + calls.length; n++) {
    const args =
      n < calls.length
        ? calls[n]
        : pick(calls).map((value, place) => (chance() < 0.75 ? like(places[place]) : value));
    const expected = asked(right, args);
    if (expected.threw || /undefined|null|"NaN"|Infinity/.test(expected.told)) continue;
    found.asked += 1;
    const told = asked(judged, args);
    if (told.threw || !near(expected.told, told.told)) {
      found.apart += 1;
      found.example ||= `${entry}(${inspect(args)}): ${told.threw ? 'throws' : told.told} instead of ${expected.told}`;
    }
  }
  return found;
}

process.stdout.write(JSON.stringify(main()));
