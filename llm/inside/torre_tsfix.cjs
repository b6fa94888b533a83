'use strict';
/*
 * Asks a TypeScript language service for code fixes and combines them into alternatives.
 *
 * cwd     the workspace; only files below it (and not in node_modules) are ever changed
 * stdin   {"tasks": [{"directory", "argv" | null, "files"}], "budget_ms"}: one task a red check; `argv` is what
 *         the check passes to tsc, null where that is not known: then the nearest tsconfig of each file counts
 * report  JSON lines to $TORRE_REPORT. First {"typescript": version} or {"missing": why}, then one line an
 *         alternative: {"files": {path: text}, "errors_left", "tier", "steps": [text]}, and {"note"} lines.
 *
 * An alternative is found by `settle`: rounds in which each error gets its best fix, then single fixes that are
 * kept only if the number of errors falls. Variants repeat this with "fix all" and with one choice forced.
 */
const fs = require('fs');
const path = require('path');

const { ROOT, Texts, languageService, locate, owned, packageEntries, parsed, report } = require('./torre_tsproject.cjs');
const { ownFixes } = require('./torre_tsown.cjs');

const MAX_ROUNDS = 10;
const SAMPLE_FILES = 20;
const MAX_ALTERNATIVES = 12;

// Errors in phases: a module that is not there hides what it exports, and what looks unused may be what a
// misspelt name meant.
const MISSING_MODULE = new Set([2307, 2792]);
const UNUSED = new Set([6133, 6138, 6192, 6196, 6198, 6199, 6205]);
const phase = ({ code }) => (MISSING_MODULE.has(code) ? 0 : UNUSED.has(code) ? 2 : 1);
const SOURCE = /\.[cm]?[jt]sx?$/;
const SCRIPT = /\.[cm]?jsx?$/;
const IMPORT_REQUIRE = /^import ([\w$]+) = require\(/gm;
const COMMENT = /\/\*[^]*?\*\/|\/\/.*/g;
const SUPPRESSION = /@ts-(ignore|nocheck|expect-error)|eslint-disable/;

// Reuse what exists before declaring something new.
const PREFERRED = [
  'import', 'moduleSpecifier', 'spelling', 'addMissingAwait', 'fixAwaitInSyncFunction',
  'addMissingAsync', 'unusedIdentifier', 'fixOverrideModifier', 'fixReturnTypeInAsyncFunction',
  'forgottenThisPropertyAccess', 'addMissingNewOperator', 'returnValueCorrect', 'fixImportNonExportedMember',
  'convertToTypeOnlyImport', 'convertToTypeOnlyExport', 'fixConvertConstToLet',
];
const TIER = { reuse: 0, other: 1, hollow: 2 };
const UNKNOWN_NAME = new Set([2304, 2503, 2552, 2686, 2693, 18004]);

// What silences the checker and leaves the program as broken as it was: values out of thin air, members of any
// name, assertions that something is there. The checker would call each of them green.
const NEVER = new Set([
  'disableJsDiagnostics', 'fixCannotFindModule', 'fixMissingFunctionDeclaration', 'fixMissingProperties',
  'fixMissingAttributes',
]);
const LOOSE = /\[\w+: (string|number|symbol)\]: (any|unknown)\b|\w!:/;
// What says less than it seems to: bodies that throw until somebody writes them, types that admit anything.
const HOLLOW = /not implemented|\b(any|unknown)\b/;
const TRANSLATED = new Set(['jdocTypes']);  // their `any` is the `*` or `?` that stood there

// --------------------------------------------------------------------------------------------------- fixes

/** The quotes of the file's imports, else those that it (or where it has none, the project) has more of. */
function quotes(text, others) {
  if (/^\s*(import|export)\b[^\n]*['"]/m.test(text)) return 'auto';
  for (const sample of [text, others()].map((code) => code.replace(COMMENT, ''))) {
    const [single, double] = ["'", '"'].map((mark) => sample.split(mark).length);
    if (single !== double) return single > double ? 'single' : 'double';
  }
  return 'auto';
}

/** Indentation, newline and quotes as the file has them. */
function style(ts, text, others) {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const indents = [...text.matchAll(/^(\t|  +)(?=[^\s*])/gm)].map((m) => m[1]);
  const size = Math.min(8, ...indents.filter((i) => i !== '\t').map((i) => i.length));
  const tabs = indents.filter((i) => i === '\t').length * 2 > indents.length;
  const indentSize = tabs || !indents.length ? 4 : size;
  return {
    format: { ...ts.getDefaultFormatCodeSettings(newline), indentSize, tabSize: indentSize, convertTabsToSpaces: !tabs },
    preferences: { quotePreference: quotes(text, others), importModuleSpecifierPreference: 'shortest' },
  };
}

const reuses = (fix) => PREFERRED.includes(fix.fixName);

const added = (fix) => fix.changes.flatMap((c) => c.textChanges.map((t) => t.newText));

/** Whether a fix only makes the checker look away. What reuses code of the workspace may well be named `any`. */
const silences = (fix) => added(fix).some((text) => SUPPRESSION.test(text) || (!reuses(fix) && LOOSE.test(text)));

function tierOf(fix) {
  if (reuses(fix)) return TIER.reuse;
  return !TRANSLATED.has(fix.fixName) && added(fix).some((text) => HOLLOW.test(text)) ? TIER.hollow : TIER.other;
}

function allowed(fix) {
  const changes = fix.changes;
  return !NEVER.has(fix.fixName) && !(fix.commands && fix.commands.length) && changes.length > 0
    && changes.every((c) => !c.isNewFile && owned(c.fileName) && SOURCE.test(c.fileName)) && !silences(fix);
}

/** `import x = require(…)` is no JavaScript: there it is a `const`. */
const inItsLanguage = (change) => (!SCRIPT.test(change.fileName) ? change : {
  ...change,
  textChanges: change.textChanges.map((t) => ({ ...t, newText: t.newText.replace(IMPORT_REQUIRE, 'const $1 = require(') })),
});

const preference = ({ fixName }) => (PREFERRED.indexOf(fixName) + PREFERRED.length + 1) % (PREFERRED.length + 1);

// -------------------------------------------------------------------------------------------------- search

class Search {
  constructor(ts, commands, deadline) {
    const registry = ts.createDocumentRegistry();
    this.ts = ts;
    this.texts = new Texts();
    this.deadline = deadline;
    this.registry = registry;
    this.projects = commands.map((command) => ({ command, service: languageService(ts, command, this.texts, registry) }));
    this.wider = new Map();
  }

  /** The start of the project's other files: enough to see how it writes. */
  sample({ command }) {
    const own = command.fileNames.filter(owned).slice(0, SAMPLE_FILES);
    return own.map((file) => this.texts.read(file) ?? '').join('\n');
  }

  /** A service that knows the installed packages too, for names that nothing imports yet. */
  knowing({ command, file }) {
    if (!this.wider.has(command)) {
      const entries = packageEntries(this.ts, command, path.dirname(file));
      this.wider.set(command, entries.length ? languageService(this.ts, command, this.texts, this.registry, entries) : null);
    }
    return this.wider.get(command);
  }
  late() { return Date.now() > this.deadline; }

  /** Every error of every project, once, by phase and in the order of the files. */
  errors() {
    const found = new Map();
    for (const { service, command } of this.projects) {
      for (const { fileName } of service.getProgram().getSourceFiles()) {
        if (!owned(fileName)) continue;
        for (const d of [...service.getSyntacticDiagnostics(fileName), ...service.getSemanticDiagnostics(fileName)]) {
          if (d.category !== this.ts.DiagnosticCategory.Error || !d.file) continue;
          const message = this.ts.flattenDiagnosticMessageText(d.messageText, ' ');
          const error = { file: d.file.fileName, start: d.start, length: d.length, code: d.code, message, service, command };
          found.set([error.file, d.start, d.code, message].join('\0'), error);
        }
      }
    }
    return [...found.values()].sort((a, b) => phase(a) - phase(b));
  }

  /** What a service offers for one error. */
  offered(service, { file, start, length, code, command }) {
    const { format, preferences } = style(this.ts, this.texts.read(file), () => this.sample({ command }));
    try {
      const fixes = service.getCodeFixesAtPosition(file, start, start + length, [code], format, preferences);
      return fixes.map((fix) => ({ ...fix, changes: fix.changes.map(inItsLanguage) }));
    } catch (problem) {
      report({ note: `no code fix for TS${code}: ${problem.message.split('\n')[0]}` });  // its own assertion failed
      return [];
    }
  }

  /** The fixes of one error that Torre may propose, best first. */
  fixes(error) {
    let offered = [...this.offered(error.service, error), ...ownFixes(this.ts, error, this.texts.read(error.file))];
    const wider = UNKNOWN_NAME.has(error.code) && !offered.some(reuses) ? this.knowing(error) : null;
    if (wider) offered = [...offered, ...this.offered(wider, error).filter(reuses)];
    return offered.filter(allowed).map((fix) => ({ ...fix, tier: tierOf(fix) }))
      .sort((a, b) => a.tier - b.tier || preference(a) - preference(b));
  }

  /** `fix` for all errors of its kind in the file, where the language service can. */
  everywhere(error, fix) {
    if (!fix.fixId) return fix;
    const { format, preferences } = style(this.ts, this.texts.read(error.file), () => this.sample(error));
    const all = error.service.getCombinedCodeFix({ type: 'file', fileName: error.file }, fix.fixId, format, preferences);
    const combined = { ...fix, changes: all.changes.map(inItsLanguage), description: fix.fixAllDescription || fix.description };
    return allowed(combined) ? combined : fix;
  }

  /**
   * One round: the chosen fix of each error of the first phase that has any, as long as they do not touch; the
   * others wait for the next round.
   */
  round(errors, { force, combine }) {
    const taken = [];
    const touches = (change) => ({ span, newText }) => taken.some((t) => t.fileName === change.fileName
      && span.start <= t.span.start + t.span.length && t.span.start <= span.start + span.length
      && (span.start !== t.span.start || span.length !== t.span.length || newText !== t.newText));
    const steps = [];
    let now = null;
    for (const error of errors) {
      if (now !== null && phase(error) > now) break;
      const fixes = this.fixes(error);
      const forced = force && force.message === error.message && fixes.find((f) => f.description === force.description);
      let fix = forced || fixes[0];
      if (!fix) continue;
      if (combine) fix = this.everywhere(error, fix);
      if (fix.changes.some((change) => change.textChanges.some(touches(change)))) continue;
      const fresh = fix.changes.flatMap(({ fileName, textChanges }) => textChanges.map((t) => ({ fileName, ...t })))
        .filter((t) => !taken.some((o) => o.fileName === t.fileName && o.span.start === t.span.start && o.newText === t.newText));
      if (fresh.length) steps.push(fix);
      now = phase(error);
      taken.push(...fresh);
    }
    const files = [...new Set(taken.map((t) => t.fileName))];
    this.texts.apply(files.map((fileName) => ({ fileName, textChanges: taken.filter((t) => t.fileName === fileName) })));
    return steps;
  }

  /** From the texts on disk to the fewest errors that this way of choosing reaches. */
  settle(how) {
    this.texts.restore(new Map());
    let steps = [];
    let best = { left: Infinity };
    const seen = new Set();
    for (let n = 0; n <= MAX_ROUNDS; n++) {
      const errors = this.errors();
      if (errors.length < best.left) best = { left: errors.length, errors, edited: this.texts.edited, steps };
      const state = errors.map((e) => `${e.file}:${e.start}:${e.code}`).join();
      if (!errors.length || seen.has(state) || this.late()) break;  // done, or going round in circles
      seen.add(state);
      const made = this.round(errors, how);
      if (!made.length) break;
      steps = [...steps, ...made];
    }
    return this.descend(best);
  }

  /** Single fixes, each kept only if fewer errors are left. */
  descend(from) {
    let best = from;
    for (let progress = true; progress && best.left && !this.late();) {
      progress = false;
      this.texts.restore(best.edited);
      for (const error of this.errors()) {
        const better = this.fixes(error).map((fix) => this.attempt(best, fix)).find((tried) => tried.left < best.left);
        if (better) { best = better; progress = true; break; }
      }
    }
    return best;
  }
  attempt(from, fix) {
    if (this.late()) return from;
    this.texts.restore(from.edited);
    this.texts.apply(fix.changes);
    const edited = this.texts.edited;
    const errors = this.errors();
    this.texts.restore(from.edited);
    return { left: errors.length, errors, edited, steps: [...from.steps, fix] };
  }

  /** Choices not taken at the start, one an error message and description: none worse than what `best` needed. */
  alternatives(best) {
    const worst = best.left ? TIER.hollow : Math.max(0, ...best.steps.map((step) => step.tier));
    this.texts.restore(new Map());
    const choices = new Map();
    for (const error of this.errors()) {
      for (const { description, tier } of this.fixes(error).slice(1)) {
        if (tier > worst) continue;
        choices.set(error.message + '\0' + description, { message: error.message, description });
      }
    }
    return [...choices.values()].slice(0, MAX_ALTERNATIVES);
  }
}

function emit({ left, edited, steps }) {
  const files = {};
  for (const [file, text] of edited) files[path.relative(ROOT, file)] = text;
  if (!steps.length) return;
  const tier = Math.max(...steps.map((s) => s.tier));
  report({ files, errors_left: left, tier, steps: steps.map((s) => `${s.fixName}: ${s.description}`) });
}

function main() {
  const started = Date.now();
  const { tasks, budget_ms: budgetMs } = JSON.parse(fs.readFileSync(0, 'utf8'));
  const ts = locate(tasks.map((task) => path.resolve(ROOT, task.directory)));
  if (!ts) return report({ missing: 'no typescript with a language service' });
  report({ typescript: ts.version });
  if (!budgetMs) return undefined;  // that was the question
  const commands = new Map(tasks.flatMap((task) => parsed(ts, task)).map((c) => [JSON.stringify([c.fileNames, c.options]), c]));
  if (!commands.size) return undefined;
  const search = new Search(ts, [...commands.values()], started + budgetMs);
  const best = search.settle({});
  emit(best);
  const repeated = new Set(best.steps.map((step) => step.fixName)).size < best.steps.length;
  if (best.left || repeated) emit(search.settle({ combine: true }));
  for (const force of search.alternatives(best)) {
    if (search.late()) return undefined;
    emit(search.settle({ force }));
  }
  return undefined;
}

main();
