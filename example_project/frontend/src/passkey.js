/**
 * The seed in a passkey, as Jazz keeps it: a discoverable WebAuthn credential whose user handle is
 * the 32 bytes themselves. Nobody verifies the assertion, no server takes part: the passkey is a
 * place to keep the seed, guarded by the device's own lock.
 */
import { SEED_LENGTH } from "./identity.js";

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const FLAGS = 32; // where they stand in authenticator data: behind the SHA-256 of the RP id
const ES256 = -7;
const RS256 = -257;

/** Why a backup or a restoration did not work; `code` as in Jazz. */
export class PasskeyError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.name = "PasskeyError";
    this.code = code;
  }
}

/** Why passkeys cannot be used on this page, or `null` if they can. */
export function whyNoPasskeys({ hostname, protocol, port } = location) {
  if (/^[\d.]+$|:/.test(hostname)) {
    const address = `${protocol}//localhost${port ? `:${port}` : ""}/`;
    return `Passkeys belong to a name, and this page was opened by its number. Open ${address} to use one.`;
  }
  if (!globalThis.PublicKeyCredential) return "This browser has no passkeys.";
  return null;
}

/**
 * Keep a seed in a new passkey.
 *
 * @param {Uint8Array} seed 32 bytes
 * @param {string} label what the passkey is called where people choose one
 * @throws {PasskeyError} not-supported, create-failed
 */
export async function backUp(seed, label) {
  demandSupport();
  const publicKey = {
    challenge: random(),
    rp: { name: document.title, id: location.hostname },
    user: { id: seed, name: label, displayName: label },
    pubKeyCredParams: [ES256, RS256].map((alg) => ({ type: "public-key", alg })),
    authenticatorSelection: {
      authenticatorAttachment: "platform",
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    },
    extensions: { credentialProtectionPolicy: "userVerificationRequired" },
  };
  try {
    await navigator.credentials.create({ publicKey });
  } catch (cause) {
    throw new PasskeyError("create-failed", refusal(cause, "No passkey was made"), { cause });
  }
}

/**
 * The seed out of a passkey that its owner chooses.
 *
 * @returns {Promise<Uint8Array>} 32 bytes
 * @throws {PasskeyError} not-supported, get-failed, no-credential, verification-failed,
 *   invalid-credential
 */
export async function restore() {
  demandSupport();
  const publicKey = {
    challenge: random(),
    rpId: location.hostname,
    userVerification: "required",
  };
  let credential;
  try {
    credential = await navigator.credentials.get({ publicKey });
  } catch (cause) {
    throw new PasskeyError("get-failed", refusal(cause, "No passkey was read"), { cause });
  }
  if (!credential) throw new PasskeyError("no-credential", "No passkey was chosen.");
  const { authenticatorData, userHandle } = credential.response;
  const flags = new Uint8Array(authenticatorData)[FLAGS];
  if (!(flags & USER_PRESENT) || !(flags & USER_VERIFIED)) {
    throw new PasskeyError(
      "verification-failed",
      "The device did not check that it is you: no PIN, finger or face.",
    );
  }
  if (userHandle?.byteLength !== SEED_LENGTH) {
    throw new PasskeyError("invalid-credential", "This passkey holds no identity.");
  }
  return new Uint8Array(userHandle);
}

function demandSupport() {
  const reason = whyNoPasskeys();
  if (reason) throw new PasskeyError("not-supported", reason);
}

function random() {
  return crypto.getRandomValues(new Uint8Array(32));
}

function refusal(cause, what) {
  if (cause?.name === "NotAllowedError") {
    return `${what}: it was cancelled, timed out, or this device has none for this site.`;
  }
  return `${what}: ${cause?.message ?? cause}`;
}
