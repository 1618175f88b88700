/** The same vectors as the Python side: `tests/data/jazz/vectors.json`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { generateSeed, mintProof, normaliseAudience, openIdentity } from "../src/identity.js";
import { vectors } from "./vectors.js";

const seedOf = ({ seed_hex: hex }) => Uint8Array.from(Buffer.from(hex, "hex"));

for (const vector of vectors.derivation) {
  test(`derivation: ${vector.id}`, async () => {
    const { userId, publicKey, key } = await openIdentity(seedOf(vector));
    assert.equal(userId, vector.user_id);
    assert.equal(publicKey, vector.public_key_base64url);
    assert.equal(key.extractable, false);
  });
}

for (const vector of vectors.audience) {
  test(`audience: ${vector.input}`, () => {
    assert.equal(normaliseAudience(vector.input), vector.normalised);
  });
}

test("audience: spellings of one UUID, and what is none", () => {
  const uuid = "4af0209b-7fe4-57ba-b068-3b47d0855d11";
  const bare = uuid.replaceAll("-", "");
  for (const spelling of [uuid, uuid.toUpperCase(), bare, `{${uuid}}`, `urn:uuid:${uuid}`]) {
    assert.equal(normaliseAudience(spelling), uuid);
  }
  for (const name of [` ${uuid}`, `{${bare}}`, `urn:uuid:${bare}`, `(${uuid})`, ""]) {
    assert.notEqual(normaliseAudience(name), uuid);
  }
});

for (const vector of vectors.mint) {
  test(`proof: ${vector.id}`, async () => {
    const identity = await openIdentity(seedOf(vector));
    const { ttl, now, iss: issuer } = vector;
    assert.equal(await mintProof(identity, vector.aud, { ttl, now, issuer }), vector.token);
  });
}

test("a seed has 32 bytes, and is another one each time", async () => {
  assert.notDeepEqual(generateSeed(), generateSeed());
  await assert.rejects(openIdentity(new Uint8Array(31)), RangeError);
  await assert.rejects(openIdentity("a text"), RangeError);
});
