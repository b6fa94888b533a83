'use strict';
/*
 * The workspace's own modules that tests load, found by their imports: read, parsed once, and compiled to bodies
 * of functions. What lies in node_modules, and node's own modules, are no part of it.
 */
const fs = require('fs');
const path = require('path');
const { createRequire, isBuiltin } = require('module');

const { applied, plain } = require('./plain.cjs');

const SOURCE = /\.([cm]?[jt]s|[jt]sx)$/;
const TYPED = /\.([cm]?ts|tsx)$/;
const ENDINGS = ['.ts', '.tsx', '.js', '.jsx', '.mjs', '.cjs', '.mts', '.cts', '.json'];
const MOST_BYTES = 1 << 20;

const isFile = (file) => fs.existsSync(file) && fs.statSync(file).isFile();

/** The file that a relative specifier means; TypeScript lets `./a.js` stand for `./a.ts`. */
function relative(base) {
  const swapped = base.replace(/\.([cm]?)js(x?)$/, '.$1ts$2');
  const tried = [
    base,
    swapped,
    `${swapped}x`,
    ...ENDINGS.map((e) => base + e),
    ...ENDINGS.map((e) => path.join(base, `index${e}`)),
  ];
  return tried.find(isFile) || null;
}

/** One own module: its text, its tree, and what it links to (specifier → path of another own module). */
class Own {
  constructor(ts, file, text) {
    this.ts = ts;
    this.path = file;
    this.text = text;
    this.sf = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    this.plain = plain(ts, this.sf);
    this.links = {};
  }
  get typed() {
    return TYPED.test(this.path);
  }

  /** A function body of this module with further edits; the compiler is asked only where text will not do. */
  compiled(edits = [], careful = false) {
    const { hard, async, esm } = this.plain;
    const made = hard || careful ? null : applied(this.text, [...this.plain.edits, ...edits]);
    if (made !== null) return { path: this.path, code: made, async, links: this.links };
    const text = applied(this.text, edits);
    if (text === null) return null;
    if (!this.typed && !hard && !esm) return { path: this.path, code: text, async, links: this.links };
    return { path: this.path, code: this.transpiled(text), async, links: this.links };
  }
  transpiled(text) {
    const { ts } = this;
    const options = {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2022,
      esModuleInterop: true,
      jsx: ts.JsxEmit.ReactJSX,
      experimentalDecorators: true,
    };
    return ts
      .transpileModule(text, { compilerOptions: options, fileName: this.path })
      .outputText.replace(/\bimport\.meta\b/g, '__torre.meta');
  }
}

/** All modules that the given files lead to. */
class Graph {
  constructor(ts, root) {
    this.ts = ts;
    this.root = root;
    this.modules = new Map();
    this.configs = new Map();
  }

  owns(file) {
    return file.startsWith(this.root + path.sep) && !file.includes(`${path.sep}node_modules${path.sep}`);
  }

  /** The module at a path, read with all that it imports; null where it is none of ours. */
  add(file) {
    const pending = [file];
    while (pending.length) {
      const next = pending.pop();
      if (this.modules.has(next)) continue;
      const own = this.read(next);
      if (own) pending.push(...Object.values(own.links));
    }
    return this.modules.get(file) || null;
  }
  read(file) {
    if (!this.owns(file) || !SOURCE.test(file) || !isFile(file) || fs.statSync(file).size > MOST_BYTES) return null;
    const own = new Own(this.ts, file, fs.readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
    this.modules.set(file, own);
    own.links = this.linked(own);
    return own;
  }
  /** Specifier → path, for what a module imports of ours. */
  linked(own) {
    const found = [...specifiers(this.ts, own.sf)].map((specifier) => [specifier, this.resolve(specifier, own.path)]);
    return Object.fromEntries(found.filter(([, target]) => target));
  }
  resolve(specifier, from) {
    if (isBuiltin(specifier)) return null;
    const found =
      /^\.{0,2}\//.test(specifier) || specifier === '.' || specifier === '..'
        ? relative(path.resolve(path.dirname(from), specifier))
        : this.byName(specifier, from);
    return found && SOURCE.test(found) && this.owns(found) ? found : null;
  }
  /** A package of the workspace itself, or an alias of its tsconfig. */
  byName(specifier, from) {
    try {
      return createRequire(from).resolve(specifier);
    } catch {
      // not installed, or only for `import`
      const { resolvedModule: found } = this.ts.resolveModuleName(
        specifier,
        from,
        this.options(path.dirname(from)),
        this.ts.sys,
      );
      return found && !found.isExternalLibraryImport && !found.resolvedFileName.endsWith('.d.ts')
        ? found.resolvedFileName
        : null;
    }
  }
  /** The compiler options that hold in a directory: for their `paths`. */
  options(directory) {
    const { ts } = this;
    const file = ts.findConfigFile(directory, ts.sys.fileExists);
    if (!this.configs.has(file)) {
      const command =
        file &&
        ts.getParsedCommandLineOfConfigFile(file, {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic() {} });
      this.configs.set(file, {
        ...(command ? command.options : {}),
        moduleResolution: ts.ModuleResolutionKind.Bundler,
        module: ts.ModuleKind.ESNext,
      });
    }
    return this.configs.get(file);
  }
}

/** The literal specifiers that a module imports or requires. */
function specifiers(ts, sf) {
  const found = new Set();
  const visit = (node) => {
    const named = (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier;
    const called =
      ts.isCallExpression(node) &&
      node.arguments.length >= 1 &&
      (node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.text === 'require') &&
      node.arguments[0];
    const specifier = named || called;
    if (specifier && ts.isStringLiteralLike(specifier)) found.add(specifier.text);
    ts.forEachChild(node, visit);
  };
  visit(sf);
  return found;
}

module.exports = { Graph, Own, SOURCE };
