// Runs the `torre` command. Knows nothing of VS Code.
import { spawn } from 'node:child_process';

import { TorreError } from './result';

export interface Ran {
  stdout: string;
  exitCode: number | null;
}

export interface Settings {
  command: string;
  checks: string[];
  maxSeconds: number;
}

/** Arguments of `torre fix` for a workspace: never through a shell, and no value can become an option. */
export function fixArguments(settings: Settings, workspace: string): string[] {
  const checks = settings.checks.map((check) => `--check=${check}`);
  return ['fix', '--json', '--files', `--max-seconds=${settings.maxSeconds}`, ...checks, '--', workspace];
}

export function applyArguments(traceId: string, workspace: string): string[] {
  return ['apply', '--json', `--path=${workspace}`, '--', traceId];
}

export function undoArguments(workspace: string): string[] {
  return ['undo', '--json', '--', workspace];
}

/** Runs to the end. `line` hears each line of progress; `stop` ends it, and its sandboxes with it. */
export function run(
  command: string,
  args: string[],
  cwd: string,
  line: (text: string) => void = () => undefined,
  stop?: AbortSignal,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let rest = '';
    const end = (): void => void child.kill('SIGTERM'); // which torre answers by killing all that it started
    if (stop?.aborted) end();
    stop?.addEventListener('abort', end, { once: true });
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(line);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(new TorreError(error.code === 'ENOENT' ? `${command} was not found: set torre.command` : error.message));
    });
    child.on('close', (exitCode) => {
      stop?.removeEventListener('abort', end);
      if (rest) line(rest);
      resolve({ stdout: Buffer.concat(chunks).toString('utf8'), exitCode });
    });
  });
}
