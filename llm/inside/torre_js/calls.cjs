'use strict';
/* Edits of calls: another function, other arguments, something around or after an expression. */

/** Functions and methods that people take for each other. */
const FAMILIES = [
  'push unshift concat',
  'pop shift',
  'slice splice',
  'substring substr slice',
  'floor ceil round trunc',
  'min max',
  'some every',
  'abs sign',
  'find findLast filter findIndex',
  'findIndex findLastIndex indexOf',
  'indexOf lastIndexOf includes search',
  'map flatMap filter forEach',
  'filter map find',
  'startsWith endsWith includes',
  'toLowerCase toUpperCase',
  'trim trimStart trimEnd',
  'padStart padEnd',
  'keys values entries',
  'parseInt parseFloat Number',
  'charAt charCodeAt at codePointAt',
  'charCodeAt codePointAt',
  'replace replaceAll',
  'match matchAll',
  'test exec',
  'sort reverse toSorted',
  'reverse toReversed',
  'reduce reduceRight',
  'call apply bind',
  'then catch finally',
  'resolve reject',
  'all allSettled race any',
  'get has',
  'set add',
  'has get',
  'delete clear',
  'log log2 log10',
  'sin cos tan',
  'sqrt cbrt',
  'pow sqrt',
  'getDate getDay',
  'getFullYear getYear',
  'getMonth getDate',
  'getHours getMinutes',
  'toFixed toPrecision toString',
  'isInteger isFinite isSafeInteger',
  'isNaN isFinite',
  'stringify parse',
  'join concat',
  'addEventListener removeEventListener',
  'on once',
  'length size',
  'String Number Boolean',
  'Set Map',
  'WeakMap Map',
  'fill map',
  'fromEntries entries',
  'assign create',
  'encodeURI encodeURIComponent',
  'decodeURI decodeURIComponent',
  'setTimeout setInterval',
  'readFile readFileSync',
  'MAX_VALUE MIN_VALUE MAX_SAFE_INTEGER',
  'isArray isInteger',
  'lastIndexOf indexOf',
  'split join',
];
const SIBLINGS = new Map();
for (const family of FAMILIES) {
  const names = family.split(' ');
  for (const name of names)
    SIBLINGS.set(name, [...new Set([...(SIBLINGS.get(name) || []), ...names.filter((other) => other !== name)])]);
}

function* swapSibling(site, node) {
  const { ts } = site;
  const name = ts.isPropertyAccessExpression(node) ? node.name : node;
  const isCall = ts.isCallExpression(node.parent) || ts.isNewExpression(node.parent);
  if (ts.isIdentifier(node) && !(isCall && node.parent.expression === node)) return;
  for (const [rank, other] of (SIBLINGS.get(name.text) || []).entries()) yield site.raw(name, other, 1 - 0.06 * rank);
}

/** The text between a call's parentheses. */
function inside(site, node, texts, weight) {
  const start = node.arguments.pos;
  return { start, end: node.end - 1, text: texts.join(', '), weight };
}
function* swapArguments(site, node) {
  const given = node.arguments;
  for (let one = 0; one < given.length; one++) {
    for (let two = one + 1; two < given.length; two++) {
      const middle = site.source.slice(given[one].end, site.start(given[two]));
      yield {
        start: site.start(given[one]),
        end: given[two].end,
        text: site.text(given[two]) + middle + site.text(given[one]),
        weight: 1,
      };
    }
  }
  const receiver = site.ts.isPropertyAccessExpression(node.expression) && node.expression.expression;
  if (receiver && given.length === 1 && site.ts.isIdentifier(receiver)) {
    yield site.put(node, `${site.atom(given[0])}.${node.expression.name.text}(${site.text(receiver)})`, 0.8);
  }
}
function* changeArguments(site, node) {
  if (!node.arguments) return;
  const texts = [...node.arguments].map((each) => site.text(each));
  const values = site.scope(node).values.slice(0, 8);
  for (let n = 0; n < texts.length; n++)
    yield inside(
      site,
      node,
      texts.filter((_, m) => m !== n),
      0.8,
    );
  if (texts.length > 3) return;
  for (const [name, weight] of [
    ['0', 0.5],
    ['1', 0.5],
    ['-1', 0.4],
    ["''", 0.3],
    ['10', 0.3],
    ...values.map((n) => [n, 0.5]),
  ]) {
    yield inside(site, node, [...texts, name], weight);
    if (texts.length) yield inside(site, node, [name, ...texts], 0.5 * weight);
  }
}
function* changeSort(site, node) {
  const name = site.ts.isPropertyAccessExpression(node.expression) && node.expression.name.text;
  if (name !== 'sort' && name !== 'toSorted') return;
  const comparers = [
    '(a, b) => a - b',
    '(a, b) => b - a',
    '(a, b) => a.length - b.length',
    '(a, b) => a[0] - b[0]',
    '(a, b) => a[1] - b[1]',
    '(a, b) => a.localeCompare(b)',
  ];
  for (const [rank, text] of comparers.entries()) yield inside(site, node, [text], 1 - 0.1 * rank);
  if (node.arguments.length) yield inside(site, node, [], 0.5);
  if (node.arguments.length) yield site.put(node, `${site.text(node)}.reverse()`, 0.7);
}

function* unwrap(site, node) {
  const { ts } = site;
  if (node.arguments && node.arguments.length === 1 && !ts.isFunctionLike(node.arguments[0])) {
    yield site.put(node, site.text(node.arguments[0]));
    if (ts.isIdentifier(node.expression)) yield site.raw(node.arguments[0], site.text(node), 0.3);
  }
  if (ts.isPropertyAccessExpression(node.expression)) {
    const weight = ts.isExpressionStatement(node.parent) ? 0.1 : 0.9;
    yield site.put(node, site.text(node.expression.expression), weight);
  }
}

const WRAPPERS = [
  'Math.abs(_)',
  'Math.floor(_)',
  'Number(_)',
  'String(_)',
  'Math.round(_)',
  '[..._]',
  'new Set(_)',
  '[...new Set(_)]',
  'Math.ceil(_)',
  'Math.trunc(_)',
  'parseInt(_)',
  'Math.sqrt(_)',
  'Boolean(_)',
  'Object.keys(_)',
  'Object.values(_)',
  'Object.entries(_)',
  'Array.from(_)',
  '[_]',
  '{ ..._ }',
  'Math.max(0, _)',
  'Math.min(1, _)',
  'JSON.stringify(_)',
  'parseFloat(_)',
];
const SUFFIXES = [
  '.length',
  '.toLowerCase()',
  '.toUpperCase()',
  '.trim()',
  '.reverse()',
  '.slice()',
  '.slice(1)',
  '.slice(0, -1)',
  '.toString()',
  '[0]',
  '.at(-1)',
  '.sort()',
  '.sort((a, b) => a - b)',
  ".split('')",
  ".join('')",
  ".split(' ')",
  ".join(' ')",
  '.filter(Boolean)',
  '.flat()',
  '.size',
  ' ?? 0',
  ' || 0',
  " ?? ''",
  ' ?? []',
  ' || []',
  ' ?? {}',
  ' === undefined',
  ' == null',
  '.bind(this)',
  '.map(Number)',
  '.concat()',
];

function* wrap(site, node) {
  const { ts } = site;
  if (!site.isValue(node) || ts.isFunctionLike(node) || ts.isObjectLiteralExpression(node)) return;
  const text = site.text(node);
  const math = ts.isBinaryExpression(node) && !['+', '&&', '||', '??'].includes(site.text(node.operatorToken));
  for (const [rank, around] of WRAPPERS.entries()) {
    const weight = math && around.startsWith('Math') ? 1 : 0.8 - 0.03 * rank;
    if (!text.startsWith(around.split('_')[0]))
      yield site.put(
        node,
        around.replace('_', () => text),
        weight,
      );
  }
}
function* append(site, node) {
  const { ts } = site;
  if (!site.isValue(node) || ts.isFunctionLike(node) || ts.isNumericLiteral(node)) return;
  const compared = ts.isBinaryExpression(node) && /^[=!<>]/.test(site.text(node.operatorToken));
  for (const [rank, suffix] of SUFFIXES.entries()) {
    if (compared) return;
    yield site.put(node, site.atom(node) + suffix, 0.8 - 0.02 * rank);
  }
}

/** A part of a value, by a name in scope: `x[n]`, `x.slice(n)`, `x.slice(0, n)`. */
function* takePart(site, node) {
  const { ts } = site;
  if (!site.isValue(node) || (ts.isPropertyAccessExpression(node.parent) && node.parent.expression === node)) return;
  for (const [rank, name] of site.scope(node).values.slice(0, 6).entries()) {
    if (name === site.text(node)) continue;
    for (const [order, suffix] of [`[${name}]`, `.slice(${name})`, `.slice(0, ${name})`].entries())
      yield site.put(node, site.atom(node) + suffix, 1 - 0.1 * order - 0.05 * rank);
  }
}

/** `x.slice(1)` for `x.slice(0, 1)`, `xs[xs.length - 1]` for `xs[0]`. */
function* changeIndex(site, node) {
  const [base, index] = [site.text(node.expression), node.argumentExpression && site.text(node.argumentExpression)];
  if (!index) return;
  for (const [rank, other] of [
    `${base}.length - 1 - ${site.atom(node.argumentExpression)}`,
    `${base}.length - ${site.atom(node.argumentExpression)}`,
    `${base}.length - 1`,
    '0',
    '1',
  ].entries()) {
    if (other !== index) yield site.raw(node.argumentExpression, other, 0.9 - 0.12 * rank);
  }
  if (site.isValue(node)) yield site.put(node, base, 0.4);
}

/** `?.` put in or taken away. */
function* changeChain(site, node) {
  const { ts } = site;
  if (node.questionDotToken) {
    yield {
      start: site.start(node.questionDotToken),
      end: node.questionDotToken.end,
      text: ts.isPropertyAccessExpression(node) ? '.' : '',
      weight: 0.6,
    };
    return;
  }
  const target = ts.isAssignmentExpression(node.parent) && node.parent.left === node;
  if (target) return;
  const at = node.expression.end;
  if (ts.isPropertyAccessExpression(node)) yield { start: at, end: at + 1, text: '?.', weight: 1 };
  else yield { start: at, end: at, text: '?.', weight: 0.8 };
}

/** `await` put in or taken away; `await Promise.all(…)`. */
function* changeAwait(site, node) {
  const { ts } = site;
  if (ts.isAwaitExpression(node)) return void (yield site.put(node, site.text(node.expression), 0.5));
  if (!site.inAsync(node) || ts.isAwaitExpression(node.parent)) return;
  yield site.put(node, `await ${site.text(node)}`);
  yield site.put(node, `await Promise.all(${site.text(node)})`, 0.6);
}
/** An asynchronous function that is not declared so, with `await` before one of its calls. */
function* makeAsync(site, node) {
  if (
    !node.body ||
    site.ts.isConstructorDeclaration(node) ||
    (node.modifiers || []).some((m) => m.kind === site.K.AsyncKeyword)
  )
    return;
  yield { start: site.start(node), end: site.start(node), text: 'async ', weight: 1 };
}

/** Callbacks: `this` that is lost, arguments that come along. */
function* changeCallback(site, node) {
  const { ts, K } = site;
  const isCallback = ts.isCallExpression(node.parent) && node.parent.arguments.includes(node);
  if (ts.isFunctionExpression(node) && !node.asteriskToken && !node.name) {
    const start = site.start(node);
    const open = site.source.indexOf('(', start);
    const isAsync = (node.modifiers || []).length ? 'async ' : '';
    yield {
      start,
      end: node.end,
      text: `${isAsync}${site.source.slice(open, node.body.pos).trimEnd()} => ${site.text(node.body)}`,
      weight: 1,
    };
  }
  if (!isCallback) return;
  if (ts.isPropertyAccessExpression(node)) {
    const owner = node.expression.kind === K.ThisKeyword ? 'this' : site.text(node.expression);
    yield site.raw(node, `${site.text(node)}.bind(${owner})`, 1);
    yield site.raw(node, `(item) => ${site.text(node)}(item)`, 0.6);
  }
  if (ts.isIdentifier(node))
    yield site.raw(
      node,
      node.text === 'parseInt' ? '(text) => parseInt(text, 10)' : `(item) => ${node.text}(item)`,
      node.text === 'parseInt' ? 1 : 0.3,
    );
}
/** `...` put in or taken away. */
function* changeSpread(site, node) {
  const { ts } = site;
  if (ts.isSpreadElement(node)) return void (yield site.raw(node, site.text(node.expression)));
  const list = node.parent.arguments || (ts.isArrayLiteralExpression(node.parent) && node.parent.elements) || [];
  if (list.includes(node) && !ts.isLiteralExpression(node) && !ts.isFunctionLike(node))
    yield site.raw(node, `...${site.atom(node)}`);
}
function* addNew(site, node) {
  if (site.ts.isIdentifier(node.expression) && /^[A-Z]/.test(node.expression.text))
    yield site.put(node, `new ${site.text(node)}`);
}
/** A copy where a value is handed out or kept. */
function* copy(site, node) {
  const { ts } = site;
  const kept =
    ts.isReturnStatement(node.parent) ||
    ts.isVariableDeclaration(node.parent) ||
    ts.isPropertyAssignment(node.parent) ||
    ts.isCallExpression(node.parent) ||
    (ts.isPropertyAccessExpression(node.parent) && node.parent.expression === node) ||
    (ts.isBinaryExpression(node.parent) && node.parent.right === node);
  if (!kept || !site.isValue(node)) return;
  const inPlace =
    ts.isPropertyAccessExpression(node.parent) &&
    ['sort', 'reverse', 'splice', 'push', 'shift', 'pop', 'unshift'].includes(node.parent.name.text);
  yield site.put(node, `[...${site.text(node)}]`, inPlace ? 1 : 0.6);
  if (!inPlace) yield site.put(node, `{ ...${site.text(node)} }`, 0.5);
}

module.exports = {
  addNew,
  append,
  changeArguments,
  changeAwait,
  changeCallback,
  changeChain,
  changeIndex,
  changeSort,
  changeSpread,
  copy,
  makeAsync,
  swapArguments,
  swapSibling,
  takePart,
  unwrap,
  wrap,
};
