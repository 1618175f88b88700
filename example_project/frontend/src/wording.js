/** Errors in plain words, each with the field that it belongs beside. */

const KNOWN = {
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: {
    field: "email",
    text: "There is an account with this e-mail already. Sign in, or take another address.",
  },
  INVALID_EMAIL: { field: "email", text: "This is not an e-mail address." },
  PASSWORD_TOO_SHORT: { field: "password", text: "Too short: at least 8 characters." },
  PASSWORD_TOO_LONG: { field: "password", text: "Too long: at most 128 characters." },
  INVALID_EMAIL_OR_PASSWORD: {
    field: "password",
    text: "No account has this e-mail with this password.",
  },
  IDENTITY_ALREADY_REGISTERED: {
    text: "This identity has an account already. Choose “I have an account”, and sign in.",
  },
  PROOF_ALREADY_USED: {
    text: "This proof was used before; each works once. Try again: a new one will be made.",
  },
  PROOF_TOO_OLD: { text: "The proof is too old. Try again: a new one will be made." },
  PROOF_EXPIRED: { text: "The proof has run out. Is the clock of this device right?" },
  PROOF_FUTURE_IAT: { text: "The proof is from the future. Is the clock of this device right?" },
  UNAUTHORIZED: { text: "You are not signed in any more. Reload the page." },
  SEAL_BROKEN: { text: "Somebody changed what is stored about you; it does not open any more." },
};

/**
 * @param {Error & {code?: string}} error what was thrown
 * @returns {{field?: string, text: string}}
 */
export function inPlainWords(error) {
  if (error.name === "NotSupportedError") {
    return { text: "This browser cannot make Ed25519 keys. A newer version can." };
  }
  return KNOWN[error.code] ?? { field: error.field, text: error.message || String(error) };
}

/** What is wrong with the value of a field, before it is sent; "" if nothing is. */
export function complaintAbout(input) {
  const { validity } = input;
  if (validity.valueMissing || !input.value.trim()) return input.dataset.missing ?? "Needed.";
  if (validity.typeMismatch) return KNOWN.INVALID_EMAIL.text;
  if (validity.tooShort || input.value.length < input.minLength) {
    return KNOWN.PASSWORD_TOO_SHORT.text;
  }
  return "";
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** A time as its reader writes it. */
export const timeText = (time) => TIME.format(new Date(time));
