'use strict';
/* Edits of operators, names and conditions. Each function is a generator of edits for (site, node). */

const COMPARED = {
  '<': ['<=', '>', '>='],
  '<=': ['<', '>=', '>', '==='],
  '>': ['>=', '<', '<=', '!=='],
  '>=': ['>', '<=', '<', '==='],
  '===': ['!==', '==', '>=', '<=', '>', '<'],
  '!==': ['===', '!=', '<', '>'],
  '==': ['===', '!=', '>=', '<='],
  '!=': ['!==', '==', '<', '>'],
  in: ['instanceof'],
  instanceof: ['in'],
};
const COMPUTED = {
  '+': ['-', '*', '/', '%'],
  '-': ['+', '*', '/', '%'],
  '*': ['**', '+', '/', '-', '%'],
  '/': ['*', '%', '-', '+'],
  '%': ['/', '*', '-', '+'],
  '**': ['*', '+'],
  '&': ['|', '&&', '^'],
  '|': ['&', '||', '^'],
  '^': ['**', '&', '|'],
  '<<': ['>>', '>>>'],
  '>>': ['<<', '>>>'],
  '>>>': ['>>', '<<'],
};
const ASSIGNED = {
  '+=': ['-=', '*=', '='],
  '-=': ['+=', '=', '/='],
  '*=': ['+=', '/=', '**=', '='],
  '/=': ['*=', '-=', '%='],
  '%=': ['/=', '*='],
  '=': ['+=', '-=', '*=', '??=', '||='],
  '&&=': ['||=', '??='],
  '||=': ['??=', '&&=', '='],
  '??=': ['||=', '='],
  '&=': ['|=', '^='],
  '|=': ['&=', '^='],
  '^=': ['&=', '|='],
  '<<=': ['>>='],
  '>>=': ['<<='],
};
const JOINED = { '&&': ['||', '??'], '||': ['&&', '??'], '??': ['||', '&&'] };

/** The operator's own span, with another one in it. */
function* operators(site, node, table) {
  const token = node.operatorToken;
  const others = table[site.text(token)] || [];
  for (const [rank, other] of others.entries()) yield site.raw(token, other, 1 - 0.12 * rank);
}
const isJoin = (site, node) => site.text(node.operatorToken) in JOINED;
const isMath = (site, node) => site.text(node.operatorToken) in COMPUTED;

function* swapComparison(site, node) {
  yield* operators(site, node, COMPARED);
}
function* swapOperator(site, node) {
  const { ts } = site;
  const weaker = (side) => ts.isBinaryExpression(side) && isMath(site, side);
  if (!isMath(site, node)) return;
  if (!weaker(node.left) && !weaker(node.right)) return void (yield* operators(site, node, COMPUTED));
  const text = site.text(node.operatorToken);
  for (const [rank, other] of COMPUTED[text].entries()) {
    yield site.raw(node.operatorToken, other, 0.9 - 0.12 * rank);
    yield site.put(node, `${site.atom(node.left)} ${other} ${site.atom(node.right)}`, 0.85 - 0.12 * rank);
  }
}
function* swapAssignment(site, node) {
  yield* operators(site, node, ASSIGNED);
}
/** The operands of a chain of one operator, `a && b && c`; none where the node is itself part of a longer one. */
function chained(site, node, operator) {
  const same = (each) => site.ts.isBinaryExpression(each) && site.text(each.operatorToken) === operator;
  if (same(node.parent)) return [];
  const operands = (each) => (same(each) ? [...operands(each.left), ...operands(each.right)] : [each]);
  return operands(node);
}
function* swapJoin(site, node) {
  if (!isJoin(site, node)) return;
  const chain = chained(site, node, site.text(node.operatorToken));
  const [opposite] = JOINED[site.text(node.operatorToken)];
  if (chain.length > 2) yield site.put(node, chain.map((each) => site.atom(each)).join(` ${opposite} `), 0.9);
  for (const [rank, other] of JOINED[site.text(node.operatorToken)].entries()) {
    yield site.raw(node, `${site.atom(node.left)} ${other} ${site.atom(node.right)}`, 1 - 0.3 * rank);
    if (rank === 0) yield site.raw(node.operatorToken, other, 0.9);
  }
}
function* swapOperands(site, node) {
  const operator = site.text(node.operatorToken);
  if (['-', '/', '%', '**', '<<', '>>'].includes(operator))
    yield site.put(node, `${site.atom(node.right)} ${operator} ${site.atom(node.left)}`);
  if (operator === '+') yield site.put(node, `${site.atom(node.right)} + ${site.atom(node.left)}`, 0.7);
}
function* regroup(site, node) {
  const { ts } = site;
  const [outer, bare] = [
    site.text(node.operatorToken),
    (side) => (ts.isParenthesizedExpression(side) ? side.expression : side),
  ];
  const [left, right] = [bare(node.left), bare(node.right)];
  const joins = (side) => ts.isBinaryExpression(side) && (isMath(site, side) || isJoin(site, side));
  const text = (each) => site.text(each.operatorToken);
  if (joins(right)) {
    const grouped = `(${site.atom(left)} ${outer} ${site.atom(right.left)})`;
    yield site.put(node, `${grouped} ${text(right)} ${site.atom(right.right)}`);
  }
  if (joins(left)) {
    const grouped = `(${site.atom(left.right)} ${outer} ${site.atom(right)})`;
    yield site.put(node, `${site.atom(left.left)} ${text(left)} ${grouped}`);
  }
}
function* dropOperand(site, node) {
  if (!isMath(site, node) && !isJoin(site, node)) return;
  yield site.put(node, site.text(node.left));
  yield site.put(node, site.text(node.right), 0.8);
}

function condition(site, node) {
  const { ts } = site;
  if (ts.isConditionalExpression(node) || ts.isForStatement(node)) return node.condition;
  return node.expression;
}
function* negate(site, node) {
  const { ts, K } = site;
  const found = ts.isBinaryExpression(node)
    ? [node.left, node.right].filter(() => isJoin(site, node))
    : [condition(site, node)];
  for (const each of found.filter(Boolean)) {
    if (ts.isPrefixUnaryExpression(each) && each.operator === K.ExclamationToken)
      yield site.put(each, site.text(each.operand));
    else if (!ts.isLiteralExpression(each)) yield site.put(each, `!${site.atom(each)}`, 0.7);
  }
}
function* changeUnary(site, node) {
  const { K } = site;
  const step = { [K.PlusPlusToken]: '--', [K.MinusMinusToken]: '++' }[node.operator];
  const operand = site.text(node.operand);
  const prefix = node.kind === K.PrefixUnaryExpression;
  if (!step) return void (yield site.put(node, operand));
  const same = step === '++' ? '--' : '++';
  yield site.raw(node, prefix ? step + operand : operand + step);
  if (!site.ts.isExpressionStatement(node.parent) && !site.ts.isForStatement(node.parent))
    yield site.raw(node, prefix ? operand + same : same + operand, 0.8);
  yield site.raw(node, `${operand} ${same[0]}= 2`, 0.4);
}
function* offByOne(site, node) {
  const { ts, K } = site;
  const { parent } = node;
  if (!site.isValue(node) || ts.isLiteralExpression(node) || ts.isParenthesizedExpression(node)) return;
  const byOne = ts.isBinaryExpression(node) && ts.isNumericLiteral(node.right) && node.right.text === '1';
  if (byOne || (ts.isBinaryExpression(node) && !isMath(site, node))) return;
  const indexed =
    (ts.isElementAccessExpression(parent) && parent.argumentExpression === node) || ts.isCallExpression(parent);
  const likely = ts.isBinaryExpression(parent) || ts.isReturnStatement(parent) || parent.kind === K.ArrowFunction;
  const weight = indexed ? 0.9 : likely ? 0.6 : 0.25;
  yield site.put(node, `${site.text(node)} + 1`, weight);
  yield site.put(node, `${site.text(node)} - 1`, weight);
}

function* changeName(site, node) {
  const { ts } = site;
  const { parent } = node;
  const scope = site.scope(node);
  const shorthand = ts.isShorthandPropertyAssignment(parent);
  const called = ts.isCallExpression(parent) && parent.expression === node;
  const target = ts.isAssignmentExpression(parent) && parent.left === node;
  if (!shorthand && !called && !target && !site.isValue(node) && !steps(site, parent)) return;
  const put = (name, weight) => site.raw(node, shorthand ? `${node.text}: ${name}` : name, weight);
  const seen = new Set([node.text]);
  const choices = called
    ? [...scope.functions.map((n) => [n, 0.8]), ...scope.values.map((n) => [n, 0.3])]
    : [
        ...scope.values.map((n, rank) => [n, Math.max(0.5, 1 - 0.04 * rank)]),
        ...scope.functions.map((n) => [n, 0.2]),
        ...(target ? [] : site.facts.fields.map((n) => [`this.${n}`, 0.2])),
      ];
  for (const [name, weight] of choices) {
    if (seen.has(name)) continue;
    seen.add(name);
    yield put(name, target ? 0.5 * weight : weight);
  }
}
const steps = (site, parent) => site.ts.isPostfixUnaryExpression(parent) || site.ts.isPrefixUnaryExpression(parent);

/** Another property that the file uses; a name that is a parameter's becomes its field, and back. */
function* changeProperty(site, node) {
  const { ts, K } = site;
  const called = ts.isCallExpression(node.parent) && node.parent.expression === node;
  const self = node.expression.kind === K.ThisKeyword;
  const names = self ? site.facts.fields : called ? [] : site.facts.properties;
  for (const name of names) if (name !== node.name.text) yield site.raw(node.name, name, self ? 0.9 : 0.6);
  if (ts.isIdentifier(node.expression) && !called && site.isValue(node))
    yield site.put(node, site.text(node.expression), 0.5);
}

function* swapBranches(site, node) {
  const [test, yes, no] = [node.condition, node.whenTrue, node.whenFalse].map((each) => site.text(each));
  yield site.put(node, `${test} ? ${no} : ${yes}`);
  yield site.put(node, yes, 0.5);
  yield site.put(node, no, 0.5);
}
function* swapElements(site, node) {
  const { elements } = node;
  if (elements.length < 2 || elements.length > 4) return;
  for (let one = 0; one < elements.length; one++) {
    for (let two = one + 1; two < elements.length; two++) {
      const middle = site.source.slice(elements[one].end, site.start(elements[two]));
      yield {
        start: site.start(elements[one]),
        end: elements[two].end,
        text: site.text(elements[two]) + middle + site.text(elements[one]),
        weight: 1,
      };
    }
  }
}
function* extendCondition(site, node) {
  const test = condition(site, node);
  const fn = site.function(node);
  if (!test || !fn) return;
  if (site.ts.isReturnStatement(node) && !site.ts.isBinaryExpression(test) && !site.ts.isPrefixUnaryExpression(test))
    return;
  const compared = site
    .walk(fn)
    .filter((each) => site.ts.isBinaryExpression(each) && site.text(each.operatorToken) in COMPARED);
  const texts = [...new Set(compared.map((each) => site.text(each)))].filter(
    (text) => text !== site.text(test) && !text.includes('\n'),
  );
  const names = site.scope(node).values.slice(0, 8);
  for (const [text, weight] of [
    ...texts.map((t) => [t, 0.8]),
    ...names.map((n) => [n, 0.6]),
    ...names.map((n) => [`!${n}`, 0.5]),
  ]) {
    for (const word of ['&&', '||']) {
      yield site.put(test, `${site.atom(test)} ${word} ${text}`, weight);
      yield site.put(test, `${text} ${word} ${site.atom(test)}`, 0.6 * weight);
    }
  }
}
function* addOperand(site, node) {
  const { ts } = site;
  if (!site.isValue(node) || ts.isStringLiteralLike(node)) return;
  const { parent } = node;
  const place =
    ts.isReturnStatement(parent) ||
    ts.isVariableDeclaration(parent) ||
    ts.isBinaryExpression(parent) ||
    ts.isCallExpression(parent) ||
    ts.isArrowFunction(parent);
  if (!place) return;
  for (const [rank, name] of [...site.scope(node).values.slice(0, 8), '2'].entries()) {
    for (const [order, operator] of ['+', '-', '*', '%', '/'].entries())
      yield site.put(node, `${site.atom(node)} ${operator} ${name}`, 0.8 - 0.1 * order - 0.03 * rank);
  }
}
/** An expression that stands elsewhere in the function. */
function* borrow(site, node) {
  const { ts } = site;
  const fn = site.function(node);
  if (!fn || !site.isValue(node)) return;
  const kinds = [
    ts.isCallExpression,
    ts.isPropertyAccessExpression,
    ts.isElementAccessExpression,
    ts.isBinaryExpression,
  ];
  const fits = (each) =>
    kinds.some((is) => is(each)) &&
    site.isValue(each) &&
    (ts.isIdentifier(node) || each.kind === node.kind) &&
    !ts.isAssignmentExpression(each);
  const texts = new Set(
    site
      .walk(fn)
      .filter(fits)
      .map((each) => site.text(each)),
  );
  if (!ts.isIdentifier(node))
    for (const name of site.scope(node).values.slice(0, 10)) yield site.put(node, name, 0.9);
  for (const text of texts) if (text !== site.text(node) && !text.includes('\n')) yield site.put(node, text);
}

module.exports = {
  COMPARED,
  addOperand,
  borrow,
  changeName,
  changeProperty,
  changeUnary,
  condition,
  dropOperand,
  extendCondition,
  isJoin,
  isMath,
  negate,
  offByOne,
  regroup,
  swapAssignment,
  swapBranches,
  swapComparison,
  swapElements,
  swapJoin,
  swapOperands,
  swapOperator,
};
