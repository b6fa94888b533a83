'use strict';
/* Runs compiled modules as one program: every program begins with fresh modules, packages are loaded once. */
const path = require('path');
const vm = require('vm');
const { createRequire } = require('module');
const { pathToFileURL } = require('url');
const { isModuleNamespaceObject } = require('util').types;

const { PARAMETERS } = require('./plain.cjs');

const functions = new WeakMap();
const requires = new Map();

function functionOf(compiled) {
  if (!functions.has(compiled)) {
    const { path: file, code, async } = compiled;
    const body = async ? `return (async () => {${code}\n})();` : code;
    functions.set(compiled, vm.compileFunction(body, PARAMETERS, { filename: file }));
  }
  return functions.get(compiled);
}

function requireOf(file) {
  if (!requires.has(file)) requires.set(file, createRequire(file));
  return requires.get(file);
}

/** What `import` sees of a module that is not ES: its exports by name and as the default. */
function seenByImport(exported) {
  if (isModuleNamespaceObject(exported)) return exported;
  const object = exported !== null && (typeof exported === 'object' || typeof exported === 'function');
  return object && exported.__esModule ? exported : { ...(object ? exported : {}), default: exported };
}

class Program {
  /** `modules`: path → compiled; `given`: specifier → what a test framework gives; `hit` hears the counters. */
  constructor(modules, given, hit = () => {}) {
    Object.assign(this, { modules, given, hit, loaded: new Map() });
  }

  /** Load a module of ours once; `pending` is a promise where it awaits at its top level. */
  load(file) {
    const known = this.loaded.get(file);
    if (known) return known;
    const compiled = this.modules.get(file);
    const module = {
      exports: {},
      id: file,
      filename: file,
      loaded: false,
      children: [],
      paths: [],
      pending: null,
      es: null,
    };
    this.loaded.set(file, module);
    const run = functionOf(compiled);
    const require = this.require(compiled);
    module.require = require;
    module.pending =
      run.call(
        module.exports,
        module.exports,
        require,
        module,
        file,
        path.dirname(file),
        this.torre(compiled, module),
        this.hit,
      ) || null;
    module.loaded = true;
    return module;
  }
  require(compiled) {
    const real = requireOf(compiled.path);
    const require = (specifier) => {
      if (this.given.has(specifier)) return this.given.get(specifier);
      const target = compiled.links[specifier];
      if (!target || !this.modules.has(target)) return real(specifier);
      const module = this.load(target);
      return module.es || module.exports;
    };
    return Object.assign(require, { resolve: real.resolve, cache: {}, main: undefined });
  }
  torre(compiled, module) {
    const require = this.require(compiled);
    const namespace = () =>
      (module.es ||= Object.defineProperties(
        {},
        { [Symbol.toStringTag]: { value: 'Module' }, __esModule: { value: true } },
      ));
    const define = (name, get) =>
      Object.defineProperty(namespace(), name, { get, enumerable: true, configurable: true });
    const file = compiled.path;
    const imported = (specifier) => {
      const target = compiled.links[specifier];
      const ours = target && !this.given.has(specifier) && this.modules.has(target) && this.load(target);
      return ours && ours.es ? ours.es : seenByImport(require(specifier));
    };
    return {
      import: imported,
      export: (getters) => {
        for (const [name, get] of Object.entries(getters)) define(name, get);
      },
      exportAll: (from) => {
        for (const name of Object.keys(from))
          if (name !== 'default' && !(name in namespace())) define(name, () => from[name]);
      },
      dynamic: async (specifier) => imported(specifier),
      meta: {
        url: pathToFileURL(file).href,
        filename: file,
        dirname: path.dirname(file),
        env: process.env,
        resolve: (s) => pathToFileURL(require.resolve(s)).href,
      },
    };
  }
}

module.exports = { Program };
