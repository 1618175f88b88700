/** Step 2: keep the identity safe: 24 words for paper, or a passkey. */
import { byId, fill, make, onCopy, onPress, toggle } from "./dom.js";
import { backUp, whyNoPasskeys } from "./passkey.js";
import { phraseOf } from "./phrase.js";
import { appId, noteBackup, onChange, state } from "./state.js";
import { inPlainWords } from "./wording.js";

let shownFor = null; // the id that the step is about

export function startBackupStep() {
  onPress("show-phrase", togglePhrase, plain);
  onCopy("copy-phrase", () => phraseOf(state.seed));
  onPress("make-passkey", makePasskey, plain);
  const reason = whyNoPasskeys();
  if (reason) {
    byId("make-passkey").disabled = true;
    fill("make-passkey-error", reason);
  }
  onChange(show);
}

async function makePasskey() {
  const { seed, identity } = state;
  await backUp(seed, `${appId} · ${identity.userId.slice(0, 8)}`);
  toggle("passkey-made", true);
  noteBackup();
}

function togglePhrase() {
  const shown = byId("phrase").hidden;
  reveal(shown);
  if (shown) noteBackup();
}

function show({ identity }) {
  toggle("backup-waiting", !identity);
  toggle("backup-here", Boolean(identity));
  const id = identity?.userId ?? null;
  if (id === shownFor) return;
  shownFor = id;
  reveal(false);
  toggle("passkey-made", false);
  if (!whyNoPasskeys()) fill("make-passkey-error", "");
}

/** The words are in the page only while they are shown. */
function reveal(shown) {
  const words = shown ? phraseOf(state.seed).split(" ") : [];
  byId("phrase-words").replaceChildren(...words.map((word) => make("li", {}, word)));
  toggle("phrase", shown);
  const button = byId("show-phrase");
  button.textContent = shown ? "Hide the 24 words" : "Show the 24 words";
  button.setAttribute("aria-expanded", String(shown));
}

const plain = (error) => inPlainWords(error).text;
