// The commands of the palette, the findings of the last run as diagnostics, and its proven fix as a quick fix.
import * as vscode from 'vscode';

import { applyArguments, fixArguments, run, undoArguments, type Settings } from './command';
import { isStale, readChange, readResult, TorreError, type Result } from './result';

interface Last {
  folder: string;
  result: Result;
}

const SEVERITIES = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  information: vscode.DiagnosticSeverity.Information,
};

export function activate(context: vscode.ExtensionContext): void {
  const torre = new Torre();
  context.subscriptions.push(
    torre,
    vscode.commands.registerCommand('torre.fix', () => torre.told(() => torre.fix())),
    vscode.commands.registerCommand('torre.apply', () => torre.told(() => torre.apply())),
    vscode.commands.registerCommand('torre.undo', () => torre.told(() => torre.undo())),
    vscode.languages.registerCodeActionsProvider({ scheme: 'file' }, torre, {
      providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
    }),
  );
}

class Torre implements vscode.CodeActionProvider, vscode.Disposable {
  private readonly channel = vscode.window.createOutputChannel('Torre');
  private readonly diagnostics = vscode.languages.createDiagnosticCollection('torre');
  private last: Last | undefined;
  /** Files that were edited since the last run began. */
  private readonly edited = new Set<string>();
  private readonly edits = vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    if (contentChanges.length) this.edited.add(document.uri.fsPath);
  });

  dispose(): void {
    this.edits.dispose();
    this.channel.dispose();
    this.diagnostics.dispose();
  }

  /** Runs one command; what Torre refuses is shown, what is a bug is thrown. */
  async told(command: () => Promise<string>): Promise<void> {
    try {
      const sentence = await command();
      if (sentence) void vscode.window.showInformationMessage(`Torre: ${sentence}`);
    } catch (error) {
      if (!(error instanceof TorreError)) throw error;
      void vscode.window.showErrorMessage(`Torre: ${error.message}`);
    }
  }

  async fix(): Promise<string> {
    const folder = await chosenFolder();
    await vscode.workspace.saveAll(false);
    this.forget();
    const settings = settingsOf(folder);
    const stdout = await this.ran(settings.command, fixArguments(settings, folder), folder, 'looking for a fix');
    const result = readResult(stdout, folder);
    this.last = { folder, result };
    this.show(result);
    return result.proven ? `${result.summary}. “Torre: apply” writes it.` : result.summary;
  }

  async apply(): Promise<string> {
    const last = this.last;
    if (!last?.result.proven) throw new TorreError('there is no proven fix: run “Torre: fix” first');
    const { command } = settingsOf(last.folder);
    const stdout = await this.ran(command, applyArguments(last.result.traceId, last.folder), last.folder, 'applying');
    const sentence = readChange(stdout);
    this.forget();
    return sentence;
  }

  async undo(): Promise<string> {
    const folder = await chosenFolder();
    return readChange(await this.ran(settingsOf(folder).command, undoArguments(folder), folder, 'taking back'));
  }

  provideCodeActions(
    document: vscode.TextDocument,
    _range: vscode.Range,
    context: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    const ours = context.diagnostics.filter((each) => each.source?.startsWith('torre'));
    const last = this.last;
    if (!last?.result.proven || !ours.length || !document.uri.fsPath.startsWith(last.folder)) return [];
    const count = last.result.files.size;
    const title = `Torre: apply the proven fix (${count} file${count === 1 ? '' : 's'})`;
    const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    action.diagnostics = ours;
    action.isPreferred = true;
    if (isStale(last.result, this.edited)) action.disabled = { reason: 'a file has changed since the fix was proven' };
    else action.edit = edit(last.result);
    return [action];
  }

  private show(result: Result): void {
    const byFile = new Map<string, vscode.Diagnostic[]>();
    for (const each of result.findings) {
      const at = new vscode.Range(each.line, each.column, each.line, Number.MAX_SAFE_INTEGER);
      const made = new vscode.Diagnostic(at, each.message, SEVERITIES[each.severity]);
      made.source = `torre (${each.tool})`;
      made.code = each.code || undefined;
      byFile.set(each.file, [...(byFile.get(each.file) ?? []), made]);
    }
    this.diagnostics.clear();
    byFile.forEach((list, file) => this.diagnostics.set(vscode.Uri.file(file), list));
  }

  private forget(): void {
    this.last = undefined;
    this.edited.clear();
    this.diagnostics.clear();
  }

  private ran(command: string, args: string[], cwd: string, title: string): Thenable<string> {
    const options = { location: vscode.ProgressLocation.Notification, title: `Torre: ${title}`, cancellable: true };
    return vscode.window.withProgress(options, async (progress, token) => {
      const stop = new AbortController();
      token.onCancellationRequested(() => stop.abort());
      const told = (line: string): void => {
        this.channel.appendLine(line);
        progress.report({ message: line });
      };
      return (await run(command, args, cwd, told, stop.signal)).stdout;
    });
  }
}

/** The whole fix as one edit that a single undo of the editor takes back. */
function edit(result: Result): vscode.WorkspaceEdit {
  const made = new vscode.WorkspaceEdit();
  for (const [file, text] of result.files) {
    const uri = vscode.Uri.file(file);
    if (text === null) {
      made.deleteFile(uri);
      continue;
    }
    made.createFile(uri, { ignoreIfExists: true });
    made.replace(uri, new vscode.Range(0, 0, Number.MAX_SAFE_INTEGER, 0), text);
  }
  return made;
}

function settingsOf(folder: string): Settings {
  const found = vscode.workspace.getConfiguration('torre', vscode.Uri.file(folder));
  return {
    command: found.get('command', 'torre'),
    checks: found.get('checks', []),
    maxSeconds: found.get('maxSeconds', 30),
  };
}

async function chosenFolder(): Promise<string> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const chosen = folders.length > 1 ? await vscode.window.showWorkspaceFolderPick() : folders[0];
  if (!chosen) throw new TorreError('open a folder first');
  return chosen.uri.fsPath;
}
