// The official TypeScript client: connects, lists, reads, sends a hundred calls with a slow one
// among them, cancels, and hangs up. Says what it found as one line of JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const errors = [];
const [command, ...args] = process.argv.slice(2);
const transport = new StdioClientTransport({ command, args, env: process.env });
const client = new Client({ name: "tour", version: "1" });
// What was cancelled may have been answered already: then its answer is nobody's.
client.onerror = (error) => /unknown message ID/.test(error) || errors.push(String(error));
await client.connect(transport);

const { tools } = await client.listTools();
const cursor = await client.listTools({ cursor: "bogus" }).catch((error) => error.code);
const unknown = await client.callTool({ name: "LodUser" }).then((r) => r, (error) => error.code);
const calls = Array.from({ length: 100 }, () =>
  client.callTool({ name: "descope_read", arguments: { operation: "LoadAllTenants" } }),
);
const answers = await Promise.all(calls);
const stop = new AbortController();
const given = client.callTool({ name: "descope_status" }, undefined, { signal: stop.signal });
stop.abort("enough");
const cancelled = await given.then(() => false, () => true);
const after = await client.callTool({ name: "descope_status" });
await client.close();
console.log(
  JSON.stringify({
    tools: tools.map((tool) => tool.name),
    cursor,
    unknown,
    read: answers.filter((answer) => !answer.isError && answer.structuredContent).length,
    cancelled,
    after: !after.isError,
    errors,
  }),
);
