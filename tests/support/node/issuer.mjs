// A real OpenID provider, npm oidc-provider: mints access tokens (RFC 9068) for machines, and signs
// in the person that was last told at /person, without asking.
// node issuer.mjs <port> <audience> <private JWK set as JSON>
import Provider from "oidc-provider";

const [port, audience, keys] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const resource = {
  scope: "extracts requests",
  audience,
  accessTokenFormat: "jwt",
  accessTokenTTL: 300,
  jwt: { sign: { alg: "RS256" } },
};
let person = {};
const provider = new Provider(issuer, {
  jwks: JSON.parse(keys),
  clients: [
    {
      client_id: "pipeline",
      client_secret: "a-secret-of-the-machine-at-its-own-issuer",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    },
    {
      client_id: "vrijgave",
      client_secret: "a-secret-at-the-provider",
      redirect_uris: [`${audience}/sign-in/with/npm/back`],
    },
  ],
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ ...person.claims, sub: id }),
  }),
  claims: {
    openid: ["sub", "acr", "amr"],
    email: ["email", "email_verified"],
    profile: ["name"],
    groups: ["groups"],
  },
  scopes: ["openid", "email", "profile", "groups"],
  features: {
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: (context) =>
        context.oidc.client.clientId === "pipeline" ? audience : undefined,
      getResourceServerInfo: () => resource,
      useGrantedResource: () => true,
    },
  },
});
async function signIn(context) {
  const { params } = await provider.interactionDetails(context.req, context.res);
  const grant = new provider.Grant({ accountId: person.id, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const login = { accountId: person.id, amr: person.amr, acr: person.acr, remember: false };
  context.respond = false;
  await provider.interactionFinished(
    context.req,
    context.res,
    { login, consent: { grantId: await grant.save() } },
    { mergeWithLastSubmission: false },
  );
}
provider.use(async (context, next) => {
  if (context.path.startsWith("/interaction/")) return signIn(context);
  if (context.path !== "/person") return next();
  const blocks = [];
  for await (const block of context.req) blocks.push(block);
  person = JSON.parse(Buffer.concat(blocks).toString());
  context.body = "ok";
});
provider.on("server_error", (_context, error) => console.error(error));
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
