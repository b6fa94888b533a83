'use strict';
/*
 * Makes inputs from the ones that tests use: near them, of the same kinds and ranges, some at the boundaries. Values
 * are recombined from what was seen at the same place: no negative number where none was seen, no characters of
 * another class. What a function was never meant for would only tell its versions' accidents apart.
 */
const { deserialize, serialize } = require('v8');

const { canonical, short } = require('./values.cjs');

const PLAIN = [null, undefined, false, true, 0, 1, -1, ''];
const SEEN = 80;
const LENGTH = 60;
const ATOMS = 40;
const CLASSES = ['abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '0123456789'];

/** Always the same numbers (mulberry32). */
class Chance {
  constructor(seed) {
    this.state = seed;
  }
  next() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  below(n) {
    return Math.floor(this.next() * n);
  }
  between(low, high) {
    return low + this.below(high - low + 1);
  }
  pick(items) {
    return items[this.below(items.length)];
  }
}

const copied = (value) => deserialize(serialize(value));
const isRecord = (value) =>
  value !== null && typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value));

/** Inputs from captured calls {key, call}: the literal ones first, then about `count` others. */
function made(calls, count, mostBytes) {
  const chance = new Chance(20);
  const byKey = new Map();
  for (const { key, call } of calls) byKey.set(key, [...(byKey.get(key) || []), call]);
  const known = new Set();
  const literal = calls.map(({ key, call }) => {
    known.add(key + canonical(read(call)));
    return input(key, call, true);
  });
  const share = Math.max(Math.floor(count / Math.max(byKey.size, 1)), 20);
  const fuzzed = [...byKey].flatMap(([key, kept]) => similar(key, kept, share, known, mostBytes, chance));
  return [...literal, ...fuzzed];
}
function similar(key, kept, share, known, mostBytes, chance) {
  const maker = new Maker(kept.map(read), chance);
  const found = [];
  for (let tries = 0; tries < 4 * share && found.length < share; tries++) {
    const call = maker.call();
    const bytes = serialize(call);
    const identity = key + canonical(call);
    if (known.has(identity) || bytes.length > mostBytes) continue;
    known.add(identity);
    found.push(input(key, bytes.toString('base64'), false));
  }
  return found;
}
const read = (call) => deserialize(Buffer.from(call, 'base64'));

function input(key, call, literal) {
  const { self, args } = read(call);
  const values = self === undefined ? args : [...args, self];
  const of = self === undefined ? '' : ` on ${short(self)}`;
  const atoms = [...new Set(args.flatMap((each) => atomsOf(each)))].sort().slice(0, ATOMS);
  return {
    key,
    call,
    text: `${key.split(':').pop()}(${args.map(short).join(', ')})${of}`,
    literal,
    plain: values.some(isPlain),
    atoms,
  };
}
/** The scalars in a value, without those that stand in most programs. */
function atomsOf(value, depth = 0) {
  if (value !== null && typeof value === 'object') {
    return depth < 4 && (Array.isArray(value) || isRecord(value))
      ? Object.values(value).flatMap((each) => atomsOf(each, depth + 1))
      : [];
  }
  return ['string', 'number'].includes(typeof value) && !isPlain(value)
    ? [JSON.stringify(value).slice(0, LENGTH)]
    : [];
}
function isPlain(value) {
  if (Array.isArray(value)) return value.length <= 1;
  if (value instanceof Map || value instanceof Set) return value.size <= 1;
  return isRecord(value) ? Object.keys(value).length <= 1 : PLAIN.includes(value);
}

/** Makes calls like those that were seen. */
class Maker {
  constructor(calls, chance) {
    Object.assign(this, { calls, chance, seen: new Map() });
    for (const { self, args } of calls) {
      args.forEach((value, n) => this.note(String(n), value));
      if (self !== undefined) this.note('this', self);
    }
  }
  note(place, value) {
    const seen = this.seen.get(place) || [];
    this.seen.set(place, seen);
    if (seen.length < SEEN) seen.push(value);
    if (Array.isArray(value)) value.slice(0, SEEN).forEach((each) => this.note(`${place}/*`, each));
    else if (isRecord(value))
      Object.entries(value)
        .slice(0, SEEN)
        .forEach(([key, each]) => this.note(`${place}/${key}`, each));
    else if (value instanceof Set) [...value].forEach((each) => this.note(`${place}/*`, each));
    else if (value instanceof Map)
      [...value].forEach(([k, v]) => {
        this.note(`${place}/k`, k);
        this.note(`${place}/*`, v);
      });
  }
  call() {
    const { chance } = this;
    const call = copied(chance.pick(this.calls));
    const places = [...call.args.keys(), ...(call.self === undefined ? [] : ['this'])];
    for (let left = chance.pick([1, 1, 1, 2, 2, 3]); left && places.length; left--) {
      const place = chance.pick(places);
      const other = chance.next() < 0.15;
      const change = (value) => (other ? this.other(String(place), value) : this.change(String(place), value));
      if (place === 'this') call.self = change(call.self);
      else call.args[place] = change(call.args[place]);
    }
    return call;
  }
  /** Another value that was seen at this place. */
  other(place, value) {
    return copied(this.chance.pick(this.seen.get(place) || [value]));
  }
  change(place, value) {
    if (typeof value === 'boolean') return !value;
    if (typeof value === 'number') return this.number(place, value);
    if (typeof value === 'string') return this.text(place, value);
    if (Array.isArray(value)) return this.list(place, value);
    if (isRecord(value)) return this.record(place, value);
    if (value instanceof Set) return new Set(this.list(place, [...value]));
    if (value instanceof Map)
      return new Map([...value].map(([k, v]) => [k, this.chance.next() < 0.5 ? this.change(`${place}/*`, v) : v]));
    return this.other(place, value);
  }
  number(place, value) {
    const { chance } = this;
    const seen = (this.seen.get(place) || []).filter((each) => typeof each === 'number' && Number.isFinite(each));
    const [least, most] = [Math.min(...seen, value), Math.max(...seen, value)];
    const whole = seen.every(Number.isInteger) && Number.isInteger(value);
    const low = least >= 0 ? 0 : 2 * least;
    const high = Math.max(2 * most, 10);
    const spread = whole
      ? chance.between(Math.floor(low), Math.floor(high))
      : Math.round((low + chance.next() * (high - low)) * 100) / 100;
    const near = whole
      ? [
          value + 1,
          value - 1,
          value + chance.between(2, 12),
          value * 2,
          Math.trunc(value / 2),
          chance.between(0, 30),
          chance.pick([10, 100]),
        ]
      : [value + 1, value / 2, value * 2, Math.round(value), value + chance.pick([0.5, 0.25, -0.1])];
    const made = chance.pick([...near, 0, 1, spread, spread, seen.length ? chance.pick(seen) : value]);
    return made < 0 && least >= 0 ? -made : made;
  }
  text(place, value) {
    const { chance } = this;
    const seen = (this.seen.get(place) || [value]).filter((each) => typeof each === 'string');
    const alphabet = this.alphabet(seen);
    const [at, to] = [chance.between(0, value.length), chance.between(0, value.length)].sort((a, b) => a - b);
    const letter = alphabet.length ? chance.pick(alphabet) : '';
    const other = seen.length ? chance.pick(seen) : value;
    const fresh = alphabet.length
      ? Array.from({ length: chance.between(1, 8) }, () => chance.pick(alphabet)).join('')
      : '';
    return chance
      .pick([
        '',
        value.slice(0, at) + value.slice(at + 1),
        value.slice(0, at) + letter + value.slice(at),
        value.slice(0, at) + letter + value.slice(at + 1),
        value.slice(0, at) + value.slice(at, to).repeat(2) + value.slice(to),
        value.slice(at, to),
        [...value].reverse().join(''),
        value.slice(0, at) + other.slice(at),
        letter,
        fresh,
      ])
      .slice(0, 4 * LENGTH);
  }
  /** The characters that were seen, and others of the classes that were well represented. */
  alphabet(seen) {
    const chars = new Set(seen.flatMap((each) => [...each.slice(0, LENGTH)]));
    for (const group of CLASSES)
      if ([...chars].filter((char) => group.includes(char)).length >= 3)
        for (let n = 0; n < 5; n++) chars.add(this.chance.pick([...group]));
    return [...chars].sort();
  }
  list(place, value) {
    const { chance } = this;
    const list = [...value];
    const at = chance.between(0, list.length);
    const grow = () => {
      const inside = this.seen.get(`${place}/*`);
      if (inside) list.splice(at, 0, this.change(`${place}/*`, copied(chance.pick(inside))));
    };
    const changeOne = () => {
      const n = chance.below(list.length);
      list[n] = this.change(`${place}/*`, list[n]);
    };
    const ways = [grow, grow, () => list.reverse(), () => list.splice(0, at)];
    if (list.length)
      ways.push(
        changeOne,
        changeOne,
        changeOne,
        () => list.splice(chance.below(list.length), 1),
        () => list.splice(at, 0, copied(chance.pick(list))),
        () => list.sort(() => chance.next() - 0.5),
      );
    chance.pick(ways)();
    return list;
  }
  record(place, value) {
    const record = { ...value };
    const keys = Object.keys(record);
    if (!keys.length) return this.other(place, value);
    const key = this.chance.pick(keys);
    if (this.chance.next() < 0.15) delete record[key];
    else record[key] = this.change(`${place}/${key}`, record[key]);
    return record;
  }
}

module.exports = { made };
