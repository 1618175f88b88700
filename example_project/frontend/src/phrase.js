/**
 * The recovery phrase: a seed as 24 words (BIP 39, English list, no passphrase). The phrase *is*
 * the secret: it belongs on paper, and never on a server.
 */
import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { SEED_LENGTH } from "./identity.js";

export const PHRASE_LENGTH = 24;

const WORDS = new Set(wordlist);

/** Why a phrase was refused: `invalid-length`, `invalid-word` or `invalid-checksum`. */
export class PhraseError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "PhraseError";
    this.code = code;
    this.field = "phrase";
  }
}

/** The 24 words of a seed, joined by single spaces. */
export function phraseOf(seed) {
  if (!(seed instanceof Uint8Array) || seed.length !== SEED_LENGTH) {
    throw new PhraseError("invalid-secret", "A seed has 32 bytes");
  }
  return entropyToMnemonic(seed, wordlist);
}

/**
 * The seed behind a phrase.
 *
 * @param {string} text 24 words, in any case, with any white space around them
 * @returns {Uint8Array} 32 bytes
 * @throws {PhraseError} with the first of: wrong number of words, unknown word, wrong checksum
 */
export function seedOfPhrase(text) {
  if (typeof text !== "string") {
    throw new PhraseError("invalid-length", "A phrase is text");
  }
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length !== PHRASE_LENGTH) {
    const has = words.length === 1 ? "This is 1" : `These are ${words.length}`;
    throw new PhraseError("invalid-length", `A phrase has 24 words. ${has}.`);
  }
  const unknown = words.findIndex((word) => !WORDS.has(word));
  if (unknown !== -1) {
    throw new PhraseError(
      "invalid-word",
      `Word ${unknown + 1}, “${words[unknown].slice(0, 32)}”, is not in the list of words. ` +
        "Is it spelt right?",
    );
  }
  try {
    return mnemonicToEntropy(words.join(" "), wordlist);
  } catch {
    throw new PhraseError(
      "invalid-checksum",
      "These 24 words do not belong together. Is one wrong, or are two of them swapped?",
    );
  }
}
