/** Step 1: make an identity, or restore one. */
import { byId, fill, onCopy, onPress, toggle } from "./dom.js";
import { clearForm, onSubmit } from "./forms.js";
import { generateSeed } from "./identity.js";
import { restore, whyNoPasskeys } from "./passkey.js";
import { seedOfPhrase } from "./phrase.js";
import { forgetSeed, keepSeed, onChange, state } from "./state.js";
import { inPlainWords } from "./wording.js";

export function startIdentityStep() {
  onPress("make-identity", () => taken(generateSeed()), plain);
  onPress("restore-passkey", async () => taken(await restore()), plain);
  onSubmit("restore-phrase", async ({ phrase }) => {
    await taken(seedOfPhrase(phrase));
    byId("restore-phrase").reset();
  });
  const reason = whyNoPasskeys();
  if (reason) {
    byId("restore-passkey").disabled = true;
    fill("restore-passkey-error", reason);
  }

  onCopy("copy-id", () => state.identity.userId);
  onPress("forget-identity", () => byId("forget-dialog").showModal(), plain);
  byId("forget-dialog").addEventListener("close", ({ target }) => {
    if (target.returnValue !== "forget") return;
    target.returnValue = "";
    forgetSeed();
    byId("make-identity").focus();
  });
  onChange(show);
}

async function taken(seed) {
  await keepSeed(seed);
  byId("identity-heading").focus();
}

function show({ identity }) {
  toggle("identity-none", !identity);
  toggle("identity-here", Boolean(identity));
  fill("identity-id", identity?.userId ?? "");
  fill("identity-key", identity?.publicKey ?? "");
  if (identity) clearForm("restore-phrase");
}

const plain = (error) => inPlainWords(error).text;
