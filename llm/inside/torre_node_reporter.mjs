// Reporter for `node --test`: writes each outcome to $TORRE_REPORT as it happens. Node 18.15 or later.
import { openSync, writeSync } from "node:fs";

const out = openSync(process.env.TORRE_REPORT, "w");
const write = (record) => writeSync(out, JSON.stringify(record) + "\n");

function identify(stack, data) {
  const names = [...stack.slice(0, data.nesting), data.name];
  // A file that cannot be loaded is reported as a test that bears its path.
  const isFile = data.nesting === 0 && (data.name === data.file || data.file?.endsWith("/" + data.name));
  return isFile ? { file: data.file ?? data.name, names: [] } : { file: data.file ?? "", names };
}

function status(type, data, names) {
  if (data.skip !== undefined || data.todo !== undefined) return "skipped";
  if (type === "test:pass") return "passed";
  return names.length ? "failed" : "error";
}

function cause(error) {
  const inner = error?.cause instanceof Error ? error.cause : error;
  const place = /(?:file:\/\/)?(\/[^\s()]+?):(\d+):\d+\)?$/m;
  const line = (inner?.stack ?? "").split("\n").find((l) => place.test(l) && !l.includes("node_modules"));
  const at = line?.match(place);
  const code = inner?.name === "Error" || !inner?.name ? (inner?.code ?? "Error") : inner.name;
  return { message: inner?.message ?? String(error?.cause ?? ""), code, path: at?.[1] ?? "", line: Number(at?.[2] ?? 0) };
}

// Of two tests with one name, the loss of one must show: the second is `name #2`.
const counts = new Map();
function numbered(file, names) {
  const key = JSON.stringify([file, names]);
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count > 1 && names.length ? [...names.slice(0, -1), `${names.at(-1)} #${count}`] : names;
}

const subtestsOnly = (data) => data.details?.error?.failureType === "subtestsFailed";

export default async function* report(source) {
  const stacks = new Map();
  write({ run: "node_test" });
  for await (const { type, data } of source) {
    if (!data || !["test:start", "test:pass", "test:fail"].includes(type)) continue;
    const stack = stacks.get(data.file) ?? [];
    stacks.set(data.file, stack);
    stack[data.nesting] = data.name;
    if (type === "test:start" || subtestsOnly(data)) continue;
    if (data.details?.type === "suite" && type === "test:pass") continue;
    const { file, names: own } = identify(stack, data);
    const names = numbered(file, own);
    const failure = type === "test:fail" ? cause(data.details?.error) : {};
    const record = { file, names, status: status(type, data, names), duration_s: (data.details?.duration_ms ?? 0) / 1000 };
    write({ ...record, ...failure, path: failure.path || file });
  }
  yield "";
}
