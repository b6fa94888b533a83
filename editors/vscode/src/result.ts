// What `torre fix --json --files` says, as an editor wants to hear it. Knows nothing of VS Code.
import * as path from 'node:path';

export interface Finding {
  /** Absolute path. */
  file: string;
  /** From 0, as editors count. */
  line: number;
  column: number;
  message: string;
  code: string;
  tool: string;
  severity: 'error' | 'warning' | 'information';
}

export interface Result {
  proven: boolean;
  nothingRed: boolean;
  traceId: string;
  summary: string;
  findings: Finding[];
  /** Absolute path → whole new text; null: the file is deleted. Empty unless proven. */
  files: Map<string, string | null>;
}

/** Raised for output that is no result; the message is for the user. */
export class TorreError extends Error {}

type Json = Record<string, any>;

/** The result in `stdout` about `workspace`. Throws TorreError for a refusal, and for what is not Torre's. */
export function readResult(stdout: string, workspace: string): Result {
  const told = parsed(stdout);
  if (told.error) {
    const { message, remedy } = told.error as Json;
    throw new TorreError(remedy ? `${message} (${remedy})` : String(message));
  }
  if (told.schema_version !== '1' || typeof told.mode !== 'string') {
    throw new TorreError('this extension does not know the output of this version of torre');
  }
  const proven = told.mode === 'PATCH';
  return {
    proven,
    nothingRed: told.report.nothing_red === true,
    traceId: told.trace_id,
    summary: told.report.summary,
    findings: (told.report.diagnostics as Json[]).flatMap((each) => finding(each, workspace)),
    files: new Map(proven ? Object.entries((told.files_out ?? {}) as Json).flatMap((each) => changed(each, workspace)) : []),
  };
}

/** What `torre apply --json` and `torre undo --json` say, in one sentence. */
export function readChange(stdout: string): string {
  const told = parsed(stdout);
  if (told.error) throw new TorreError(told.error.message);
  if (told.undone) return `Took back ${told.undone.files.join(', ')}.`;
  const { status, reason, files } = told.applied as Json;
  if (status === 'applied') return `Applied: ${files.join(', ')}.`;
  throw new TorreError(`${status.replace('_', ' ')}: ${reason}`);
}

/** Whether a file that the fix changes was edited since the run began: the fix would overwrite that. */
export function isStale(result: Result, edited: ReadonlySet<string>): boolean {
  return [...result.files.keys()].some((file) => edited.has(file));
}

function parsed(stdout: string): Json {
  try {
    const told: unknown = JSON.parse(stdout);
    if (typeof told === 'object' && told !== null) return told as Json;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new TorreError('torre gave no answer; see the output channel');
}

function finding(each: Json, workspace: string): Finding[] {
  const file = inside(each.path, workspace);
  if (!file) return [];
  return [
    {
      file,
      line: Math.max(0, each.line - 1),
      column: Math.max(0, each.column - 1),
      message: each.message,
      code: each.code,
      tool: each.tool,
      severity: each.severity === 'error' || each.severity === 'warning' ? each.severity : 'information',
    },
  ];
}

function changed([name, text]: [string, string | null], workspace: string): [string, string | null][] {
  const file = inside(name, workspace);
  return file ? [[file, text]] : [];
}

/** The absolute path of a file of the workspace; undefined for what lies elsewhere. */
function inside(name: string, workspace: string): string | undefined {
  if (!name || path.isAbsolute(name)) return undefined;
  const file = path.join(workspace, name);
  return file.startsWith(workspace + path.sep) ? file : undefined;
}
