/** JWTs as another service would look at them: decoded, and verified with the published keys. */
import {
  base64url,
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  decodeProtectedHeader,
  jwtVerify,
} from "jose";
import { JWKS_ADDRESS } from "./api.js";
import { recordedFetch } from "./ledger.js";

const keys = createRemoteJWKSet(JWKS_ADDRESS, { [customFetch]: recordedFetch });

/** Header and claims, nothing verified. */
export function decoded(token) {
  return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
}

/**
 * Verify signature, issuer, audience and times.
 *
 * @throws {Error} jose's, with a `code`
 */
export function verified(token) {
  const { origin } = location;
  return jwtVerify(token, keys, { issuer: origin, audience: origin });
}

/** The token with another id in it, under the old signature, as a forger would try. */
export function forged(token) {
  const [header, , signature] = token.split(".");
  const claims = decodeJwt(token);
  const sub = (claims.sub[0] === "0" ? "1" : "0") + claims.sub.slice(1);
  return [header, base64url.encode(JSON.stringify({ ...claims, sub })), signature].join(".");
}
