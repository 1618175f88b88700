/**
 * A local-first identity: a secret of 32 bytes, and the key, the id and the proofs that follow
 * from it, byte for byte as in Jazz. Everything happens on this device, with WebCrypto.
 */
import { SignJWT, base64url } from "jose";
import { v5 } from "uuid";

export const SEED_LENGTH = 32;

const ascii = (text) => new TextEncoder().encode(text);
const SIGNING_DOMAIN = ascii("jazz-auth-sign-v1");
const USER_ID_NAMESPACE = ascii("jazz-auth-key-v1"); // 16 bytes, read as a UUID
const LOCAL_FIRST = "urn:jazz:local-first";

// What stands before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410, section 7).
const PKCS8_PREFIX = Uint8Array.from([
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]);

const HYPHENATED = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const BARE = /^[0-9a-f]{32}$/i;
const UUID = new RegExp(`^(?:${HYPHENATED}|\\{${HYPHENATED}\\}|urn:uuid:${HYPHENATED})$`, "i");

/** A new seed: 32 random bytes. */
export function generateSeed() {
  return crypto.getRandomValues(new Uint8Array(SEED_LENGTH));
}

/**
 * The identity of a seed.
 *
 * @param {Uint8Array} seed 32 bytes
 * @returns {Promise<{userId: string, publicKey: string, key: CryptoKey}>} id, public key
 *   (base64url), and the private key, which signs proofs and cannot be taken out again
 * @throws {RangeError} not 32 bytes
 */
export async function openIdentity(seed) {
  if (!(seed instanceof Uint8Array) || seed.length !== SEED_LENGTH) {
    throw new RangeError("seed must be exactly 32 bytes");
  }
  const material = (await digest("SHA-512", concat(SIGNING_DOMAIN, seed))).subarray(0, 32);
  const pkcs8 = concat(PKCS8_PREFIX, material);
  const extractable = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x: publicKey } = await crypto.subtle.exportKey("jwk", extractable);
  return {
    userId: v5(base64url.decode(publicKey), USER_ID_NAMESPACE),
    publicKey,
    key: await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]),
  };
}

/**
 * A proof that the holder of an identity made for an audience: a JWT that carries its own key.
 *
 * @param {{userId: string, publicKey: string, key: CryptoKey}} identity see openIdentity
 * @param {string} audience app id or name of whoever verifies it
 * @param {{ttl?: number, now?: number, issuer?: string}} [options] lifetime in seconds; Unix time
 *   in seconds; `urn:jazz:local-first` or `urn:jazz:anonymous`
 * @returns {Promise<string>} a compact JWS
 */
export function mintProof(
  { userId, publicKey, key },
  audience,
  { ttl = 60, now = Date.now() / 1000, issuer = LOCAL_FIRST } = {},
) {
  const issuedAt = Math.floor(now);
  // The order of the members is part of the format: the same input gives the same bytes.
  return new SignJWT({
    iss: issuer,
    sub: userId,
    aud: normaliseAudience(audience),
    jazz_pub_key: publicKey,
    iat: issuedAt,
    exp: issuedAt + ttl,
  })
    .setProtectedHeader({ alg: "EdDSA", typ: "JWT" })
    .sign(key);
}

/** The form of an audience that the claim `aud` has: a UUID; names are mapped to one. */
export function normaliseAudience(audience) {
  if (BARE.test(audience)) {
    return audience.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }
  if (UUID.test(audience)) return audience.toLowerCase().match(HYPHENATED)[0];
  return v5(audience, v5.DNS);
}

async function digest(algorithm, bytes) {
  return new Uint8Array(await crypto.subtle.digest(algorithm, bytes));
}

function concat(first, second) {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
