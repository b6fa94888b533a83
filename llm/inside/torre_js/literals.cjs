'use strict';
/* Edits of numbers, words, strings and patterns. Each function is a generator of edits for (site, node). */

/** Where digits and letters begin and end, and one beyond. */
const LETTER_CODES = [48, 57, 58, 64, 65, 90, 91, 96, 97, 122, 123];

function* changeNumber(site, node) {
  const value = Number(node.text);
  if (!Number.isFinite(value)) return;
  const near = [
    value + 1,
    value - 1,
    0,
    1,
    2,
    -value,
    -1,
    value * 2,
    value + 2,
    value - 2,
    value * 10,
    value / 10,
    10,
  ];
  const known = site.facts.numbers.map(Number);
  const codes = value > 31 && value < 128 ? LETTER_CODES : [];
  const tried = [
    ...near.slice(0, 6).map((n) => [n, 1]),
    ...known.map((n) => [n, 0.6]),
    ...[...near.slice(6), ...codes].map((n) => [n, 0.5]),
  ];
  const seen = new Set([value]);
  for (const [rank, [number, weight]] of tried.entries()) {
    if (seen.has(number)) continue;
    seen.add(number);
    yield site.put(node, String(number), weight - 0.02 * Math.min(rank, 15));
  }
  yield site.put(node, 'Infinity', 0.2);
  yield site.put(node, '-Infinity', 0.2);
}
function* changeWord(site, node) {
  const others =
    { true: ['false'], false: ['true'], null: ['undefined', '0', "''", '[]'], undefined: ['null', '0', "''", '[]'] }[
      site.text(node)
    ] || [];
  for (const [rank, other] of others.entries()) yield site.put(node, other, 1 - 0.2 * rank);
}
/** `true` here and `false` there change places. */
function* exchangeWords(site, node) {
  const fn = site.function(node);
  const opposite = node.kind === site.K.TrueKeyword ? site.K.FalseKeyword : site.K.TrueKeyword;
  if (!fn) return;
  for (const other of site
    .walk(fn)
    .filter((each) => each.kind === opposite && each.pos > node.pos)
    .slice(0, 4)) {
    yield {
      start: site.start(node),
      end: other.end,
      text: site.text(other) + site.source.slice(node.end, site.start(other)) + site.text(node),
      weight: 1,
    };
  }
}
const quoted = (text, like) => {
  const mark = like[0] === '"' ? '"' : "'";
  const body = JSON.stringify(text).slice(1, -1).replace(/\\"/g, '"');
  return mark + body.split(mark).join(`\\${mark}`) + mark;
};
function* changeString(site, node) {
  const like = site.text(node);
  const value = node.text;
  if (site.scope(node).values.includes(value)) yield site.put(node, value, 1);
  if (/\$\{/.test(value) && !site.ts.isNoSubstitutionTemplateLiteral(node)) yield site.raw(node, `\`${value}\``, 1);
  const cased = [
    value.toLowerCase(),
    value.toUpperCase(),
    value.trim(),
    ` ${value}`,
    `${value} `,
    value.slice(1),
    value.slice(0, -1),
  ];
  const others = [
    ...cased.map((s) => [s, 0.6]),
    ['', 0.7],
    [' ', 0.7],
    [',', 0.4],
    ['\n', 0.3],
    ...site.facts.strings.map((s) => [s, 0.6]),
    ...site.strings.map((s) => [s, 0.5]),
  ];
  const letters =
    value.length === 1 ? [...new Set([...site.strings, ...site.facts.strings].join(''))].slice(0, 40) : [];
  others.push(...letters.map((s) => [s, 0.45]));
  const seen = new Set([value]);
  for (const [other, weight] of others) {
    if (seen.has(other)) continue;
    seen.add(other);
    yield site.raw(node, quoted(other, like), weight);
  }
}
function* changePattern(site, node) {
  const [, body, flags] = /^\/(.*)\/(\w*)$/s.exec(site.text(node)) || [];
  if (body === undefined) return;
  for (const flag of ['g', 'i', 'm', 'u']) {
    yield site.raw(
      node,
      `/${body}/${flags.includes(flag) ? flags.replace(flag, '') : flags + flag}`,
      flag === 'g' || flag === 'i' ? 1 : 0.5,
    );
  }
  yield site.raw(node, `/${body.startsWith('^') ? body.slice(1) : `^${body}`}/${flags}`, 0.8);
  yield site.raw(node, `/${body.endsWith('$') ? body.slice(0, -1) : `${body}$`}/${flags}`, 0.8);
  if (!body.startsWith('^') && !body.endsWith('$')) yield site.raw(node, `/^${body}$/${flags}`, 0.6);
  const swaps = [
    [/\+/g, '*'],
    [/\*/g, '+'],
    [/([*+])(?!\?)/g, '$1?'],
    [/\\d/g, '\\w'],
    [/\\w/g, '\\d'],
    [/\\s/g, '\\S'],
    [/(?<!\\)\./g, '\\.'],
    [/a-z/g, 'a-zA-Z'],
    [/a-z/g, 'A-Z'],
    [/A-Z/g, 'a-z'],
    [/\[\^/g, '['],
    [/\[(?!\^)/g, '[^'],
    [/([^\\\])+*?])$/, '$1+'],
    [/\]$/, ']+'],
  ];
  for (const [from, to] of swaps) {
    const made = body.replace(from, to);
    if (made !== body) yield site.raw(node, `/${made}/${flags}`, 0.5);
  }
}

module.exports = { changeNumber, changePattern, changeString, changeWord, exchangeWords };
