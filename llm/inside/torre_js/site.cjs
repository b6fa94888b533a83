'use strict';
/* A source file as templates see it: text by node, edits by span, names in scope. */

class Site {
  /** `strings` are literals of the failing tests, worth trying where a string is changed. */
  constructor(ts, own, { strings = [] } = {}) {
    Object.assign(this, { ts, K: ts.SyntaxKind, own, sf: own.sf, path: own.path, source: own.text, strings });
    this.newline = own.text.includes('\r\n') ? '\r\n' : '\n';
    this.scopes = new Map();
    this.facts = this.survey();
  }

  // -------------------------------------------------------------------------------------------------- text

  start(node) {
    return node.getStart(this.sf);
  }
  text(node) {
    return this.source.slice(this.start(node), node.end);
  }
  line(node) {
    return this.sf.getLineAndCharacterOfPosition(this.start(node)).line + 1;
  }

  /** Put text in a node's place as it is. */
  raw(node, text, weight = 1) {
    return { start: this.start(node), end: node.end, text, weight };
  }
  /** Put an expression in a node's place, in parentheses where its surroundings could take it apart. */
  put(node, text, weight = 1) {
    const loose = /^[\w$.]+$|^(['"`])[^'"`]*\1$|^[\w$.]+\([^()]*\)$/.test(text);
    return this.raw(node, !loose && this.tight(node) ? `(${text})` : text, weight);
  }
  tight(node) {
    const { ts, K } = this;
    const { parent } = node;
    const operand = ts.isBinaryExpression(parent) && !ts.isAssignmentExpression(parent);
    const unary = [
      K.PrefixUnaryExpression,
      K.PostfixUnaryExpression,
      K.AwaitExpression,
      K.TypeOfExpression,
      K.NonNullExpression,
      K.AsExpression,
      K.SpreadElement,
    ];
    const head =
      (ts.isPropertyAccessExpression(parent) ||
        ts.isElementAccessExpression(parent) ||
        ts.isCallExpression(parent) ||
        ts.isNewExpression(parent)) &&
      parent.expression === node;
    const test = ts.isConditionalExpression(parent) && parent.condition === node;
    return operand || head || test || unary.includes(parent.kind);
  }
  /** A node's text that can stand beside any operator. */
  atom(node) {
    const { ts } = this;
    const weak =
      ts.isBinaryExpression(node) ||
      ts.isConditionalExpression(node) ||
      ts.isPrefixUnaryExpression(node) ||
      ts.isArrowFunction(node) ||
      ts.isAwaitExpression(node) ||
      ts.isYieldExpression(node) ||
      ts.isTypeOfExpression(node);
    return weak ? `(${this.text(node)})` : this.text(node);
  }
  insertBefore(statement, text, weight) {
    const at = this.start(statement);
    return { start: at, end: at, text: `${text}${this.newline}${this.indent(statement)}`, weight };
  }
  insertAfter(statement, text, weight) {
    return {
      start: statement.end,
      end: statement.end,
      text: `${this.newline}${this.indent(statement)}${text}`,
      weight,
    };
  }
  indent(node) {
    const lineStart = this.source.lastIndexOf('\n', this.start(node) - 1) + 1;
    return /^[ \t]*/.exec(this.source.slice(lineStart))[0];
  }
  get semi() {
    return this.facts.semicolons ? ';' : '';
  }
  /** A statement with its line, if it stands alone on it. */
  whole(statement) {
    const start = this.start(statement);
    const lineStart = this.source.lastIndexOf('\n', start - 1) + 1;
    const rest = /^[ \t]*(\r?\n|$)/.exec(this.source.slice(statement.end));
    const alone = !this.source.slice(lineStart, start).trim() && rest;
    return alone
      ? { start: lineStart, end: statement.end + rest[0].length, text: '' }
      : { start, end: statement.end, text: '' };
  }

  // -------------------------------------------------------------------------------------------------- tree

  walk(node, found = []) {
    found.push(node);
    this.ts.forEachChild(node, (child) => {
      this.walk(child, found);
    });
    return found;
  }
  up(node, wanted) {
    for (let at = node.parent; at; at = at.parent) if (wanted(at)) return at;
    return null;
  }
  function(node) {
    return this.up(node, (at) => this.ts.isFunctionLike(at) && at.body);
  }
  statement(node) {
    return this.ts.isStatement(node) ? node : this.up(node, (at) => this.ts.isStatement(at));
  }
  inList(statement) {
    return (
      statement.parent &&
      Array.isArray(statement.parent.statements) &&
      statement.parent.statements.includes(statement)
    );
  }
  inAsync(node) {
    const fn = this.function(node);
    return Boolean(fn && (fn.modifiers || []).some((m) => m.kind === this.K.AsyncKeyword));
  }
  /** Whether a node is read as a value: not a name that is declared, a callee, a property's name or a target. */
  isValue(node) {
    const { ts } = this;
    const { parent } = node;
    if (!ts.isExpression(node) || !parent) return false;
    if (parent.name === node || parent.propertyName === node) return false;
    if (ts.isAssignmentExpression(parent) && parent.left === node) return false;
    if (ts.isCallExpression(parent) && parent.expression === node) return false;
    const mutated =
      (ts.isPrefixUnaryExpression(parent) || ts.isPostfixUnaryExpression(parent)) &&
      [this.K.PlusPlusToken, this.K.MinusMinusToken].includes(parent.operator);
    return (
      !mutated &&
      !ts.isTypeNode(parent) &&
      !ts.isLabeledStatement(parent) &&
      !ts.isBreakOrContinueStatement(parent) &&
      !this.inType(node) &&
      !ts.isImportSpecifier(parent) &&
      !ts.isExportSpecifier(parent)
    );
  }
  inType(node) {
    return Boolean(this.up(node, (at) => this.ts.isTypeNode(at) && !this.ts.isExpressionWithTypeArguments(at)));
  }

  // ------------------------------------------------------------------------------------------- ingredients

  /** Names that a node can see, innermost first: {values, functions} of this file's own. */
  scope(node) {
    const values = new Set();
    const functions = new Set();
    for (let at = node.parent; at; at = at.parent) {
      const { names, called } = this.declared(at);
      names.forEach((name) => values.add(name));
      called.forEach((name) => functions.add(name));
    }
    return { values: [...values], functions: [...functions] };
  }
  declared(node) {
    if (!this.scopes.has(node)) this.scopes.set(node, this.declarations(node));
    return this.scopes.get(node);
  }
  declarations(node) {
    const { ts } = this;
    const names = [];
    const called = [];
    const bind = (name) => {
      if (ts.isIdentifier(name)) names.push(name.text);
      else name.elements.forEach((e) => e.name && bind(e.name));
    };
    const declare = (list) =>
      list.declarations.forEach((d) => {
        bind(d.name);
        if (d.initializer && ts.isFunctionLike(d.initializer)) called.push(names.pop());
      });
    for (const parameter of ts.isFunctionLike(node) ? node.parameters || [] : []) bind(parameter.name);
    if (node.initializer && ts.isVariableDeclarationList(node.initializer)) declare(node.initializer);
    for (const statement of Array.isArray(node.statements) ? node.statements : []) {
      if (ts.isVariableStatement(statement)) declare(statement.declarationList);
      if (ts.isFunctionDeclaration(statement) && statement.name) called.push(statement.name.text);
      if (ts.isImportDeclaration(statement)) called.push(...this.importedNames(statement));
    }
    return { names, called };
  }
  importedNames({ importClause: clause }) {
    const named =
      clause && clause.namedBindings && clause.namedBindings.elements ? clause.namedBindings.elements : [];
    return named.filter((e) => !e.isTypeOnly).map((e) => e.name.text);
  }

  /** What the whole file uses: numbers, strings, property names, fields of `this`. */
  survey() {
    const { ts } = this;
    const numbers = new Set();
    const strings = new Set();
    const properties = new Map();
    const fields = new Set();
    for (const node of this.walk(this.sf)) {
      if (ts.isNumericLiteral(node)) numbers.add(node.text);
      if (ts.isStringLiteralLike(node) && !ts.isImportDeclaration(node.parent) && node.text.length < 60)
        strings.add(node.text);
      if (ts.isPropertyAccessExpression(node)) {
        if (node.expression.kind === this.K.ThisKeyword) fields.add(node.name.text);
        const called = ts.isCallExpression(node.parent) && node.parent.expression === node;
        if (!called) properties.set(node.name.text, (properties.get(node.name.text) || 0) + 1);
      }
    }
    return {
      numbers: [...numbers],
      strings: [...strings],
      properties: [...properties.keys()],
      fields: [...fields],
      semicolons: /;[ \t]*(\r?\n|$)/.test(this.source),
    };
  }
}

module.exports = { Site };
