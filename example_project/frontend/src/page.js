/** The page: five steps, from a key on this device to the events in the log. */
import { byId, fill, make, toggle } from "./dom.js";
import { watchRequests } from "./ledger.js";
import { load, onChange } from "./state.js";
import { startAccountStep } from "./step_account.js";
import { startBackupStep } from "./step_backup.js";
import { startEventsStep } from "./step_events.js";
import { startIdentityStep } from "./step_identity.js";
import { startSessionStep } from "./step_session.js";
import { inPlainWords } from "./wording.js";

const SHOWN_REQUESTS = 8;

function showProgress({ identity, signedIn, backedUp }) {
  const safe = backedUp === identity?.userId;
  const states = {
    "step-identity": identity ? "done" : "current",
    "step-backup": !identity ? "waiting" : safe ? "done" : "current",
    "step-account": signedIn ? "done" : identity ? "current" : "open",
    "step-session": signedIn ? "done" : "waiting",
    "step-events": signedIn ? "current" : "waiting",
  };
  for (const [id, value] of Object.entries(states)) byId(id).dataset.state = value;
}

function showRequests(requests) {
  byId("ledger-list").replaceChildren(
    ...requests
      .slice(-SHOWN_REQUESTS)
      .reverse()
      .map(({ method, path, members }) =>
        make(
          "li",
          {},
          make("code", {}, `${method} ${path}`),
          make("span", {}, members.length ? `sent: ${members.join(", ")}` : "sent: nothing"),
        ),
      ),
  );
}

async function start() {
  watchRequests(showRequests);
  onChange(showProgress);
  for (const begin of [
    startIdentityStep,
    startBackupStep,
    startAccountStep,
    startSessionStep,
    startEventsStep,
  ]) {
    begin();
  }
  // Another tab made, restored or forgot the identity.
  addEventListener("storage", () => load().catch(report));
  try {
    if (!isSecureContext) throw new Error("Keys can be made over HTTPS, or on localhost, only.");
    await load();
  } catch (error) {
    report(error);
  }
  toggle("steps", true);
  byId("main").removeAttribute("aria-busy");
}

function report(error) {
  fill("page-error", inPlainWords(error).text);
}

start();
