/** What the page knows: the identity on this device, and who is signed in. */
import { currentSession } from "./api.js";
import { openIdentity } from "./identity.js";
import { SeedStorage } from "./seed_storage.js";

export const appId = document.querySelector("meta[name=app-id]").content;

const storage = new SeedStorage(appId);
const listeners = [];

/**
 * `seed` and `identity` are `null` without an identity, `signedIn` without a session. `backedUp` is
 * the id of an identity whose words were shown, or put into a passkey, since the page was opened.
 */
export const state = { seed: null, identity: null, signedIn: null, backedUp: null };

/** Call `listener` after every change. */
export function onChange(listener) {
  listeners.push(listener);
}

/** Read everything anew. */
export async function load() {
  const seed = storage.read();
  take(seed, seed && (await openIdentity(seed)));
  await reloadSession();
}

/** Use a seed from now on, and keep it on this device. */
export async function keepSeed(seed) {
  const identity = await openIdentity(seed);
  storage.write(seed);
  take(seed, identity);
}

/** The identity was backed up. */
export function noteBackup() {
  state.backedUp = state.identity.userId;
  changed();
}

/** Remove the identity from this device. An account that it has stays as it is. */
export function forgetSeed() {
  storage.forget();
  take(null, null);
}

/** Ask the server who is signed in. */
export async function reloadSession() {
  state.signedIn = await currentSession();
  changed();
}

function take(seed, identity) {
  Object.assign(state, { seed, identity });
  changed();
}

function changed() {
  for (const listener of listeners) listener(state);
}
