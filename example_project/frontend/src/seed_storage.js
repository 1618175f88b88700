/** Where the seed is kept: `localStorage`, under the name and in the form that Jazz uses. */
import { base64url } from "jose";
import { SEED_LENGTH } from "./identity.js";

const NAME = "jazz-auth-secret";

export class SeedStorage {
  /** @param {string} appId apps on the same origin do not see each other's identity */
  constructor(appId) {
    this.name = `${NAME}:${encodeURIComponent(appId)}`;
  }

  /** The seed that is kept, or `null`. Something else under its name counts as none. */
  read() {
    try {
      const seed = base64url.decode(localStorage.getItem(this.name) ?? "");
      return seed.length === SEED_LENGTH ? seed : null;
    } catch {
      return null;
    }
  }

  /** Keep a seed, in place of the one before. */
  write(seed) {
    localStorage.setItem(this.name, base64url.encode(seed));
  }

  /** Remove it from this device. */
  forget() {
    localStorage.removeItem(this.name);
  }
}
