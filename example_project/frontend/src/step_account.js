/** Step 3: an account that keeps the id of the identity, by a proof; or sign in to one. */
import { signIn, signUp } from "./api.js";
import { byId, fill, toggle } from "./dom.js";
import { clearForm, onSubmit } from "./forms.js";
import { mintProof } from "./identity.js";
import { appId, onChange, reloadSession, state } from "./state.js";

export function startAccountStep() {
  onSubmit("sign-up", async (account) => {
    // Made for this one sign-up: it ends after a minute, and the server takes it once.
    await signUp(account, await mintProof(state.identity, appId));
    await entered("sign-up");
  });
  onSubmit("sign-in", async (credentials) => {
    await signIn(credentials);
    await entered("sign-in");
  });
  for (const choice of document.getElementsByName("account-choice")) {
    choice.addEventListener("change", () => show(state));
  }
  onChange(show);
}

async function entered(form) {
  byId(form).reset();
  await reloadSession();
  byId("session-heading").focus();
}

function show({ identity, signedIn }) {
  const wanted = document.querySelector("[name=account-choice]:checked").value;
  toggle("account-forms", !signedIn);
  toggle("account-here", Boolean(signedIn));
  toggle("sign-up", wanted === "sign-up" && Boolean(identity));
  toggle("sign-up-waiting", wanted === "sign-up" && !identity);
  toggle("sign-in", wanted === "sign-in");
  if (!signedIn) return;
  clearForm("sign-up");
  clearForm("sign-in");
  fill("account-name", signedIn.user.name);
  fill("account-email", signedIn.user.email);
  fill("account-id", signedIn.user.id);
  const same = identity?.userId === signedIn.user.id;
  toggle("account-same", same);
  toggle("account-other", Boolean(identity) && !same);
  toggle("account-alone", !identity);
}
