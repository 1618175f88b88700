/** Step 5: the user's own events: what lies in the database, beside what it says when opened. */
import { ownEvents, rename } from "./api.js";
import { byId, entry, fill, make, toggle } from "./dom.js";
import { onSubmit } from "./forms.js";
import { onChange, reloadSession } from "./state.js";
import { inPlainWords, timeText } from "./wording.js";

let asked = 0; // an earlier answer that comes late is not shown

const HEX_LINE = 32;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

export function startEventsStep() {
  onSubmit("rename", async ({ name }) => {
    await rename(name);
    await reloadSession();
  });
  onChange(show);
}

async function show({ signedIn }) {
  toggle("events-waiting", !signedIn);
  toggle("events-here", Boolean(signedIn));
  fill("events-error", "");
  const turn = ++asked;
  if (!signedIn) {
    byId("event-list").replaceChildren();
    return;
  }
  byId("rename-name").value = signedIn.user.name;
  try {
    const found = await ownEvents();
    if (turn === asked) showEvents(found);
  } catch (error) {
    if (turn === asked) fill("events-error", inPlainWords(error).text);
  }
}

function showEvents({ stream, total, events }) {
  fill("events-stream", stream);
  fill("events-total", total === 1 ? "1 event" : `${total} events`);
  byId("event-list").replaceChildren(
    ...events.map((event, place) => card(event, events[place + 1]?.opened ?? {})),
  );
}

function card(event, before) {
  return make(
    "li",
    { className: "event" },
    make(
      "h3",
      {},
      make("span", { className: `kind ${event.type}` }, event.type),
      ` version ${event.version} `,
      make("span", { className: "quiet" }, `position ${event.position} · ${timeText(event.recordedAt)}`),
    ),
    make("div", { className: "sides" }, sealed(event), opened(event, before)),
  );
}

function sealed({ ciphertext, keyId, digest }) {
  const side = make("div", { className: "side" }, make("h4", {}, "As it is stored"));
  if (!ciphertext) {
    side.append(make("p", { className: "quiet" }, "Compacted away."));
    return side;
  }
  const lines = ciphertext.hex.match(new RegExp(`.{1,${HEX_LINE}}`, "g")).join("\n");
  side.append(
    make("pre", { className: "hex" }, `${lines}…`),
    make(
      "dl",
      { className: "facts" },
      entry("Size", `${ciphertext.bytes} bytes`),
      entry("Data key", keyId),
      entry("Digest", `${digest.slice(0, 16)}…`),
    ),
  );
  return side;
}

function opened({ opened: state }, before) {
  const side = make("div", { className: "side" }, make("h4", {}, "Opened"));
  if (!state) {
    side.append(make("p", { className: "quiet" }, "Nothing: the account was deleted."));
    return side;
  }
  const names = Object.keys(state);
  const changed = names.filter((name) => differs(state[name], before[name]));
  const same = names.filter((name) => !changed.includes(name));
  side.append(make("dl", { className: "facts" }, ...rows(state, changed, "changed")));
  if (same.length) {
    side.append(
      make(
        "details",
        {},
        make("summary", {}, `${same.length} members as before, or empty`),
        make("dl", { className: "facts" }, ...rows(state, same, "")),
      ),
    );
  }
  return side;
}

const rows = (state, names, className) =>
  names.map((name) => entry(name, readable(state[name]), className));

/** What was not there before counts as empty. */
function differs(now, then) {
  const plain = (value) => JSON.stringify(isEmpty(value) ? null : value);
  return plain(now) !== plain(then);
}

function isEmpty(value) {
  return value === undefined || value === null || value === false || value.length === 0;
}

function readable(value) {
  if (isEmpty(value) && value !== false) return "–";
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "string" && ISO_TIME.test(value) ? timeText(value) : String(value);
}
