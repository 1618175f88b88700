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
  await takeSeed(storage.read());
  changed();
  await reloadSession();
}

/** Use a seed from now on, and keep it on this device. */
export async function keepSeed(seed) {
  await takeSeed(seed);
  storage.write(seed);
  changed();
}

/** The identity was backed up. */
export function noteBackup() {
  state.backedUp = state.identity.userId;
  changed();
}

/** Remove the identity from this device. An account that it has stays as it is. */
export async function forgetSeed() {
  storage.forget();
  await takeSeed(null);
  changed();
}

/** Ask the server who is signed in. */
export async function reloadSession() {
  state.signedIn = await currentSession();
  changed();
}

async function takeSeed(seed) {
  const identity = seed && (await openIdentity(seed));
  Object.assign(state, { seed, identity });
}

function changed() {
  for (const listener of listeners) listener(state);
}
