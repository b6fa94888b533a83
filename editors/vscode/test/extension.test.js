// The extension itself, in an editor that is no more than what it asks of one; `torre` is a real process.
const assert = require('node:assert/strict');
const { mkdtempSync, writeFileSync } = require('node:fs');
const Module = require('node:module');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { beforeEach, test } = require('node:test');

class Range {
  constructor(...numbers) {
    this.numbers = numbers;
  }
}
class Diagnostic {
  constructor(range, message, severity) {
    Object.assign(this, { range, message, severity });
  }
}
class WorkspaceEdit {
  done = [];
  deleteFile(uri) {
    this.done.push(['delete', uri.fsPath]);
  }
  createFile() {}
  replace(uri, _range, text) {
    this.done.push(['replace', uri.fsPath, text]);
  }
}

let editor;
const vscode = {
  Range,
  Diagnostic,
  WorkspaceEdit,
  DiagnosticSeverity: { Error: 0, Warning: 1, Information: 2 },
  CodeAction: class {
    constructor(title, kind) {
      Object.assign(this, { title, kind });
    }
  },
  CodeActionKind: { QuickFix: 'quickfix' },
  ProgressLocation: { Notification: 15 },
  Uri: { file: (fsPath) => ({ fsPath }) },
  commands: { registerCommand: (name, command) => ((editor.commands[name] = command), {}) },
  languages: {
    createDiagnosticCollection: () => ({
      clear: () => editor.diagnostics.clear(),
      set: (uri, list) => editor.diagnostics.set(uri.fsPath, list),
    }),
    registerCodeActionsProvider: (_selector, provider) => ((editor.provider = provider), {}),
  },
  window: {
    createOutputChannel: () => ({ appendLine: (line) => editor.lines.push(line) }),
    showInformationMessage: (text) => editor.said.push(text),
    showErrorMessage: (text) => editor.said.push(`error: ${text}`),
    withProgress: (_options, work) =>
      work({ report: () => undefined }, { onCancellationRequested: (stop) => (editor.cancel = stop) }),
  },
  workspace: {
    get workspaceFolders() {
      return editor.folders.map((fsPath) => ({ uri: { fsPath } }));
    },
    saveAll: async () => true,
    onDidChangeTextDocument: (listener) => ((editor.change = listener), { dispose() {} }),
    getConfiguration: () => ({ get: (name, otherwise) => editor.settings[name] ?? otherwise }),
  },
};
const load = Module._load;
Module._load = (name, ...rest) => (name === 'vscode' ? vscode : load(name, ...rest));
const { activate } = require('../out/extension.js');

const RESULT = {
  schema_version: '1',
  mode: 'PATCH',
  trace_id: 'abc',
  files_out: { 'a.py': 'X = 1\n', 'old.py': null },
  report: {
    summary: 'ruff is green',
    nothing_red: false,
    diagnostics: [{ path: 'a.py', line: 1, column: 8, message: 'unused', code: 'F401', tool: 'ruff', severity: 'error' }],
  },
};

function torre(answer, more = '') {
  const file = join(mkdtempSync(join(tmpdir(), 'torre-')), 'torre');
  writeFileSync(file, `#!/bin/sh\necho "$@" >&2\n${more}\ncat <<'ANSWER'\n${JSON.stringify(answer)}\nANSWER\n`, { mode: 0o755 });
  return file;
}

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'workspace-'));
  editor = { commands: {}, diagnostics: new Map(), lines: [], said: [], folders: [folder], settings: {}, folder };
  editor.settings.command = torre(RESULT);
  activate({ subscriptions: [] });
});

const actions = () => {
  const file = join(editor.folder, 'a.py');
  const context = { diagnostics: editor.diagnostics.get(file) ?? [] };
  return editor.provider.provideCodeActions({ uri: { fsPath: file } }, undefined, context);
};

test('every command that is offered is there', () => {
  const offered = require('../package.json').contributes.commands.map((each) => each.command);
  assert.deepEqual(Object.keys(editor.commands).sort(), offered.sort());
});

test('a run shows what is red, and its proof as a quick fix', async () => {
  await editor.commands['torre.fix']();
  const [found] = editor.diagnostics.get(join(editor.folder, 'a.py'));
  assert.deepEqual([found.message, found.severity, found.source, found.code], ['unused', 0, 'torre (ruff)', 'F401']);
  assert.deepEqual(found.range.numbers.slice(0, 3), [0, 7, 0]);
  const [action] = actions();
  assert.equal(action.title, 'Torre: apply the proven fix (2 files)');
  assert.deepEqual(action.edit.done, [
    ['replace', join(editor.folder, 'a.py'), 'X = 1\n'],
    ['delete', join(editor.folder, 'old.py')],
  ]);
  assert.match(editor.said[0], /ruff is green/);
});

test('what is not proven is no quick fix', async () => {
  editor.settings.command = torre({ ...RESULT, mode: 'ADVISORY' });
  await editor.commands['torre.fix']();
  assert.deepEqual(actions(), []);
  await editor.commands['torre.apply']();
  assert.match(editor.said.at(-1), /^error: Torre: there is no proven fix/);
});

test('an edit during or after the run disables the quick fix', async () => {
  const edited = { document: { uri: { fsPath: join(editor.folder, 'a.py') } }, contentChanges: [{}] };
  const running = editor.commands['torre.fix']();
  await new Promise((resolve) => setTimeout(resolve, 0));
  editor.change(edited);
  await running;
  const [action] = actions();
  assert.match(action.disabled.reason, /has changed/);
  assert.equal(action.edit, undefined);
});

test('apply names the run, and its end clears what was red', async () => {
  await editor.commands['torre.fix']();
  editor.settings.command = torre({ applied: { status: 'applied', files: ['a.py'], reason: null } });
  await editor.commands['torre.apply']();
  assert.equal(editor.lines.at(-1), `apply --json --path=${editor.folder} -- abc`);
  assert.equal(editor.said.at(-1), 'Torre: Applied: a.py.');
  assert.equal(editor.diagnostics.size, 0);
  assert.deepEqual(actions(), []);
});

test('undo is told in a sentence', async () => {
  editor.settings.command = torre({ undone: { files: ['a.py'] } });
  await editor.commands['torre.undo']();
  assert.equal(editor.said.at(-1), 'Torre: Took back a.py.');
});

test('cancelling ends the command', async () => {
  editor.settings.command = torre(RESULT, 'trap "exit 130" TERM; while :; do sleep 0.05; done');
  const running = editor.commands['torre.fix']();
  while (!editor.lines.length) await new Promise((resolve) => setTimeout(resolve, 20));
  editor.cancel();
  await running;
  assert.match(editor.said.at(-1), /^error: Torre: torre gave no answer/);
});

test('without a folder it says so', async () => {
  editor.folders = [];
  await editor.commands['torre.fix']();
  assert.equal(editor.said.at(-1), 'error: Torre: open a folder first');
});
