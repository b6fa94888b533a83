'use strict';
/*
 * The table of templates: [name, prior, which nodes, edits]. Priors are relative to each other, 0…1; they follow how
 * often each kind of one-place bug is reported and how few edits the template makes a node.
 */
const calls = require('./calls.cjs');
const expr = require('./expressions.cjs');
const lits = require('./literals.cjs');
const stmt = require('./statements.cjs');

module.exports = (ts) => {
  const {
    isBinaryExpression: binary,
    isCallExpression: call,
    isIdentifier: name,
    isPropertyAccessExpression: property,
    isElementAccessExpression: index,
  } = ts;
  const any =
    (...tests) =>
    (node) =>
      tests.some((test) => test(node));
  const K = ts.SyntaxKind;
  const word = (node) =>
    [K.TrueKeyword, K.FalseKeyword, K.NullKeyword].includes(node.kind) || (name(node) && node.text === 'undefined');
  const loose = any(name, property, call, index, binary);
  const unary = any(ts.isPrefixUnaryExpression, ts.isPostfixUnaryExpression);
  const conditional = any(
    ts.isIfStatement,
    ts.isWhileStatement,
    ts.isDoStatement,
    ts.isConditionalExpression,
    ts.isForStatement,
  );
  const simple = any(
    ts.isExpressionStatement,
    ts.isVariableStatement,
    ts.isReturnStatement,
    ts.isThrowStatement,
    ts.isBreakOrContinueStatement,
  );
  const statement = any(
    simple,
    ts.isIfStatement,
    ts.isForStatement,
    ts.isForOfStatement,
    ts.isForInStatement,
    ts.isWhileStatement,
    ts.isSwitchStatement,
    ts.isTryStatement,
  );
  const string = any(ts.isStringLiteral, ts.isNoSubstitutionTemplateLiteral);
  const value = any(name, property, call, index, ts.isArrayLiteralExpression);
  return [
    ['swap a comparison', 1.0, binary, expr.swapComparison],
    ['swap an operator', 0.95, binary, expr.swapOperator],
    ['swap an assignment', 0.8, binary, expr.swapAssignment],
    ['swap and/or', 0.95, binary, expr.swapJoin],
    ['swap operands', 0.7, binary, expr.swapOperands],
    ['regroup operands', 0.6, binary, expr.regroup],
    ['drop an operand', 0.7, binary, expr.dropOperand],
    ['ask otherwise', 0.8, binary, stmt.askOtherwise],
    ['negate a condition', 0.85, any(conditional, ts.isReturnStatement, binary), expr.negate],
    ['drop or change a sign', 0.85, unary, expr.changeUnary],
    ['one more or less', 0.85, loose, expr.offByOne],
    ['change a number', 0.9, ts.isNumericLiteral, lits.changeNumber],
    ['change a constant', 0.85, word, lits.changeWord],
    [
      'exchange two constants',
      0.55,
      (node) => node.kind === K.TrueKeyword || node.kind === K.FalseKeyword,
      lits.exchangeWords,
    ],
    ['change a string', 0.55, string, lits.changeString],
    ['change a pattern', 0.8, ts.isRegularExpressionLiteral, lits.changePattern],
    ['use another name', 0.8, name, expr.changeName],
    ['use another property', 0.65, property, expr.changeProperty],
    ['use a sibling', 0.85, any(name, property), calls.swapSibling],
    ['swap arguments', 0.8, call, calls.swapArguments],
    ['change the arguments', 0.35, any(call, ts.isNewExpression), calls.changeArguments],
    ['sort otherwise', 0.75, call, calls.changeSort],
    ['take a call away', 0.6, any(call, ts.isNewExpression), calls.unwrap],
    ['wrap in a call', 0.45, loose, calls.wrap],
    ['append a call', 0.35, loose, calls.append],
    ['take a part', 0.3, loose, calls.takePart],
    ['change an index', 0.6, index, calls.changeIndex],
    ['change a chain', 0.6, any(property, index), calls.changeChain],
    ['await', 0.85, any(call, name, property, ts.isAwaitExpression), calls.changeAwait],
    ['make it async', 0.25, ts.isFunctionLike, calls.makeAsync],
    ['change a callback', 0.6, any(ts.isFunctionExpression, property, name), calls.changeCallback],
    ['spread', 0.5, any(ts.isSpreadElement, value), calls.changeSpread],
    ['construct', 0.6, call, calls.addNew],
    ['copy', 0.4, any(name, property, call), calls.copy],
    ['swap the branches', 0.7, ts.isConditionalExpression, expr.swapBranches],
    ['swap elements', 0.5, ts.isArrayLiteralExpression, expr.swapElements],
    ['extend a condition', 0.3, any(conditional, ts.isReturnStatement), expr.extendCondition],
    ['add an operand', 0.25, any(loose, ts.isNumericLiteral), expr.addOperand],
    ['borrow an expression', 0.35, loose, expr.borrow],
    ['change what is returned', 0.6, ts.isReturnStatement, stmt.changeReturn],
    ['exchange two returns', 0.6, ts.isReturnStatement, stmt.exchangeReturns],
    ['return it', 0.7, ts.isExpressionStatement, stmt.addReturn],
    ['return from the arrow', 0.8, ts.isArrowFunction, stmt.addArrowReturn],
    ['end with a return', 0.6, ts.isFunctionLike, stmt.endWithReturn],
    ['insert a guard', 0.45, statement, stmt.guard],
    ['compare instead', 1.0, conditional, stmt.compareInstead],
    [
      'put under a condition',
      0.25,
      any(ts.isExpressionStatement, ts.isReturnStatement, ts.isBreakOrContinueStatement),
      stmt.putUnder,
    ],
    ['change a jump', 0.8, ts.isBreakOrContinueStatement, stmt.changeJump],
    ['insert a jump', 0.55, statement, stmt.insertJump],
    ['change a branch', 0.45, ts.isIfStatement, stmt.changeBranch],
    ['split an else', 0.5, ts.isIfStatement, stmt.splitElse],
    ['change a loop', 0.7, any(ts.isForOfStatement, ts.isForInStatement), stmt.changeLoop],
    ['change a binding', 0.5, ts.isVariableDeclarationList, stmt.changeBinding],
    ['add a default', 0.5, ts.isParameter, stmt.addDefault],
    ['change a default', 0.6, ts.isParameter, stmt.changeDefault],
    ['delete a statement', 0.55, statement, stmt.remove],
    ['swap two statements', 0.4, statement, stmt.swapWithNext],
    ['move out of a block', 0.7, simple, stmt.moveOut],
    ['move into a block', 0.6, simple, stmt.moveIn],
    ['repeat a statement', 0.2, simple, stmt.repeat],
    ['insert a step', 0.25, simple, stmt.insertStep],
  ].map(([label, prior, on, edits]) => ({ name: label, prior, on, edits }));
};
