/** What has left this device: every request of this page goes through `recordedFetch`. */

const requests = [];
const listeners = new Set();

/** As `fetch`; notes method, path and the names of what is sent. Never a value. */
export async function recordedFetch(address, options = {}) {
  const { method = "GET", body } = options;
  const { pathname } = new URL(address, location.href);
  requests.push({ method, path: pathname, members: namesIn(body) });
  for (const listener of listeners) listener(requests);
  return fetch(address, options);
}

/** Call `listener` with all requests so far, after each. */
export function watchRequests(listener) {
  listeners.add(listener);
}

function namesIn(body) {
  if (typeof body !== "string") return [];
  try {
    return Object.keys(JSON.parse(body) ?? {});
  } catch {
    return ["(text)"];
  }
}
