'use strict';
/*
 * Which statements and branches a test runs: counters as edits of the text, and what they say about the fault.
 * `suspicion` is Ochiai's: failed(s) / sqrt(all failed x all(s)) (Abreu et al. 2006), raised where a failing test
 * stopped by an error that no assertion threw.
 */
const STOPPED = 1.25;

/** {edits, of: Map(node -> number)}: a counter before each statement, in each arrow's body and each branch. */
function counted(ts, sf, first) {
  const K = ts.SyntaxKind;
  const edits = [];
  const of = new Map();
  const next = (node) => {
    of.set(node, first + of.size);
    return of.get(node);
  };
  const before = (node) => {
    const at = node.getStart(sf);
    edits.push({ start: at, end: at, text: `__hit(${next(node)});` });
  };
  const around = (node, open, close) => {
    const at = node.getStart(sf);
    edits.push({ start: at, end: at, text: `${open[0]}__hit(${next(node)})${open[1]}` });
    ts.forEachChild(node, visit);
    edits.push({ start: node.end, end: node.end, text: close });
  };
  const inBlock = (node) => [K.Block, K.SourceFile, K.CaseClause, K.DefaultClause].includes(node.parent.kind);
  const plain = [
    K.FunctionDeclaration,
    K.Block,
    K.ImportDeclaration,
    K.ExportDeclaration,
    K.ExportAssignment,
    K.InterfaceDeclaration,
    K.TypeAliasDeclaration,
    K.EmptyStatement,
  ];
  const directive = (node) => node.kind === K.ExpressionStatement && ts.isStringLiteral(node.expression);
  const ambient = (node) => (node.modifiers || []).some((m) => m.kind === K.DeclareKeyword);
  const branch = (node, parent) =>
    (ts.isConditionalExpression(parent) && (node === parent.whenTrue || node === parent.whenFalse)) ||
    (ts.isBinaryExpression(parent) &&
      node === parent.right &&
      [K.AmpersandAmpersandToken, K.BarBarToken, K.QuestionQuestionToken].includes(parent.operatorToken.kind));
  const visit = (node) => {
    const { parent } = node;
    if (ts.isTypeNode(node) || ambient(node)) return;
    if (ts.isStatement(node) && !plain.includes(node.kind) && !directive(node)) {
      if (!inBlock(node) && parent.kind !== K.LabeledStatement) return void around(node, ['{', ';'], '}');
      if (inBlock(node)) before(node);
    }
    const arrow = ts.isArrowFunction(parent) && parent.body === node && !ts.isBlock(node);
    if (arrow || branch(node, parent)) return void around(node, ['(', ', '], ')');
    return void ts.forEachChild(node, visit);
  };
  ts.forEachChild(sf, visit);
  return { edits, of };
}

/** Number → 0…1, from tests {failed, hits: [number], stopped: number | undefined}. */
function suspicion(tests) {
  const failures = tests.filter((test) => test.failed);
  const failed = new Map();
  const all = new Map();
  const bump = (map, key) => map.set(key, (map.get(key) || 0) + 1);
  for (const test of tests)
    for (const n of test.hits) {
      bump(all, n);
      if (test.failed) bump(failed, n);
    }
  const found = new Map();
  for (const [n, count] of failed) found.set(n, count / Math.sqrt(failures.length * all.get(n)));
  for (const { stopped } of failures) if (found.has(stopped)) found.set(stopped, STOPPED * found.get(stopped));
  return found;
}

module.exports = { counted, suspicion };
