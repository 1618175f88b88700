/** Forms: checked before they are sent, each error beside the field that caused it. */
import { busy, byId } from "./dom.js";
import { complaintAbout, inPlainWords } from "./wording.js";

/**
 * Handle a form whose fields have `<field id>-error` beside them, and the form `<form id>-error`.
 *
 * @param {string} id of the form
 * @param {(values: Record<string, string>) => Promise<void>} send
 */
export function onSubmit(id, send) {
  const form = byId(id);
  const fields = [...form.elements].filter((element) => element.name);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    if (button.getAttribute("aria-disabled") === "true") return;
    clearForm(id);
    const wrong = fields.filter((field) => say(field, complaintAbout(field)));
    if (wrong.length) {
      wrong[0].focus();
      return;
    }
    await busy(button, async () => {
      try {
        await send(Object.fromEntries(new FormData(form)));
      } catch (error) {
        tell(form, error);
      }
    });
  });
}

/** Take all errors away. */
export function clearForm(id) {
  const form = byId(id);
  for (const field of form.elements) {
    if (field.name) say(field, "");
  }
  byId(`${id}-error`).textContent = "";
}

function tell(form, error) {
  const { field: name, text } = inPlainWords(error);
  const field = name && form.elements.namedItem(name);
  if (field) {
    say(field, text);
    field.focus();
  } else {
    byId(`${form.id}-error`).textContent = text;
  }
}

function say(field, complaint) {
  byId(`${field.id}-error`).textContent = complaint;
  if (complaint) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
  return complaint !== "";
}
