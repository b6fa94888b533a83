'use strict';
/*
 * What torre_tsfix.cjs works on: a typescript that has a language service, the projects that a check means, and
 * the edited texts that all of them see instead of the disk's.
 */
const fs = require('fs');
const path = require('path');

const MAX_PACKAGES = 100;
const MAX_PARTS = 50;
const TYPED = /\.[cm]?tsx?$/;
const ROOT = fs.realpathSync(process.cwd());

/** One line of the report: JSON to the pipe that Torre reads. */
function report(value) {
  fs.appendFileSync(process.env.TORRE_REPORT, JSON.stringify(value) + '\n');
}

/** A file that Torre may change: below the workspace, not installed. */
const owned = (file) => file.startsWith(ROOT + path.sep) && !file.includes('/node_modules/');

/** A typescript that has a language service: the workspace's, Torre's own, then any on PATH. */
function locate(directories) {
  const places = [];
  for (const directory of directories) {
    for (let at = directory; ; at = path.dirname(at)) {
      places.push(path.join(at, 'node_modules', 'typescript'));
      if (at === path.dirname(at)) break;
    }
  }
  if (process.env.TORRE_TYPESCRIPT) places.push(path.join(process.env.TORRE_TYPESCRIPT, 'node_modules', 'typescript'));
  for (const bin of (process.env.PATH || '').split(path.delimiter)) {
    const tsc = path.join(bin, 'tsc');
    if (fs.existsSync(tsc)) places.push(path.dirname(path.dirname(fs.realpathSync(tsc))));
  }
  for (const place of places.filter((p) => fs.existsSync(path.join(p, 'package.json')))) {
    try {
      const found = require(place);
      if (typeof found.createLanguageService === 'function') return found;
    } catch (problem) {
      report({ note: `${place} cannot be loaded: ${problem.message}` });  // a broken install: the next place
    }
  }
  return null;
}

/** The tsconfig files that a task means, or the files of its command line where it names some. */
function configurations(ts, { directory, argv, files }) {
  const nearest = (from) => ts.findConfigFile(from, ts.sys.fileExists);
  const home = path.resolve(ROOT, directory);
  if (!argv) return { configs: [...files.map((f) => path.dirname(path.resolve(ROOT, f))), home].map(nearest), options: {} };
  if (/^--?b(uild)?$/.test(argv[0] || '')) {
    const named = argv.slice(1).filter((word) => !word.startsWith('-'));
    return { configs: (named.length ? named : ['.']).map((p) => path.resolve(home, p)), options: {} };
  }
  const { options, fileNames } = ts.parseCommandLine(argv);
  if (fileNames.length) return { configs: [], options, fileNames: fileNames.map((f) => path.resolve(home, f)) };
  return { configs: [options.project ? path.resolve(home, options.project) : nearest(home)], options };
}

/** Parsed command lines of a task's projects and all that they reference, each once. */
function parsed(ts, task) {
  const { configs, options, fileNames } = configurations(ts, task);
  const found = new Map();
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic() {} };
  const visit = (given) => {
    if (!given) return;
    const file = ts.sys.directoryExists(given) ? path.join(given, 'tsconfig.json') : given;
    if (found.has(file)) return;
    const command = ts.getParsedCommandLineOfConfigFile(file, options, host);
    found.set(file, command);
    for (const reference of (command && command.projectReferences) || []) visit(ts.resolveProjectReferencePath(reference));
  };
  configs.forEach(visit);
  if (fileNames) found.set('', { options, fileNames });
  return [...found.values()].filter((command) => command && command.fileNames.length);
}

/** The edited texts over the disk, shared by all projects; a version for each text that was ever set. */
class Texts {
  constructor() { this.edited = new Map(); this.versions = new Map(); this.clock = 0; }
  read(file) {
    if (this.edited.has(file)) return this.edited.get(file);
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
  }
  version(file) { return String(this.versions.get(file) || 0); }
  restore(edited) {
    for (const file of new Set([...this.edited.keys(), ...edited.keys()])) {
      if (this.edited.get(file) !== edited.get(file)) this.versions.set(file, ++this.clock);
    }
    this.edited = new Map(edited);
  }
  apply(changes) {
    const next = new Map(this.edited);
    for (const { fileName, textChanges } of changes) {
      let text = next.get(fileName) ?? this.read(fileName);
      // From the end, and of several insertions at one place the last first: so they stand in their order.
      for (const { span, newText } of [...textChanges].reverse().sort((a, b) => b.span.start - a.span.start)) {
        text = text.slice(0, span.start) + newText + text.slice(span.start + span.length);
      }
      next.set(fileName, text);
    }
    this.restore(next);
  }
}

/** The files by which the installed packages that a workspace depends on are entered: for names not imported yet. */
function packageEntries(ts, command, directory) {
  const names = new Set();
  for (let at = directory; at.startsWith(ROOT); at = path.dirname(at)) {
    const { dependencies, devDependencies, peerDependencies } = manifest(path.join(at, 'package.json'));
    for (const name of Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies })) names.add(name);
    const types = path.join(at, 'node_modules', '@types');
    for (const name of fs.existsSync(types) ? fs.readdirSync(types) : []) names.add('@types/' + name);
  }
  const entries = [...names].slice(0, MAX_PACKAGES).flatMap((name) => {
    const { resolvedModule } = ts.resolveModuleName(name, path.join(directory, 'index.ts'), command.options, ts.sys);
    return resolvedModule ? [resolvedModule.resolvedFileName] : withoutEntry(path.join(directory, 'node_modules', name));
  });
  return [...new Set(entries)].filter((file) => TYPED.test(file));
}

/** The files of a package that is only entered by their paths (`package/part`). */
function withoutEntry(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder).filter((name) => TYPED.test(name)).slice(0, MAX_PARTS).map((name) => path.join(folder, name));
}

function manifest(file) {
  try {
    return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
  } catch {
    return {};  // not JSON: it names no package
  }
}

/** `further` files belong to the program beside those of the command. */
function languageService(ts, command, texts, registry, further = []) {
  return ts.createLanguageService({
    getCompilationSettings: () => command.options,
    getProjectReferences: () => command.projectReferences,
    useSourceOfProjectReferenceRedirect: () => true,  // a referenced project need not have been built
    getScriptFileNames: () => [...command.fileNames, ...further],
    getScriptVersion: (file) => texts.version(file),
    getScriptSnapshot: (file) => {
      const text = texts.read(file);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => ROOT,
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    readFile: (file) => texts.read(file),
    fileExists: ts.sys.fileExists,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    readDirectory: ts.sys.readDirectory,
    realpath: ts.sys.realpath,
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
  }, registry);
}

module.exports = { ROOT, Texts, languageService, locate, owned, packageEntries, parsed, report };
