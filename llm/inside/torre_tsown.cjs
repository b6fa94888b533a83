'use strict';
/*
 * Code fixes that the language service does not have: an import of a file that is not there, a name whose
 * spelling is too far off for its own suggestion (two letters exchanged), an await before an initial value.
 * Each has the shape of the service's own: {fixName, description, changes}.
 */
const path = require('path');

const MAX_NEAR = 3;
const MISSING_MODULE = new Set([2307, 2792]);
const UNKNOWN_NAME = new Set([2304, 2305, 2339]);
const NOT_ASSIGNABLE = new Set([2322, 2739, 2740, 2741]);  // the last three: properties are missing

/** Edits (insert, delete, replace, exchange neighbours) from one word to another. */
function distance(a, b) {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const exchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2][j - 2] + 1 : Infinity;
      rows[i].push(Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, replaced, exchanged));
    }
  }
  return rows[a.length][b.length];
}

function replacement(fixName, description, file, start, length, newText) {
  return { fixName, description, changes: [{ fileName: file, textChanges: [{ span: { start, length }, newText }] }] };
}

/** Files that are there, under a like path or with the same name elsewhere. */
function nearModules(error, text, fileNames) {
  const [, quote, specifier] = /^(['"])(\..*)\1$/.exec(text.slice(error.start, error.start + error.length)) || [];
  if (!specifier) return [];
  const [extension] = /\.[cm]?jsx?$/.exec(specifier) || [''];
  const wanted = specifier.toLowerCase();
  const near = fileNames.filter((file) => file !== error.file).map((file) => {
    const bare = path.relative(path.dirname(error.file), file).replace(/(\.d)?\.[cm]?[jt]sx?$/, '');
    const full = (bare.startsWith('.') ? bare : './' + bare) + extension;
    const short = extension ? full : full.replace(/\/index$/, '');
    return { short, far: distance(short.toLowerCase(), wanted), same: path.basename(short).toLowerCase() === path.basename(wanted) };
  });
  return near.filter(({ far, same }) => same || far <= Math.max(1, specifier.length / 4))
    .sort((a, b) => a.far - b.far).slice(0, MAX_NEAR)
    .map(({ short }) => replacement('moduleSpecifier', `Change import to "${short}"`, error.file, error.start, error.length, quote + short + quote));
}

/** The smallest node that spans an error. */
function nodeAt(ts, source, { start, length }) {
  const inner = (node) => ts.forEachChild(node, (child) => (child.getStart(source) <= start && start + length <= child.end ? inner(child) : undefined)) || node;
  return inner(source);
}

/** What an unknown name could have meant: what is in scope, the members of the object, the module's exports. */
function known(ts, checker, node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return checker.getTypeAtLocation(parent.expression).getApparentProperties();
  if (ts.isImportSpecifier(parent)) {
    const module = checker.getSymbolAtLocation(parent.parent.parent.parent.moduleSpecifier);
    return module ? checker.getExportsOfModule(module) : [];
  }
  const { Value, Type, Namespace, Alias } = ts.SymbolFlags;
  return checker.getSymbolsInScope(node, Value | Type | Namespace | Alias);
}

function nearNames(ts, error, program) {
  const node = nodeAt(ts, program.getSourceFile(error.file), error);
  if (!ts.isIdentifier(node) || node.text.length < 3) return [];
  const wanted = node.text.toLowerCase();
  const names = new Set(known(ts, program.getTypeChecker(), node).map((symbol) => symbol.name));
  return [...names].filter((name) => Math.abs(name.length - wanted.length) <= 2 && /^[\w$]+$/.test(name))
    .map((name) => ({ name, far: distance(name.toLowerCase(), wanted) }))
    .filter(({ far }) => far <= Math.max(1, wanted.length / 4))
    .sort((a, b) => a.far - b.far).slice(0, MAX_NEAR)
    .map(({ name }) => replacement('spelling', `Change spelling to '${name}'`, error.file, error.start, error.length, name));
}

/** `await` before a promise whose value is what a variable, a property or a return wants. */
function awaited(ts, error, program) {
  const source = program.getSourceFile(error.file);
  const checker = program.getTypeChecker();
  const node = nodeAt(ts, source, error);
  const holder = ts.isReturnStatement(node) ? node : node.parent;
  const value = ts.isBinaryExpression(holder) ? holder.right : holder.initializer || holder.expression;
  if (!value || !ts.isExpression(value)) return [];
  const type = checker.getTypeAtLocation(value);
  if (!type.getProperty('then') || checker.getAwaitedType(type) === type) return [];
  return [replacement('addMissingAwait', "Add 'await'", error.file, value.getStart(source), 0, 'await ')];
}

/** Torre's own fixes of one error. */
function ownFixes(ts, error, text) {
  if (MISSING_MODULE.has(error.code)) return nearModules(error, text, error.command.fileNames);
  if (UNKNOWN_NAME.has(error.code)) return nearNames(ts, error, error.service.getProgram());
  if (NOT_ASSIGNABLE.has(error.code)) return awaited(ts, error, error.service.getProgram());
  return [];
}

module.exports = { ownFixes };
