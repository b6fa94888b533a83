// The logic that needs no VS Code, on its built form; where a command is run, it is a real process.
const assert = require('node:assert/strict');
const { mkdtempSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { test } = require('node:test');

const { applyArguments, fixArguments, run, undoArguments } = require('../out/command.js');
const { isStale, readChange, readResult, TorreError } = require('../out/result.js');

const DIAGNOSTIC = { path: 'src/a.py', line: 3, column: 5, message: 'm', code: 'F401', tool: 'ruff', severity: 'error' };
const told = (more = {}, report = {}) =>
  JSON.stringify({
    schema_version: '1',
    mode: 'PATCH',
    trace_id: 't',
    files_out: { 'src/a.py': 'x = 1\n', 'old.py': null },
    report: { summary: 's', nothing_red: false, diagnostics: [DIAGNOSTIC], ...report },
    ...more,
  });

test('a proof gives findings as editors count, and whole files', () => {
  const result = readResult(told(), '/w');
  assert.deepEqual(
    result.findings.map(({ file, line, column, severity }) => [file, line, column, severity]),
    [['/w/src/a.py', 2, 4, 'error']],
  );
  assert.deepEqual([...result.files], [['/w/src/a.py', 'x = 1\n'], ['/w/old.py', null]]);
  assert.equal(result.proven, true);
});

test('what is not proven offers no file', () => {
  const result = readResult(told({ mode: 'ADVISORY' }), '/w');
  assert.equal(result.proven, false);
  assert.equal(result.files.size, 0);
});

test('a path that leaves the workspace is neither shown nor written', () => {
  const escapes = ['/etc/passwd', '../b.py', 'a/../../b.py', '', '.'];
  const diagnostics = escapes.map((path) => ({ ...DIAGNOSTIC, path }));
  const files_out = Object.fromEntries(escapes.map((path) => [path, 'x']));
  const result = readResult(told({ files_out }, { diagnostics }), '/w');
  assert.deepEqual([result.findings.length, result.files.size], [0, 0]);
});

test('an unknown place is the beginning of the file, an unknown severity a remark', () => {
  const diagnostics = [{ ...DIAGNOSTIC, line: 0, column: 0, severity: 'note' }];
  const [found] = readResult(told({}, { diagnostics }), '/w').findings;
  assert.deepEqual([found.line, found.column, found.severity], [0, 0, 'information']);
});

test('a refusal is its message and remedy', () => {
  const refused = JSON.stringify({ error: { message: 'no sandbox works here', remedy: 'install bubblewrap' } });
  assert.throws(() => readResult(refused, '/w'), new TorreError('no sandbox works here (install bubblewrap)'));
});

for (const stdout of ['', 'Traceback', '[]', 'null', '{"schema_version":"2","mode":"PATCH"}']) {
  test(`not a result: ${stdout || 'nothing'}`, () => assert.throws(() => readResult(stdout, '/w'), TorreError));
}

test('changes are told in a sentence, and what was not changed is an error', () => {
  const applied = (status) => JSON.stringify({ applied: { status, reason: 'r', files: ['a', 'b'] } });
  assert.equal(readChange(applied('applied')), 'Applied: a, b.');
  assert.equal(readChange(JSON.stringify({ undone: { files: ['a'] } })), 'Took back a.');
  assert.throws(() => readChange(applied('rolled_back')), new TorreError('rolled back: r'));
  assert.throws(() => readChange(JSON.stringify({ error: { message: 'locked' } })), new TorreError('locked'));
});

test('no value can become an option of the command', () => {
  const settings = { command: 'torre', checks: ['--help'], maxSeconds: 5 };
  assert.deepEqual(fixArguments(settings, '-w').slice(-3), ['--check=--help', '--', '-w']);
  assert.deepEqual(applyArguments('-t', '-w').slice(-3), ['--path=-w', '--', '-t']);
  assert.deepEqual(undoArguments('-w').slice(-2), ['--', '-w']);
});

test('a fix is stale once one of its files was edited', () => {
  const result = readResult(told(), '/w');
  assert.equal(isStale(result, new Set()), false);
  assert.equal(isStale(result, new Set(['/w/other.py'])), false);
  assert.equal(isStale(result, new Set(['/w/src/a.py'])), true);
});

function script(text) {
  const file = join(mkdtempSync(join(tmpdir(), 'torre-')), 'torre');
  writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return file;
}

test('stdout is the answer, stderr are lines, arguments reach no shell', async () => {
  const lines = [];
  const command = script('printf "one\\ntw" >&2; sleep 0.1; printf "o\\nlast" >&2; printf %s "$1"; exit 3');
  const ran = await run(command, ['$(touch x); é'], tmpdir(), (line) => lines.push(line));
  assert.deepEqual(ran, { stdout: '$(touch x); é', exitCode: 3 });
  assert.deepEqual(lines, ['one', 'two', 'last']);
});

test('stopping asks the process to end, and waits for it', async () => {
  const stop = new AbortController();
  const command = script('trap "printf ended; exit 130" TERM; echo ready >&2; while :; do sleep 0.05; done');
  const ran = await run(command, [], tmpdir(), () => stop.abort(), stop.signal);
  assert.deepEqual(ran, { stdout: 'ended', exitCode: 130 });
});

test('a command that is not there is named', async () => {
  await assert.rejects(run('/no/such/torre', [], tmpdir()), /set torre\.command/);
});
