'use strict';
/*
 * ES modules and TypeScript as the body of a function that a loader calls: found once a file as edits of its text,
 * so that a candidate costs two edits and no compiler run, and lines stay where they are.
 *
 * plain(ts, sf) is {edits: [{start, end, text}], esm, async, hard}. `hard` names a construct that is more than
 * types to be taken away (an enum, JSX, a decorator): then only the compiler's own output will do.
 * The function's parameters are PARAMETERS; `__torre` is {import, export, exportAll, dynamic, meta}.
 */
const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname', '__torre', '__hit'];

/** As many line ends as a text has: what is taken away must not move the lines below it. */
const blank = (text) => text.replace(/[^\n\r]+/g, '');

class Plain {
  constructor(ts, sf) {
    Object.assign(this, {
      ts,
      sf,
      edits: [],
      head: [],
      getters: [],
      esm: false,
      async: false,
      hard: '',
      imported: 0,
    });
    this.kind = ts.SyntaxKind;
    this.statements = new Set(sf.statements);
  }
  start(node) {
    return node.getStart(this.sf);
  }
  put(start, end, text) {
    this.edits.push({ start, end, text: text + blank(this.sf.text.slice(start, end)) });
  }
  drop(node) {
    this.put(this.start(node), node.end, ';');
  }
  has(node, kind) {
    return (node.modifiers || []).some((m) => m.kind === kind);
  }
  quote(node) {
    return JSON.stringify(node.text);
  }

  visit(node) {
    const gone = this.module(node) || this.types(node);
    if (!gone) this.ts.forEachChild(node, (child) => this.visit(child));
  }

  // ------------------------------------------------------------------------------------------------ modules

  /** True where nothing of the node is left. */
  module(node) {
    const { kind: K } = this;
    switch (node.kind) {
      case K.ImportDeclaration:
        return this.imports(node);
      case K.ExportDeclaration:
        return this.exports(node);
      case K.ExportAssignment:
        return this.exportDefault(node);
      case K.MetaProperty:
        if (node.keywordToken === K.ImportKeyword) {
          this.esm = true;
          this.put(this.start(node), node.end, '__torre.meta');
        }
        return false;
      case K.AwaitExpression:
        if (!this.inFunction(node)) this.async = true;
        return false;
      case K.ForOfStatement:
        if (node.awaitModifier && !this.inFunction(node)) this.async = true;
        return false;
      case K.CallExpression:
        if (node.expression.kind === K.ImportKeyword)
          this.put(this.start(node.expression), node.expression.end, '__torre.dynamic');
        return false;
      default:
        return false;
    }
  }
  inFunction(node) {
    for (let at = node.parent; at; at = at.parent)
      if (this.ts.isFunctionLike(at) || at.kind === this.kind.ClassStaticBlockDeclaration) return true;
    return false;
  }
  from(specifier) {
    const name = `__torre_${this.imported++}`;
    this.head.push(`const ${name} = __torre.import(${this.quote(specifier)});`);
    return name;
  }
  imports(node) {
    this.esm = true;
    const clause = node.importClause;
    if (!clause || !this.typeOnly(clause)) {
      const from = this.from(node.moduleSpecifier);
      const named = clause && clause.namedBindings;
      const parts = clause && clause.name ? [`default: ${clause.name.text}`] : [];
      if (named && named.kind === this.kind.NamespaceImport) this.head.push(`const ${named.name.text} = ${from};`);
      else if (named)
        parts.push(
          ...named.elements
            .filter((e) => !e.isTypeOnly)
            .map((e) => `${this.key(e.propertyName || e.name)}: ${e.name.text}`),
        );
      if (parts.length) this.head.push(`const { ${parts.join(', ')} } = ${from};`);
    }
    this.drop(node);
    return true;
  }
  key(name) {
    return JSON.stringify(name.text);
  }
  typeOnly(clause) {
    return clause.isTypeOnly || clause.phaseModifier === this.kind.TypeKeyword;
  }
  exports(node) {
    this.esm = true;
    this.drop(node);
    if (node.isTypeOnly) return true;
    const from = node.moduleSpecifier && this.from(node.moduleSpecifier);
    const clause = node.exportClause;
    if (!clause) this.head.push(`__torre.exportAll(${from});`);
    else if (clause.kind === this.kind.NamespaceExport) this.getters.push(`${this.key(clause.name)}: () => ${from}`);
    else {
      for (const e of clause.elements.filter((each) => !each.isTypeOnly)) {
        const local = e.propertyName || e.name;
        this.getters.push(`${this.key(e.name)}: () => ${from ? `${from}[${this.key(local)}]` : local.text}`);
      }
    }
    return true;
  }
  exportDefault(node) {
    this.esm = true;
    if (node.isExportEquals) this.hard = 'export =';
    this.put(this.start(node), this.start(node.expression), 'const __torre_default = ');
    this.getters.push('"default": () => __torre_default');
    return false;
  }
  /** `export` before a declaration. */
  exported(node) {
    const { kind: K } = this;
    this.esm = true;
    const first = node.modifiers[0];
    const isDefault = this.has(node, K.DefaultKeyword);
    const last = node.modifiers.filter((m) => m.kind === K.ExportKeyword || m.kind === K.DefaultKeyword).pop();
    const anonymous = isDefault && !node.name;
    this.put(this.start(first), last.end, anonymous ? 'const __torre_default = ' : '');
    const names = node.declarationList
      ? node.declarationList.declarations.flatMap((d) => this.bound(d.name))
      : node.name
        ? [node.name.text]
        : [];
    if (isDefault) this.getters.push(`"default": () => ${anonymous ? '__torre_default' : names[0]}`);
    else this.getters.push(...names.map((name) => `${JSON.stringify(name)}: () => ${name}`));
  }
  bound(name) {
    if (this.ts.isIdentifier(name)) return [name.text];
    return name.elements.filter((e) => e.name).flatMap((e) => this.bound(e.name));
  }

  // -------------------------------------------------------------------------------------------------- types

  /** True where nothing of the node is left. */
  types(node) {
    const { ts, kind: K } = this;
    if (
      node.kind === K.InterfaceDeclaration ||
      node.kind === K.TypeAliasDeclaration ||
      this.has(node, K.DeclareKeyword)
    ) {
      this.drop(node);
      return true;
    }
    const abstract = this.has(node, K.AbstractKeyword) && node.kind !== K.ClassDeclaration;
    const overload =
      ts.isFunctionLike(node) && !node.body && (ts.isFunctionDeclaration(node) || ts.isClassElement(node));
    if (abstract || overload || (node.kind === K.IndexSignature && ts.isClassLike(node.parent))) {
      if (this.has(node, K.ExportKeyword)) this.esm = true;
      this.drop(node);
      return true;
    }
    this.difficult(node);
    if (this.statements.has(node) && this.has(node, K.ExportKeyword)) this.exported(node);
    this.annotations(node);
    return ts.isTypeNode(node) && node.kind !== K.ExpressionWithTypeArguments;
  }
  difficult(node) {
    const { ts, kind: K } = this;
    const hard = [
      K.EnumDeclaration,
      K.ModuleDeclaration,
      K.ImportEqualsDeclaration,
      K.JsxElement,
      K.JsxSelfClosingElement,
      K.JsxFragment,
      K.Decorator,
    ];
    if (hard.includes(node.kind)) this.hard = ts.SyntaxKind[node.kind];
    if (ts.isParameter(node) && (node.modifiers || []).length) this.hard = 'a parameter property';
    if (ts.isParameter(node) && node.name.text === 'this') this.hard = 'a this parameter';
  }
  annotations(node) {
    const { ts, kind: K, sf } = this;
    const typed =
      ts.isParameter(node) ||
      ts.isVariableDeclaration(node) ||
      ts.isPropertyDeclaration(node) ||
      ts.isFunctionLike(node);
    if (typed && node.type && ts.isArrowFunction(node)) {
      this.edits.push({ start: node.type.pos - 1, end: node.type.end, text: '' }); // no line may end before `=>`
    } else if (typed && node.type) this.put(node.type.pos - 1, node.type.end, '');
    if (typed && node.questionToken) this.put(this.start(node.questionToken), node.questionToken.end, '');
    if (node.exclamationToken) this.put(this.start(node.exclamationToken), node.exclamationToken.end, '');
    for (const list of [node.typeParameters, node.typeArguments]) {
      if (list) this.put(list.pos - 1, sf.text.indexOf('>', list.end) + 1, '');
    }
    if (node.kind === K.HeritageClause && node.token === K.ImplementsKeyword)
      this.put(this.start(node), node.end, '');
    if (node.kind === K.AsExpression || node.kind === K.SatisfiesExpression || node.kind === K.NonNullExpression)
      this.put(node.expression.end, node.end, '');
    if (node.kind === K.TypeAssertionExpression) this.put(this.start(node), this.start(node.expression), '');
    for (const m of node.modifiers || []) {
      if (
        [
          K.PublicKeyword,
          K.PrivateKeyword,
          K.ProtectedKeyword,
          K.ReadonlyKeyword,
          K.OverrideKeyword,
          K.AbstractKeyword,
        ].includes(m.kind)
      )
        this.put(this.start(m), m.end, '');
    }
  }

  finish() {
    const getters = this.getters.length ? [`__torre.export({ ${this.getters.join(', ')} });`] : [];
    const head = this.esm ? ['"use strict";', ...getters, ...this.head].join(' ') : '';
    const bang = /^#!.*/.exec(this.sf.text);
    const inside = (a, b) => a !== b && a.start >= b.start && a.end <= b.end && a.end - a.start < b.end - b.start;
    const outermost = this.edits.filter((a) => !this.edits.some((b) => inside(a, b)));
    const edits = [{ start: 0, end: bang ? bang[0].length : 0, text: head }, ...outermost];
    return { edits, esm: this.esm, async: this.async, hard: this.hard };
  }
}

function plain(ts, sf) {
  const made = new Plain(ts, sf);
  ts.forEachChild(sf, (node) => made.visit(node));
  return made.finish();
}

/** A text with edits that do not overlap, or null where two do. Insertions at one place keep their order. */
function applied(text, edits) {
  const sorted = edits
    .map((edit, n) => ({ ...edit, n }))
    .sort((a, b) => a.start - b.start || a.end - b.end || a.n - b.n);
  let made = '';
  let at = 0;
  for (const { start, end, text: put } of sorted) {
    if (start < at) return null;
    made += text.slice(at, start) + put;
    at = end;
  }
  return made + text.slice(at);
}

module.exports = { PARAMETERS, applied, plain };
