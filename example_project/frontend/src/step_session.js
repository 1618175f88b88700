/** Step 4: the session, and a JWT that any other service can verify. */
import { freshToken, signOut } from "./api.js";
import { byId, entry, fill, make, onPress, toggle } from "./dom.js";
import { onChange, reloadSession, state } from "./state.js";
import { decoded, forged, verified } from "./tokens.js";
import { inPlainWords, timeText } from "./wording.js";

let shownFor = null; // the session whose JWT is shown
let token = null;

export function startSessionStep() {
  onPress("new-token", fetchToken, plain);
  onPress("forge-token", () => check(forged(token)), plain);
  onPress("sign-out", leave, plain);
  onChange(show);
}

async function leave() {
  await signOut();
  await reloadSession();
  byId("account-heading").focus();
}

function show({ signedIn }) {
  toggle("session-waiting", !signedIn);
  toggle("session-here", Boolean(signedIn));
  const session = signedIn?.session.id ?? null;
  if (signedIn) showSession(signedIn);
  if (session === shownFor) return;
  shownFor = session;
  token = null;
  for (const id of ["jwt-header", "jwt-claims", "jwt-error"]) fill(id, "");
  byId("jwt-checks").replaceChildren();
  if (session) fetchToken().catch((error) => fill("jwt-error", plain(error)));
}

function showSession({ user, session }) {
  byId("session-list").replaceChildren(
    entry("User id", user.id),
    entry("Signed in", timeText(session.createdAt)),
    entry("Ends", timeText(session.expiresAt)),
    entry("Kept in", "an HttpOnly cookie: this page's code cannot read it"),
  );
}

async function fetchToken() {
  fill("jwt-error", "");
  const session = shownFor;
  const fresh = await freshToken();
  if (session !== shownFor) return; // signed out meanwhile
  token = fresh;
  await check(token);
}

/** Show a token, and what came of verifying it. */
async function check(candidate) {
  const { header, claims } = decoded(candidate);
  fill("jwt-header", pretty(header));
  fill("jwt-claims", pretty(claims));
  const lines = [];
  try {
    const { payload, protectedHeader } = await verified(candidate);
    const own = payload.sub === state.identity?.userId;
    lines.push(
      [true, `Signature: ${protectedHeader.alg}, by the key ${protectedHeader.kid} of /api/auth/jwks`],
      [true, `Issuer and audience: ${payload.iss}`],
      [true, `Valid until ${timeText(payload.exp * 1000)}`],
      [own, own ? "sub is the id of your identity" : "sub is not the id of the identity here"],
    );
  } catch (error) {
    lines.push([false, `Refused: ${error.message} (${error.code ?? error.name})`]);
  }
  byId("jwt-checks").replaceChildren(
    ...lines.map(([good, text]) => make("li", { className: good ? "good" : "bad" }, text)),
  );
}

const pretty = (value) => JSON.stringify(value, null, 2);
const plain = (error) => inPlainWords(error).text;
