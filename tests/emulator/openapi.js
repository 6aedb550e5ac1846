// Whether the emulator's answers are what Okta's own OpenAPI document says they are.
//
//   node openapi.js SPEC URL API_TOKEN CLIENT_ID PRIVATE_KEY
//
// Read as Okta's own examples need it: null is allowed everywhere, and oneOf means anyOf. Prints a line for each answer,
// and ends with 1 when one is wrong.
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const Ajv = require("ajv").default;
const formats = require("ajv-formats").default;
const yaml = require("yaml");

const [specPath, base, apiToken, clientId, keyPath] = process.argv.slice(2);
const spec = loosen(yaml.parse(fs.readFileSync(specPath, "utf8"), { maxAliasCount: -1 }));
const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
formats(ajv);
ajv.addSchema(spec, "okta");

function loosen(node) {
  if (Array.isArray(node)) return node.map(loosen);
  if (node === null || typeof node !== "object") return node;
  const out = {};
  for (const [name, value] of Object.entries(node)) {
    if (["discriminator", "example", "examples", "exclusiveMinimum", "exclusiveMaximum"].includes(name) && !isProperty(value)) continue;
    out[name === "oneOf" ? "anyOf" : name] = loosen(value);
  }
  if (typeof out.type === "string") out.type = [out.type, "null"];
  if (Array.isArray(out.enum)) out.enum = [...out.enum, null];
  return out;
}

// A member of an object may have any name: it is a schema then, and no keyword.
function isProperty(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) && ("type" in value || "$ref" in value);
}

function pointer(...names) {
  return "okta#/" + names.map((n) => encodeURIComponent(String(n).replace(/~/g, "~0").replace(/\//g, "~1"))).join("/");
}

// The schema of a path's answer; what Okta documents of no path is its general error.
function schemaOf(path, method, status) {
  const answer = ((spec.paths[path] || {})[method] || {}).responses?.[status];
  if (answer?.$ref) return "okta" + answer.$ref + "/content/application~1json/schema";
  if (answer?.content) return pointer("paths", path, method, "responses", status, "content", "application/json", "schema");
  if (status < 400) throw new Error(`${path} has no answer ${status} in the document`);
  return pointer("components", "schemas", path.startsWith("/oauth2") ? "OAuthError" : "Error");
}

function assertion(aud) {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = encode({ alg: "RS256", kid: "k" }) + "." + encode({
    iss: clientId, sub: clientId, aud, exp: now + 300, jti: crypto.randomUUID(),
  });
  return text + "." + crypto.sign("sha256", Buffer.from(text), fs.readFileSync(keyPath)).toString("base64url");
}

function form(scope, jwt) {
  return new URLSearchParams({
    grant_type: "client_credentials", scope, client_assertion: jwt,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
  }).toString();
}

async function ask(target, options = {}) {
  const headers = { Accept: "application/json", Authorization: "SSWS " + (options.token || apiToken) };
  const answer = await fetch(base + target, { headers: options.headers || headers, method: options.body ? "POST" : "GET", body: options.body });
  return { status: answer.status, body: JSON.parse(await answer.text()) };
}

function postForm(body) {
  return ask("/oauth2/v1/token", { body, headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" } });
}

async function main() {
  const url = base + "/oauth2/v1/token";
  const get = (path, target, status, options) => [path, "get", status, () => ask(target, options)];
  const post = (status, scope, aud) => ["/oauth2/v1/token", "post", status, () => postForm(form(scope, assertion(aud)))];
  const users = (await ask("/api/v1/users?limit=1")).body;
  const groups = (await ask("/api/v1/groups?limit=2")).body, apps = (await ask("/api/v1/apps?limit=1")).body;
  const month = new Date(Date.now() - 30 * 86400000).toISOString();
  const cases = [
    get("/api/v1/logs", `/api/v1/logs?limit=1000&since=${month}`, 200),
    get("/api/v1/logs", "/api/v1/logs?since=soon", 400),
    get("/api/v1/logs", `/api/v1/logs?filter=${encodeURIComponent('no_such eq "x"')}`, 400),
    get("/api/v1/users", "/api/v1/users?limit=200", 200),
    get("/api/v1/users", `/api/v1/users?limit=200&search=${encodeURIComponent('status eq "DEPROVISIONED"')}`, 200),
    get("/api/v1/users", "/api/v1/users", 401, { token: "00wrong" }),
    get("/api/v1/users/{id}", "/api/v1/users/" + users[0].id, 200),
    get("/api/v1/users/{id}", "/api/v1/users/00uNobody", 404),
    get("/api/v1/groups", "/api/v1/groups?limit=200", 200),
    get("/api/v1/apps", "/api/v1/apps?limit=200", 200),
    get("/api/v1/users/{userId}/factors", `/api/v1/users/${users[0].id}/factors`, 200),
    get("/api/v1/users/{userId}/roles", `/api/v1/users/${users[0].id}/roles`, 403),
    get("/api/v1/groups/{groupId}/users", `/api/v1/groups/${groups[1].id}/users?limit=200`, 200),
    get("/api/v1/apps/{appId}/users", `/api/v1/apps/${apps[0].id}/users?limit=500`, 200),
    get("/api/v1/apps/{appId}/groups", `/api/v1/apps/${apps[0].id}/groups?limit=200`, 200),
    get("/api/v1/org", "/api/v1/org", 200),
    get("/api/v1/nothing", "/api/v1/nothing", 404),
    post(200, "okta.users.read okta.groups.read", url),
    post(400, "okta.nothing.read", url),
    post(401, "okta.users.read", "https://elsewhere.example"),
  ];
  await ask("/__fault?prefix=/api/v1/org&count=1&status=429", { body: "x" });
  cases.unshift(get("/api/v1/org", "/api/v1/org", 429));
  let failed = 0;
  for (const [path, method, status, run] of cases) {
    const answer = await run();
    const validate = ajv.getSchema(schemaOf(path, method, answer.status)) || ajv.compile({ $ref: schemaOf(path, method, answer.status) });
    const good = answer.status === status && (validate(answer.body) || false);
    const size = Array.isArray(answer.body) ? answer.body.length : 1;
    console.log(`${good ? "good" : "BAD"} ${method} ${path} ${answer.status} ${size}`);
    if (!good) console.log(ajv.errorsText(validate.errors, { separator: "\n" }).slice(0, 3000));
    failed += !good || size === 0;
  }
  process.exit(failed ? 1 : 0);
}

main();
