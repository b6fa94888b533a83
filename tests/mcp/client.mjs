// An independent client (the TypeScript SDK): list the tools, call some, print what came as one JSON object.
// node client.mjs URL CALLS, or node client.mjs COMMAND CALLS ARGUMENT…; CALLS is [[tool, arguments], …].
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const [target, calls, ...args] = process.argv.slice(2);
const transport = target.startsWith('http')
  ? new StreamableHTTPClientTransport(new URL(target))
  : new StdioClientTransport({ command: target, args, env: process.env });
const client = new Client({ name: 'torre-test', version: '1' });
await client.connect(transport);
const { tools } = await client.listTools();
const results = [];
for (const [name, given] of JSON.parse(calls)) {
  const lines = [];
  const onprogress = ({ message }) => lines.push(message);
  const result = await client.callTool({ name, arguments: given }, { onprogress, timeout: 120_000 });
  results.push({ ...result, lines });
}
await client.close();
console.log(JSON.stringify({ tools, results }));
