import assert from "node:assert/strict";
import test from "node:test";
import { jwtClient } from "better-auth/client/plugins";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { AUTH, Browser, ok, ORIGIN, refused, secret, signedUp } from "../harness.mjs";

const KEYS = createRemoteJWKSet(new URL(`${AUTH}/jwks`));
const verified = (token) => jwtVerify(token, KEYS, { issuer: ORIGIN, audience: ORIGIN });

test("a JWT of /token is verified by jose through /jwks", async () => {
  const { browser, user } = await signedUp("Jwt");
  const auth = browser.client(jwtClient());
  const { token } = ok(await auth.token());
  const { payload, protectedHeader } = await verified(secret("JWT", token));
  assert.deepEqual([payload.sub, payload.email], [user.id, user.email]);
  assert.equal(payload.exp - payload.iat, 900);
  assert.equal(protectedHeader.alg, "EdDSA");
});

test("jwks has public keys only", async () => {
  const auth = new Browser().client(jwtClient());
  const { keys } = ok(await auth.jwks());
  assert.ok(keys.length >= 1);
  for (const key of keys) {
    assert.ok(key.kid && key.kty === "OKP" && key.crv === "Ed25519" && key.x);
    assert.equal(key.d, undefined);
  }
});

test("get-session gives a JWT in a header", async () => {
  const { auth, user } = await signedUp("Header");
  let header;
  const options = { onResponse: ({ response }) => { header = response.headers.get("set-auth-jwt"); } };
  ok(await auth.getSession({ fetchOptions: options }));
  assert.equal((await verified(header)).payload.sub, user.id);
});

test("a changed JWT is refused by jose", async () => {
  const { browser } = await signedUp("Forger");
  const { token } = ok(await browser.client(jwtClient()).token());
  const [header, , signature] = token.split(".");
  const claims = { ...decodeJwt(token), sub: "00000000-0000-4000-8000-000000000000" };
  const body = Buffer.from(JSON.stringify(claims)).toString("base64url");
  await assert.rejects(verified(`${header}.${body}.${signature}`));
});

test("no JWT without a session", async () => {
  refused(await new Browser().client(jwtClient()).token(), 401, "UNAUTHORIZED");
});

test("a bearer token instead of a cookie", async () => {
  const { token, user } = await signedUp("Bearer");
  const auth = new Browser().client();
  const headers = { authorization: `Bearer ${token}` };
  const session = ok(await auth.getSession({ fetchOptions: { headers } }));
  assert.equal(session.user.id, user.id);
  const wrong = { authorization: `Bearer ${"x".repeat(32)}` };
  assert.equal(ok(await auth.getSession({ fetchOptions: { headers: wrong } })), null);
});
