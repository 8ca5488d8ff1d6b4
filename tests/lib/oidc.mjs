// An OAuth server by the npm package oidc-provider, with one client: oidc.mjs NODE_MODULES ID SECRET
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [modules, id, secret] = process.argv.slice(2);
const { Provider } = await import(
    pathToFileURL(createRequire(modules + "/").resolve("oidc-provider")).href
);
const provider = new Provider("http://127.0.0.1", {
    clients: [
        {
            client_id: id,
            client_secret: secret,
            scope: "read write",
            grant_types: ["client_credentials"],
            redirect_uris: [],
            response_types: [],
        },
    ],
    features: { clientCredentials: { enabled: true } },
    scopes: ["write", "read", "admin"],
});
const server = createServer(provider.callback()).listen(0, "127.0.0.1", () =>
    console.log(`listening on http://127.0.0.1:${server.address().port}`),
);
