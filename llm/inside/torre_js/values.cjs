'use strict';
/* What a call did, in a form that can be compared between processes. */
const crypto = require('crypto');
const { inspect, types } = require('util');

const DEPTH = 8;
const ITEMS = 500;
const DIGITS = 9;
const TEXT = 200;

const hash = (...parts) => crypto.createHash('sha1').update(parts.join('\n')).digest('hex').slice(0, 16);

/** A value as a person reads it, bounded. */
function short(value) {
  try {
    return inspect(value, {
      depth: 3,
      breakLength: Infinity,
      maxArrayLength: 12,
      maxStringLength: 60,
      customInspect: false,
    }).slice(0, TEXT);
  } catch {
    return `<${typeof value}>`; // a proxy or a getter that throws: its kind must do
  }
}

/** `bool` and `number`, as the verdict's rules know them; else what a person would call it. */
function kindOf(value) {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'number';
  if (typeof value !== 'object') return typeof value;
  const { constructor } = Object(value);
  return typeof constructor === 'function' && constructor.name ? constructor.name : 'Object';
}

function number(value) {
  if (Number.isInteger(value)) return String(value + 0);
  return Number.isFinite(value) ? value.toPrecision(DIGITS).replace(/\.?0+$/, '') : String(value);
}

/** A text that is equal for values that behave alike: kind and content, numbers rounded. */
function canonical(value, depth = 0, seen = []) {
  if (typeof value === 'number') return number(Object.is(value, -0) ? 0 : value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (value === null || typeof value !== 'object') return String(value);
  if (depth >= DEPTH || seen.includes(value)) return `${kindOf(value)}...`;
  const inner = (each) => canonical(each, depth + 1, [...seen, value]);
  if (Array.isArray(value)) return `[${Array.from(value.slice(0, ITEMS), inner).join()}:${value.length}]`;
  if (types.isMap(value))
    return `Map{${[...value]
      .slice(0, ITEMS)
      .map(([k, v]) => `${inner(k)}=${inner(v)}`)
      .join()}}`;
  if (types.isSet(value)) return `Set{${[...value].slice(0, ITEMS).map(inner).join()}}`;
  if (types.isDate(value)) return `Date ${value.getTime()}`;
  if (types.isRegExp(value)) return String(value);
  if (types.isNativeError(value)) return `${kindOf(value)}(${value.message})`;
  const keys = Object.keys(value).sort().slice(0, ITEMS);
  return `${kindOf(value)}{${keys.map((key) => `${key}=${inner(value[key])}`).join()}}`;
}

/** The outcome of a call that came back; `state` are its arguments as it left them. */
function returned(result, state) {
  const made = types.isGeneratorObject(result) ? taken(result) : result;
  const form = canonical(made);
  return {
    kind: 'returned',
    hash: hash(form, canonical(state)),
    value: hash(form),
    text: short(made),
    type: kindOf(result),
    eq: '',
    odd: odd(made),
  };
}
/** Whether there is something in a value that is no answer: where other languages throw, this one goes on with it. */
function odd(value, depth = 0) {
  if (value === undefined || Number.isNaN(value)) return true;
  if (value === null || typeof value !== 'object' || depth > 3) return false;
  return (
    Object.values(value)
      .slice(0, ITEMS)
      .some((each) => odd(each, depth + 1)) ||
    (Array.isArray(value) && Object.keys(value).length !== value.length)
  );
}
function taken(generator) {
  const items = [];
  for (const item of generator) if (items.push(item) >= ITEMS) break;
  return items;
}

/** The outcome of a call that threw: an answer if the tests saw such an error, else a refusal. */
function thrown(error, declared, state) {
  const name = kindOf(error);
  if (!declared.includes(name)) return refused(name);
  const form = `raised ${name}`;
  return { kind: 'raised', hash: hash(form, canonical(state)), value: hash(form), text: form, type: '', eq: '' };
}
const refused = (what) => ({ kind: 'refused', hash: 'refused', value: 'refused', text: what, type: '', eq: '' });

module.exports = { canonical, kindOf, refused, returned, short, thrown };
