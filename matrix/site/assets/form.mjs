// A page's filters: fields of a form, and buttons with a name and a value, kept the same as the address.
import { follow, go, stateOf } from "state";

/** The state with this value for this name; "" takes the name away. */
export function changed(state, name, value) {
  const { [name]: old, ...others } = state;
  return value === "" ? others : { ...others, [name]: value };
}

/**
 * Bind a form, and all button[aria-pressed][name] of the page, to the address; call show(state) now and after each change.
 * A button sets its name to its value; one that is pressed already takes it away. What is [data-scripted] shows only where scripts run, what is [data-plain] only where they do not.
 */
export function bind(form, show) {
  const buttons = [...document.querySelectorAll("button[aria-pressed][name]")];
  for (const field of form.elements) {
    if (!field.name) continue;
    field.addEventListener("input", () => go(changed(now(), field.name, field.value.trim()), field.type === "search"));
  }
  for (const button of buttons) {
    button.addEventListener("click", () => {
      const pressed = button.getAttribute("aria-pressed") === "true";
      go(changed(now(), button.name, pressed ? "" : button.value));
    });
  }
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", event => {
    event.preventDefault();
    const own = new Set([...form.elements, ...buttons].map(field => field.name));
    go(Object.fromEntries(Object.entries(now()).filter(([name]) => !own.has(name))));
  });
  for (const hidden of document.querySelectorAll("[data-scripted]")) hidden.hidden = false;
  for (const plain of document.querySelectorAll("[data-plain]")) plain.hidden = true;
  follow(state => {
    for (const field of form.elements) {
      if (field.name && (field.type !== "search" || document.activeElement !== field)) field.value = state[field.name] ?? "";
    }
    for (const button of buttons) button.setAttribute("aria-pressed", String((state[button.name] ?? "") === button.value));
    show(state);
  });
}

function now() {
  return stateOf(location.hash);
}
