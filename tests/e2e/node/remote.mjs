// An official TypeScript client over HTTP, which has to sign in: says the address to visit, hears
// of the code on a listener of its own, connects, lists, reads, is asked for more rights by a
// change, is refused it by the guard, and reads again once its token has expired. Says what it
// found as the last line of JSON. Arguments: package, address, revision, seconds to wait.
import { createServer } from "node:http";

const [name, address, revision, seconds] = process.argv.slice(2);
const old = name.endsWith("/sdk");
const { Client } = await import(old ? `${name}/client/index.js` : name);
const { StreamableHTTPClientTransport } = await import(old ? `${name}/client/streamableHttp.js` : name);
const say = (line) => console.log(JSON.stringify(line));

// Where the person comes back to.
let arrived;
const listener = createServer((request, response) => {
  response.end("You can close this page.");
  const query = new URL(request.url, "http://127.0.0.1").searchParams;
  if (query.has("code")) arrived(query);
});
await new Promise((done) => listener.listen(0, "127.0.0.1", done));
const redirectUrl = `http://127.0.0.1:${listener.address().port}/callback`;

const kept = {};
let coming;
const asked = [];
const person = {
  redirectUrl,
  clientMetadata: {
    client_name: "remote",
    redirect_uris: [redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    application_type: "native",
  },
  clientInformation: () => kept.client,
  saveClientInformation: (client) => (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => (kept.tokens = tokens),
  saveCodeVerifier: (verifier) => (kept.verifier = verifier),
  codeVerifier: () => kept.verifier,
  discoveryState: () => kept.discovery,
  saveDiscoveryState: (discovery) => (kept.discovery = discovery),
  redirectToAuthorization(url) {
    asked.push(url.searchParams.get("scope"));
    coming = new Promise((resolve) => (arrived = resolve));
    say({ visit: String(url) });
  },
};

let client, transport;
async function connect() {
  const options = old ? {} : { versionNegotiation: { mode: revision === "2026-07-28" ? { pin: revision } : "legacy" } };
  client = new Client({ name: "remote", version: "1" }, options);
  transport = new StreamableHTTPClientTransport(new URL(address), { authProvider: person });
  await client.connect(transport);
}
// A call that cannot be made before the person has been somewhere is made again.
async function signingIn(call) {
  for (let n = 0; ; n++) {
    try {
      return await call();
    } catch (error) {
      if (!coming || n) throw error;
      const query = await coming;
      coming = undefined;
      await transport.finishAuth(old ? query.get("code") : query);
    }
  }
}
const call = (effect, operation, loginId) =>
  client.callTool({ name: `descope_${effect}`, arguments: { operation, arguments: { loginId } } });
const login = async () => (await call("read", "LoadUser", "ada")).structuredContent?.answer.user.name;

await signingIn(connect);
const { tools } = await client.listTools();
const before = await login();
const refused = await signingIn(() => call("destructive", "DeleteUser", "ada"));
await new Promise((done) => setTimeout(done, seconds * 1000));
const after = await login();
await client.close();
listener.close();
say({
  tools: tools.map((tool) => tool.name),
  before,
  refused: !refused.isError && refused.structuredContent.rule,
  after,
  asked,
});
process.exit(0);
