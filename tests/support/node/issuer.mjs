// A real OpenID provider, npm oidc-provider, that mints access tokens (RFC 9068) for machines.
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
  ],
  features: {
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      getResourceServerInfo: () => resource,
      useGrantedResource: () => true,
    },
  },
});
provider.on("server_error", (_context, error) => console.error(error));
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
