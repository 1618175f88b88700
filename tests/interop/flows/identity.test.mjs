import assert from "node:assert/strict";
import { createHash, randomBytes, webcrypto } from "node:crypto";
import test from "node:test";
import { Browser, ok, person, refused } from "../harness.mjs";

// Minted by the server's own package: [{token, userId}], each for one flow.
const MINTED = JSON.parse(process.env.INTEROP_PROOFS);
const AUDIENCE = "interop";

const uuid = (bytes) => bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

/** A UUID of version 5 (RFC 9562). */
function uuid5(namespace, name) {
  const bytes = createHash("sha1").update(namespace).update(name).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x50;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return uuid(bytes);
}

/** A local-first identity as a page would make one, with nothing but WebCrypto. */
async function newIdentity() {
  const seed = randomBytes(32);
  const hash = createHash("sha512").update("jazz-auth-sign-v1").update(seed).digest();
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex"); // PKCS #8 (RFC 8410)
  const pkcs8 = Buffer.concat([prefix, hash.subarray(0, 32)]);
  const key = await webcrypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await webcrypto.subtle.exportKey("jwk", key);
  const userId = uuid5(Buffer.from("jazz-auth-key-v1"), Buffer.from(x, "base64url"));
  return { key, x, userId };
}

async function prove({ key, x, userId }, { audience = AUDIENCE, ttl = 60 } = {}) {
  const dns = Buffer.from("6ba7b8109dad11d180b400c04fd430c8", "hex");
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    iss: "urn:jazz:local-first",
    sub: userId,
    aud: uuid5(dns, audience),
    jazz_pub_key: x,
    iat,
    exp: iat + ttl,
  };
  const parts = [{ alg: "EdDSA", typ: "JWT" }, claims];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const signature = await webcrypto.subtle.sign("Ed25519", key, Buffer.from(signed));
  return `${signed}.${Buffer.from(signature).toString("base64url")}`;
}

test("sign-up with a proof of the package keeps the proven id", async () => {
  const { token, userId } = MINTED[0];
  const browser = new Browser();
  const auth = browser.client();
  const data = ok(await auth.signUp.email({ ...person("Local"), proofToken: token }));
  assert.equal(data.user.id, userId);
  assert.equal(ok(await auth.getSession()).session.userId, userId);
});

test("sign-up with a proof by WebCrypto keeps the proven id", async () => {
  const identity = await newIdentity();
  const auth = new Browser().client();
  const proofToken = await prove(identity);
  const data = ok(await auth.signUp.email({ ...person("Web"), proofToken }));
  assert.equal(data.user.id, identity.userId);
});

test("a proof counts once, also for two at once", async () => {
  const identity = await newIdentity();
  const proofToken = await prove(identity);
  const results = await Promise.all(
    Array.from({ length: 4 }, () => {
      const auth = new Browser().client();
      return auth.signUp.email({ ...person("Replay"), proofToken });
    }),
  );
  assert.equal(results.filter(({ error }) => error === null).length, 1);
  for (const { error } of results.filter((result) => result.error !== null)) {
    assert.ok(["PROOF_ALREADY_USED", "IDENTITY_ALREADY_REGISTERED"].includes(error.code), error.code);
  }
});

test("an identity has one account", async () => {
  const identity = await newIdentity();
  const auth = () => new Browser().client();
  ok(await auth().signUp.email({ ...person("First"), proofToken: await prove(identity) }));
  const proofToken = await prove(identity, { ttl: 90 });
  const second = await auth().signUp.email({ ...person("Second"), proofToken });
  refused(second, 422, "IDENTITY_ALREADY_REGISTERED");
});

test("a proof for another audience, a changed one and a claimed id are refused", async () => {
  const identity = await newIdentity();
  const auth = new Browser().client();
  const elsewhere = await prove(identity, { audience: "another-app" });
  refused(await auth.signUp.email({ ...person("A"), proofToken: elsewhere }), 400, "PROOF_AUDIENCE");
  const [header, claims] = (await prove(identity)).split(".");
  const forged = `${header}.${claims}.${Buffer.alloc(64, 7).toString("base64url")}`;
  refused(await auth.signUp.email({ ...person("B"), proofToken: forged }), 400, "PROOF_SIGNATURE");
  const claimed = { ...person("C"), provedUserId: identity.userId, id: identity.userId };
  assert.notEqual(ok(await auth.signUp.email(claimed)).user.id, identity.userId);
});

test("a proof as long as a book is refused", async () => {
  const auth = new Browser().client();
  const result = await auth.signUp.email({ ...person("Long"), proofToken: `${"a".repeat(5000)}.b.c` });
  refused(result, 400, "VALIDATION_ERROR");
});
