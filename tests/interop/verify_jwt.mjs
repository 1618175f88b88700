// Verifies a JWT through a JWKS address: node verify_jwt.mjs <address> <token> <issuer> <audience>
import { createRemoteJWKSet, jwtVerify } from "jose";

const [address, token, issuer, audience] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(address));
const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer, audience });
console.log(JSON.stringify({ payload, protectedHeader }));
