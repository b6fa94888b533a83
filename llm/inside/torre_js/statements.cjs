'use strict';
/* Edits of statements: deleted, moved, guarded, returned. Each function is a generator of edits for (site, node). */

const { COMPARED } = require('./expressions.cjs');

function* remove(site, node) {
  const { ts } = site;
  if (!site.inList(node)) return;
  if (ts.isReturnStatement(node) && node.parent.statements.length === 1 && ts.isFunctionLike(node.parent.parent))
    return;
  yield site.whole(node);
  if (ts.isIfStatement(node) && ts.isBlock(node.thenStatement) && !node.elseStatement)
    yield site.raw(node, inner(site, node.thenStatement), 0.6);
}
const inner = (site, block) => site.source.slice(site.start(block) + 1, block.end - 1).trim();

function* swapWithNext(site, node) {
  if (!site.inList(node)) return;
  const list = node.parent.statements;
  const next = list[list.indexOf(node) + 1];
  if (!next) return;
  const middle = site.source.slice(node.end, site.start(next));
  yield { start: site.start(node), end: next.end, text: site.text(next) + middle + site.text(node), weight: 1 };
}

/** Behind or before the block that it stands in. */
function* moveOut(site, node) {
  const { ts } = site;
  if (!site.inList(node) || !ts.isBlock(node.parent)) return;
  const outer = node.parent.parent;
  if (ts.isFunctionLike(outer) || !ts.isStatement(outer) || !site.inList(outer)) return;
  const { start, end } = site.whole(node);
  const rest = (from, to) => site.source.slice(from, start) + site.source.slice(end, to);
  const [text, at] = [site.text(node), site.start(outer)];
  yield {
    start: at,
    end: outer.end,
    text: `${rest(at, outer.end)}${site.newline}${site.indent(outer)}${text}`,
    weight: 1,
  };
  yield {
    start: at,
    end: outer.end,
    text: `${text}${site.newline}${site.indent(outer)}${rest(at, outer.end)}`,
    weight: 0.9,
  };
}
/** To the end or the beginning of the block of the statement above or below. */
function* moveIn(site, node) {
  const { ts } = site;
  if (!site.inList(node)) return;
  const list = node.parent.statements;
  const at = list.indexOf(node);
  const [above, below] = [list[at - 1], list[at + 1]];
  const block = (statement) => {
    const body = statement && (statement.statement || statement.elseStatement || statement.thenStatement);
    return body && ts.isBlock(body) && body.statements.length ? body : null;
  };
  const [up, down] = [block(above), block(below)];
  if (up) {
    const last = up.statements[up.statements.length - 1];
    const tail = site.source.slice(last.end, above.end);
    yield {
      start: last.end,
      end: node.end,
      text: `${site.newline}${site.indent(last)}${site.text(node)}${tail}`,
      weight: 1,
    };
  }
  if (down) {
    const first = down.statements[0];
    const head = site.source.slice(site.start(below), site.start(first));
    yield {
      start: site.start(node),
      end: site.start(first),
      text: `${head}${site.text(node)}${site.newline}${site.indent(first)}`,
      weight: 0.9,
    };
  }
}
function* repeat(site, node) {
  if (site.inList(node)) yield site.insertAfter(node, site.text(node), 1);
}
function* changeJump(site, node) {
  const { ts } = site;
  yield site.raw(node, (ts.isBreakStatement(node) ? 'continue' : 'break') + site.semi);
  yield site.raw(node, `return${site.semi}`, 0.4);
}
function* insertJump(site, node) {
  const { ts, K } = site;
  const inLoop = site.up(node, (at) => ts.isIterationStatement(at, false) || ts.isFunctionLike(at));
  const inSwitch = ts.isCaseOrDefaultClause(node.parent);
  if (!site.inList(node)) return;
  const last = node.parent.statements[node.parent.statements.length - 1] === node;
  if (last && inSwitch && node.kind !== K.BreakStatement) yield site.insertAfter(node, `break${site.semi}`, 1);
  if (last && inLoop && ts.isIterationStatement(inLoop, false)) {
    yield site.insertAfter(node, `break${site.semi}`, 0.7);
    yield site.insertAfter(node, `continue${site.semi}`, 0.5);
  }
}

/** What a function gives back. */
function* changeReturn(site, node) {
  const { values } = site.scope(node);
  const now = node.expression ? site.text(node.expression) : '';
  const fixed = ['true', 'false', 'null', 'undefined', '0', '1', '-1', "''", '[]', '{}'].map((text, n) => [
    text,
    0.7 - 0.03 * n,
  ]);
  for (const [text, weight] of [...values.slice(0, 12).map((n, rank) => [n, 1 - 0.04 * rank]), ...fixed]) {
    if (text !== now) yield site.raw(node, `return ${text}${site.semi}`, weight);
  }
}
/** Two `return`s of one function change places. */
function* exchangeReturns(site, node) {
  const { ts } = site;
  const fn = site.function(node);
  if (!fn || !node.expression) return;
  const others = site
    .walk(fn.body)
    .filter((each) => ts.isReturnStatement(each) && each.expression && each !== node && site.function(each) === fn);
  for (const [rank, other] of others.slice(0, 4).entries()) {
    const [one, two] = [node.expression, other.expression].sort((a, b) => a.pos - b.pos);
    const middle = site.source.slice(one.end, site.start(two));
    yield {
      start: site.start(one),
      end: two.end,
      text: site.text(two) + middle + site.text(one),
      weight: 1 - 0.2 * rank,
    };
  }
}
/** `return` before an expression that is thrown away, and behind the last statement. */
function* addReturn(site, node) {
  if (!site.function(node)) return;
  yield { start: site.start(node), end: site.start(node), text: 'return ', weight: 1 };
  if (site.ts.isNewExpression(node.expression))
    yield { start: site.start(node), end: site.start(node), text: 'throw ', weight: 1 };
}
function* endWithReturn(site, node) {
  const { ts } = site;
  if (!node.body || !ts.isBlock(node.body) || !node.body.statements.length) return;
  const last = node.body.statements[node.body.statements.length - 1];
  if (ts.isReturnStatement(last)) return;
  const names = site.declared(node.body).names;
  const given = site.declared(node).names;
  for (const [rank, name] of [...names, ...given, 'this', 'true', 'false', 'null', '0', "''", '[]'].entries())
    yield site.insertAfter(last, `return ${name}${site.semi}`, 1 - 0.05 * Math.min(rank, 15));
}

/** An early end before a statement, where a name is empty or at a boundary. */
function* guard(site, node) {
  const { ts, K } = site;
  const fn = site.function(node);
  if (!fn || !site.inList(node)) return;
  const first = node.parent === fn.body && node.parent.statements[0] === node;
  const loop = site.up(node, (at) => ts.isIterationStatement(at, false) || at === fn);
  const names = [...new Set([...site.declared(fn).names, ...site.scope(node).values.slice(0, 4)])].slice(0, 6);
  const tests = names.flatMap((n) => [
    [`!${n}`, 1],
    [`${n}.length === 0`, 0.9],
    [`${n} === 0`, 0.7],
    [`${n} < 0`, 0.7],
    [`${n} <= 0`, 0.7],
    [`${n} == null`, 0.7],
    [`${n} < 2`, 0.6],
    [`${n} === 1`, 0.6],
  ]);
  const ends = [
    'return false',
    'return true',
    'return null',
    'return []',
    'return 0',
    "return ''",
    ...names.slice(0, 2).map((n) => `return ${n}`),
    'return 1',
    'return -1',
    'return',
    'return undefined',
  ];
  if (loop !== fn && loop.kind !== K.Block) ends.unshift('continue', 'break');
  for (const [test, weight] of tests) {
    for (const [rank, end] of ends.entries())
      yield site.insertBefore(
        node,
        `if (${test}) ${end}${site.semi}`,
        weight * (first || loop !== fn ? 1 : 0.5) * (1 - 0.04 * rank),
      );
  }
}

/** A statement that runs only under a condition: one of the function's own, or names compared. */
function* putUnder(site, node) {
  const { ts } = site;
  const fn = site.function(node);
  if (!fn) return;
  const compared = site
    .walk(fn)
    .filter((each) => ts.isBinaryExpression(each) && site.text(each.operatorToken) in COMPARED)
    .map((each) => site.text(each));
  const names = site.scope(node).values.slice(0, 5);
  const pairs = names.flatMap((one, n) =>
    names.slice(n + 1).flatMap((two) => ['===', '!==', '<', '>'].map((operator) => `${one} ${operator} ${two}`)),
  );
  const tests = [...new Set(compared)].filter((text) => !text.includes('\n')).map((text) => [text, 1]);
  for (const [test, weight] of [
    ...tests,
    ...names.flatMap((n) => [
      [n, 0.7],
      [`!${n}`, 0.7],
      [`${n} > 0`, 0.7],
    ]),
    ...pairs.map((text) => [text, 0.6]),
  ]) {
    yield site.raw(node, `if (${test}) ${site.text(node)}`, weight);
  }
}

/** The block of an `if` without it, an `else` more or less. */
function* changeBranch(site, node) {
  const { ts } = site;
  const [yes, no] = [node.thenStatement, node.elseStatement].map((each) => each && site.text(each));
  yield site.raw(node.expression, 'true', 0.6);
  yield site.raw(node.expression, 'false', 0.6);
  if (no) {
    yield { start: node.thenStatement.end, end: node.end, text: '', weight: 0.7 };
    if (!ts.isIfStatement(node.elseStatement))
      yield { start: site.start(node.thenStatement), end: node.end, text: `${no} else ${yes}`, weight: 0.7 };
  }
  if (!site.inList(node)) return;
  const list = node.parent.statements;
  const next = list[list.indexOf(node) + 1];
  if (!no && next && ts.isIfStatement(next))
    yield { start: node.end, end: site.start(next), text: ' else ', weight: 0.9 };
  if (!no && next && !ts.isReturnStatement(next))
    yield {
      start: node.end,
      end: next.end,
      text: ` else {${site.newline}${site.indent(node)}  ${site.text(next)}${site.newline}${site.indent(node)}}`,
      weight: 0.6,
    };
}
/** An `else if` becomes an `if` of its own. */
function* splitElse(site, node) {
  const { ts } = site;
  if (node.elseStatement && ts.isIfStatement(node.elseStatement) && site.inList(node)) {
    yield {
      start: node.thenStatement.end,
      end: site.start(node.elseStatement),
      text: `${site.newline}${site.indent(node)}`,
      weight: 1,
    };
  }
}
/** `if (a = b)`. */
function* compareInstead(site, node) {
  const test = site.ts.isForStatement(node) ? node.condition : node.expression;
  if (test && site.ts.isAssignmentExpression(test)) yield site.raw(test.operatorToken, '===');
}

function* changeLoop(site, node) {
  const { ts } = site;
  const between = { start: node.initializer.end, end: site.start(node.expression) };
  if (ts.isForOfStatement(node)) {
    yield { ...between, text: ' in ', weight: 0.8 };
    const text = site.text(node.expression);
    for (const [rank, other] of [
      `Object.entries(${text})`,
      `Object.keys(${text})`,
      `Object.values(${text})`,
      `${text}.entries()`,
      `${text}.slice(1)`,
      `[...${text}]`,
    ].entries())
      yield site.raw(node.expression, other, 0.7 - 0.08 * rank);
  } else yield { ...between, text: ' of ', weight: 1 };
}
/** `let` for `const` and `var`: a binding that may change, or one for each turn of a loop. */
function* changeBinding(site, node) {
  const word = /^(const|var|let)\b/.exec(site.text(node));
  if (!word) return;
  const others = { const: ['let'], var: ['let'], let: ['var'] }[word[1]];
  for (const other of others)
    yield {
      start: site.start(node),
      end: site.start(node) + word[1].length,
      text: other,
      weight: other === 'var' ? 0.2 : 1,
    };
  if (
    !site.ts.isVariableStatement(node.parent) ||
    node.declarations.length !== 1 ||
    !node.declarations[0].initializer
  )
    return;
  if (site.ts.isIdentifier(node.declarations[0].name))
    yield { start: site.start(node), end: site.start(node.declarations[0].name), text: '', weight: 0.7 };
}
/** A default for a parameter. */
function* addDefault(site, node) {
  if (node.initializer || node.dotDotDotToken || !site.ts.isIdentifier(node.name)) return;
  for (const [rank, text] of ['0', '{}', '[]', "''", '1', 'null', 'false', 'true'].entries())
    yield { start: node.end, end: node.end, text: ` = ${text}`, weight: 1 - 0.1 * rank };
}
function* changeDefault(site, node) {
  if (node.initializer)
    for (const text of ['0', '{}', '[]', "''", '1', 'null'])
      if (text !== site.text(node.initializer)) yield site.raw(node.initializer, text, 0.7);
}
/** A step of a loop that is missing: `i++`, `count += 1`, `x = y`. */
function* insertStep(site, node) {
  const { ts } = site;
  if (!site.inList(node) || !site.function(node)) return;
  const values = site.scope(node).values.slice(0, 5);
  for (const [rank, name] of values.entries()) {
    for (const step of [`${name}++`, `${name}--`]) yield site.insertAfter(node, step + site.semi, 0.8 - 0.08 * rank);
    for (const other of values)
      if (other !== name) yield site.insertAfter(node, `${name} = ${other}${site.semi}`, 0.5 - 0.05 * rank);
  }
  const fields = site.facts.fields.slice(0, 6);
  for (const name of fields)
    for (const value of ['null', '[]', '0', 'true', 'false', ...values])
      yield site.insertAfter(node, `this.${name} = ${value}${site.semi}`, 0.4);
  if (ts.isConstructorDeclaration(site.function(node)) && node.parent.statements[0] === node)
    yield site.insertBefore(node, `super()${site.semi}`, 1);
}
/** `x => { x * 2 }`: the block's only expression is what was meant. */
function* addArrowReturn(site, node) {
  const { ts } = site;
  if (
    !ts.isBlock(node.body) ||
    node.body.statements.length !== 1 ||
    !ts.isExpressionStatement(node.body.statements[0])
  )
    return;
  const [only] = node.body.statements;
  yield { start: site.start(only), end: site.start(only), text: 'return ', weight: 1 };
}
/** `{ a: 1 }` after an arrow was a block; `typeof x === 'array'`. */
function* askOtherwise(site, node) {
  const { ts } = site;
  const compared = ['===', '==', '!==', '!='].includes(site.text(node.operatorToken));
  if (!compared || !(site.text(node.operatorToken) in COMPARED)) return;
  const no = site.text(node.operatorToken)[0] === '!' ? '!' : '';
  if (ts.isTypeOfExpression(node.left)) {
    yield site.put(node, `${no}Array.isArray(${site.text(node.left.expression)})`, 0.7);
    for (const kind of ['string', 'number', 'object', 'undefined', 'function', 'boolean'])
      yield site.raw(node.right, `'${kind}'`, 0.6);
  }
  yield site.put(node, `${no}Object.is(${site.text(node.left)}, ${site.text(node.right)})`, 0.2);
  if (site.text(node.right) === 'NaN') yield site.put(node, `${no}Number.isNaN(${site.text(node.left)})`, 1);
}

module.exports = {
  addArrowReturn,
  addDefault,
  addReturn,
  askOtherwise,
  changeBinding,
  changeBranch,
  changeDefault,
  changeJump,
  changeLoop,
  changeReturn,
  compareInstead,
  endWithReturn,
  exchangeReturns,
  guard,
  insertJump,
  insertStep,
  moveIn,
  moveOut,
  putUnder,
  remove,
  repeat,
  splitElse,
  swapWithNext,
};
