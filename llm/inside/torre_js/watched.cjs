'use strict';
/* Which functions versions of a file touch, how they are watched, and what the text of a change says. */

/** The functions of a module that can be called from outside: {key, node, path: how it is reached, kind}. */
function functionsOf(ts, sf) {
  const found = [];
  const isFunction = (node) => node && (ts.isArrowFunction(node) || ts.isFunctionExpression(node));
  const ofClass = (node, name) => {
    for (const member of node.members) {
      if (!ts.isMethodDeclaration(member) || !member.body || !ts.isIdentifier(member.name)) continue;
      const own = (member.modifiers || []).some((m) => m.kind === ts.SyntaxKind.StaticKeyword);
      found.push({ key: `${name}.${member.name.text}`, node: member, owner: name, own, kind: 'method' });
    }
  };
  for (const node of sf.statements) {
    if (ts.isFunctionDeclaration(node) && node.body && node.name)
      found.push({ key: node.name.text, node, kind: 'declaration' });
    if (ts.isClassDeclaration(node) && node.name) ofClass(node, node.name.text);
    for (const each of ts.isVariableStatement(node) ? node.declarationList.declarations : []) {
      if (ts.isIdentifier(each.name) && isFunction(each.initializer))
        found.push({ key: each.name.text, node: each.initializer, kind: 'value' });
    }
    const assigned = ts.isExpressionStatement(node) && ts.isAssignmentExpression(node.expression) && node.expression;
    if (assigned && ts.isPropertyAccessExpression(assigned.left) && isFunction(assigned.right))
      found.push({ key: assigned.left.name.text, node: assigned.right, kind: 'value' });
    if (ts.isExportAssignment(node) && isFunction(node.expression))
      found.push({ key: 'default', node: node.expression, kind: 'value' });
  }
  return found;
}

const printed = (ts, sf, node) =>
  ts.createPrinter({ removeComments: true }).printNode(ts.EmitHint.Unspecified, node, sf);

/** Keys of the functions in which two versions differ; all of them where something outside of functions does. */
function differing(ts, before, after) {
  const [one, two] = [before, after].map(
    (own) => new Map(functionsOf(ts, own.sf).map((each) => [each.key, printed(ts, own.sf, each.node)])),
  );
  if (rest(ts, before) !== rest(ts, after)) return [...one.keys()];
  return [...one.keys()].filter((key) => one.get(key) !== two.get(key));
}
function rest(ts, own) {
  const parts = functionsOf(ts, own.sf)
    .map(({ node }) => [node.getStart(own.sf), node.end])
    .sort((a, b) => b[0] - a[0]);
  return parts.reduce((text, [start, end]) => text.slice(0, start) + text.slice(end), own.text).replace(/\s+/g, '');
}

/** Edits after which the module's functions of these keys are known to `__hit`; `recording`, their calls as well. */
function watching(ts, own, keys, recording) {
  const edits = [];
  const at = (place, text) => edits.push({ start: place, end: place, text });
  const head = [];
  for (const { key, node, kind, owner, own: isStatic } of functionsOf(ts, own.sf).filter((each) =>
    keys.includes(each.key),
  )) {
    const name = JSON.stringify(`${own.key}:${key}`);
    const start = node.getStart(own.sf);
    if (kind === 'value') {
      at(start, `__hit.value(${name}, `);
      at(node.end, ')');
      continue;
    }
    if (kind === 'declaration') head.push(`__hit.value(${name}, ${key}, true);`);
    else at(node.parent.end, `;__hit.method(${name}, ${owner}, ${JSON.stringify(node.name.text)}, ${isStatic});`);
    if (!recording) continue;
    at(node.body.getStart(own.sf) + 1, `const __torre_call = __hit.begin(${name}, arguments, this); try {`);
    const failed = 'catch (__torre_error) { throw __hit.failed(__torre_call, __torre_error); }';
    at(node.body.end - 1, `} ${failed} finally { __hit.end(__torre_call); }`);
  }
  const last = own.sf.statements[own.sf.statements.length - 1];
  if (head.length && last) at(own.sf.statements[0].getStart(own.sf), head.join(''));
  return edits;
}

const LOOKING_UP = [
  ...['get', 'has', 'includes', 'indexOf', 'lastIndexOf', 'find', 'findIndex', 'some', 'every'],
  ...['test', 'match', 'search', 'startsWith', 'endsWith'],
];

/** What special-casing needs: how many places decide or look up, and the constants. */
function nature(ts, sf) {
  const K = ts.SyntaxKind;
  const deciding = [
    K.IfStatement,
    K.ConditionalExpression,
    K.WhileStatement,
    K.ObjectLiteralExpression,
    K.TryStatement,
    K.ElementAccessExpression,
    K.CaseClause,
    K.RegularExpressionLiteral,
  ];
  const looksUp = (node) =>
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    LOOKING_UP.includes(node.expression.name.text);
  const operators = ['<', '<=', '>', '>=', '==', '===', '!=', '!==', '&&', '||', '??', 'in'];
  const found = { cases: 0, constants: new Set(), classes: new Set() };
  const visit = (node) => {
    found.cases +=
      deciding.includes(node.kind) ||
      looksUp(node) ||
      (ts.isBinaryExpression(node) && operators.includes(node.operatorToken.getText(sf)));
    if (ts.isRegularExpressionLiteral(node)) found.constants.add(JSON.stringify(node.text));
    if (literal(ts, node)) found.constants.add(literal(ts, node));
    if (ts.isClassLike(node) && node.name) found.classes.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(sf);
  return found;
}

/** A literal as the constants of `nature` have it, or "". */
function literal(ts, node) {
  if (ts.isStringLiteralLike(node)) return JSON.stringify(node.text);
  return ts.isNumericLiteral(node) ? JSON.stringify(Number(node.text)) : '';
}

/** The text with others in place of these literals. */
function without(ts, sf, taken) {
  const edits = [];
  const visit = (node) => {
    if (taken.has(literal(ts, node))) {
      const other = ts.isNumericLiteral(node) ? Number(node.text) + 1_000_003 : JSON.stringify(`${node.text}\u0001`);
      edits.unshift([node.getStart(sf), node.getEnd(), other]);
    }
    ts.forEachChild(node, visit);
  };
  visit(sf);
  return edits.reduce((text, [from, to, other]) => text.slice(0, from) + other + text.slice(to), sf.text);
}

module.exports = { differing, nature, watching, without };
