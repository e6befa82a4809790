// An OpenID provider that we did not write, on loopback: dynamic registration, PKCE, resource
// indicators, signed access tokens, refresh. Says where it listens; GET /counts tells how
// often it registered, signed in and refreshed. The tokens of a sign-in hold for so many seconds
// (below 0 where the clocks' difference that a server allows for is longer than that), those of a
// refresh for ten minutes.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const seconds = Number(process.argv[2]);
const counts = { registered: 0, authorization_code: 0, refresh_token: 0 };
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: "one" };
const person = (ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) });
const scopes = "descope:read descope:write descope:destructive";

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: ["a test's"] },
    findAccount: person,
    issueRefreshToken: (ctx, client) => client.grantTypeAllowed("refresh_token"),
    pkce: { required: () => true },
    scopes: ["openid", "offline_access", ...scopes.split(" ")],
    features: {
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx, resource) => ({
          audience: resource,
          scope: scopes,
          accessTokenFormat: "jwt",
          accessTokenTTL: 600,
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
    formats: {
      customizers: {
        jwt(ctx, token, { payload }) {
          if (ctx.oidc.params.grant_type === "authorization_code")
            payload.exp = payload.iat + seconds;
        },
      },
    },
  });
  // Clients register for the scopes of the first challenge, and later ask for more.
  provider.use(async (ctx, next) => {
    if (ctx.path === "/reg") {
      let text = "";
      for await (const chunk of ctx.req) text += chunk;
      ctx.req.body = JSON.parse(text);
      delete ctx.req.body.scope;
    }
    await next();
  });
  provider.on("registration_create.success", () => (counts.registered += 1));
  provider.on("grant.success", (ctx) => (counts[ctx.oidc.params.grant_type] += 1));
  provider.on("server_error", (ctx, error) => console.error(error));
  const answer = provider.callback();
  server.on("request", (request, response) =>
    request.url === "/counts"
      ? response.end(JSON.stringify(counts))
      : answer(request, response),
  );
  console.log(`listening at ${issuer}`);
});
