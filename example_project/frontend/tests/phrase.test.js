/** Recovery phrases as Jazz writes and reads them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { base64url } from "jose";
import { PhraseError, phraseOf, seedOfPhrase } from "../src/phrase.js";
import { vectors } from "./vectors.js";

for (const vector of vectors.recovery.to_phrase.filter(({ ok }) => ok)) {
  test(`to phrase: ${vector.id}`, () => {
    assert.equal(phraseOf(Uint8Array.from(Buffer.from(vector.secret, "base64"))), vector.phrase);
  });
}

test("to phrase: not 32 bytes", () => {
  for (const wrong of [new Uint8Array(31), new Uint8Array(33), null, "text"]) {
    assert.throws(() => phraseOf(wrong), { code: "invalid-secret" });
  }
});

for (const vector of vectors.recovery.to_secret) {
  test(`to secret: ${vector.id}`, () => {
    if (vector.ok) {
      assert.equal(base64url.encode(seedOfPhrase(vector.phrase)), vector.secret);
    } else {
      assert.throws(() => seedOfPhrase(vector.phrase), (error) => {
        assert(error instanceof PhraseError);
        assert.equal(error.code, vector.code);
        return true;
      });
    }
  });
}
