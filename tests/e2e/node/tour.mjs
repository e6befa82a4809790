// The official TypeScript client, given a command or an address: connects, lists, reads a hundred times at once with a slow one
// among them, is refused a change, cancels, and hangs up. Says what it found as one line of JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const errors = [];
const [command, ...args] = process.argv.slice(2);
const transport = command.startsWith("http")
  ? new StreamableHTTPClientTransport(new URL(command))
  : new StdioClientTransport({ command, args, env: process.env });
const client = new Client({ name: "tour", version: "1" });
client.onerror = (error) => errors.push(String(error));
await client.connect(transport);

const call = (effect, operation, loginId, options) =>
  client.callTool(
    { name: `descope_${effect}`, arguments: { operation, arguments: { loginId } } },
    undefined,
    options,
  );
const { tools } = await client.listTools();
const cursor = await client.listTools({ cursor: "bogus" }).catch((error) => error.code);
const unknown = await client.callTool({ name: "LodUser" }).catch((error) => error.code);
const answers = await Promise.all(
  ["slow", ...Array.from({ length: 99 }, (_, n) => `u${n}`)].map(async (loginId) => {
    const answer = await call("read", "LoadUser", loginId);
    return answer.structuredContent?.answer.user.name === loginId;
  }),
);
const refused = await call("destructive", "DeleteUser", "u1");
const stop = new AbortController();
setTimeout(() => stop.abort("enough"), 500);
const cancelled = await call("read", "LoadUser", "never", { signal: stop.signal }).then(
  () => false,
  () => true,
);
const after = await client.callTool({ name: "descope_status" });
await client.close();
console.log(
  JSON.stringify({
    tools: tools.map((tool) => tool.name),
    cursor,
    unknown,
    read: answers.filter(Boolean).length,
    refused: !refused.isError && refused.structuredContent.rule,
    cancelled,
    after: !after.isError,
    errors,
  }),
);
