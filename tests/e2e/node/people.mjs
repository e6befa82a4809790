// An OpenID provider that we did not write, on loopback, for people who sign in to the console.
// The login is the subject; /set?sub=...&roles=a,b says which roles somebody has from now on,
// and /down and /up whether it answers. Without roles, nobody is known by that name.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [secret, ...callbacks] = process.argv.slice(2);
const roles = new Map();
let down = false;
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: "one" };
const claims = (sub) => ({
  sub,
  name: `${sub} <b>Person</b>`,
  email: `${sub}@acme.example`,
  email_verified: true,
  roles: roles.get(sub) ?? [],
});

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: ["a test's"] },
    clients: [
      {
        client_id: "console",
        client_secret: secret,
        redirect_uris: callbacks,
        grant_types: ["authorization_code", "refresh_token"],
      },
    ],
    claims: { openid: ["sub"], profile: ["name", "roles"], email: ["email", "email_verified"] },
    findAccount: (ctx, sub) =>
      roles.get(sub) === null ? undefined : { accountId: sub, claims: () => claims(sub) },
    issueRefreshToken: () => true,
    pkce: { required: () => true },
    scopes: ["openid", "offline_access"],
  });
  const answer = provider.callback();
  server.on("request", (request, response) => {
    const url = new URL(request.url, issuer);
    if (url.pathname === "/set") {
      const given = url.searchParams.get("roles");
      roles.set(url.searchParams.get("sub"), given === null ? null : given.split(","));
      response.end("set");
    } else if (url.pathname === "/down" || url.pathname === "/up") {
      down = url.pathname === "/down";
      response.end("so");
    } else if (down) {
      response.writeHead(503).end();
    } else answer(request, response);
  });
  console.log(`listening at ${issuer}`);
});
