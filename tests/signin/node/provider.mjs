// A certified OpenID provider on loopback: PORT, PORTAL (redirect URIs, comma separated), SECRET of the client.
// Whoever signs in as `ada` is Ada; any password does. People are listed below.
import Provider from "oidc-provider";

const people = {
  ada: { email: "ada@example.com", email_verified: true, name: "Ada Lovelace", preferred_username: "ada", groups: ["engines", "poets"] },
  eve: { email: "eve@elsewhere.example", email_verified: true, name: "Eve", preferred_username: "eve", groups: [] },
  mallory: { email: "ada@example.com", email_verified: false, name: "Mallory", preferred_username: "ada", groups: ["admins"] },
  grace: { email: "grace@example.com", email_verified: true, name: "Grace Hopper", preferred_username: "grace", groups: ["engines"] },
  "amara.okafor": { email: "amara.okafor@limelight.example", email_verified: true, name: "Amara Okafor", preferred_username: "amara.okafor", groups: [] },
};
const port = Number(process.env.PORT);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: "portal",
    client_secret: process.env.SECRET,
    redirect_uris: process.env.PORTAL.split(","),
    grant_types: ["authorization_code"],
    response_types: ["code"],
    token_endpoint_auth_method: "client_secret_post",
  }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username", "groups"] },
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: true } },
  pkce: { required: () => true },
  cookies: { keys: ["for tests alone"] },
  ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600, AuthorizationCode: 60 },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...(people[id] ?? {}) }) }),
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
