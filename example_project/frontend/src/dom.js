/** Short ways to read and fill the page. Text goes in as text: there is no HTML in this code. */

export const byId = (id) => document.getElementById(id);

/** Show the first, or hide it. */
export function toggle(id, shown) {
  byId(id).hidden = !shown;
}

export function fill(id, text) {
  byId(id).textContent = text;
}

/** A new element: `make("li", { className: "word" }, "abandon")`. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A `<div>` of term and description, for a `<dl>`. */
export function entry(term, description, className = "") {
  return make("div", { className }, make("dt", {}, term), make("dd", {}, description));
}

/**
 * Run something when a button is pressed. The button waits meanwhile; an error is told beside it.
 *
 * @param {string} id of the button; `<id>-error`, where there is one, takes the error
 * @param {() => unknown} action
 * @param {(error: Error) => string} wording
 */
export function onPress(id, action, wording) {
  const button = byId(id);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    fillIfThere(`${id}-error`, "");
    await busy(button, async () => {
      try {
        await action();
      } catch (error) {
        fillIfThere(`${id}-error`, wording(error));
      }
    });
  });
}

/** Mark a button as at work; it keeps the focus, which a disabled one would lose. */
export async function busy(button, action) {
  button.setAttribute("aria-disabled", "true");
  try {
    return await action();
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** Copy text, and say so on the button for a moment. */
export function onCopy(id, textOf) {
  const button = byId(id);
  const label = button.textContent;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(textOf());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => (button.textContent = label), 1500);
  });
}

function fillIfThere(id, text) {
  const element = byId(id);
  if (element) element.textContent = text;
}
