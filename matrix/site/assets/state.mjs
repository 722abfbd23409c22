// What is shown stands in the address, so that a view can be shared as a link: #source=…&target=…

/** The state that an address says: {name: value}. */
export function stateOf(hash) {
  return Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));
}

/** The address of a state; what is empty is left out. */
export function hashOf(state) {
  const told = Object.entries(state).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return `#${new URLSearchParams(told)}`.replaceAll("%2F", "/").replaceAll("%40", "@");
}

/** Call `show` with the state now, and again whenever the address changes. */
export function follow(show) {
  addEventListener("hashchange", () => show(stateOf(location.hash)));
  show(stateOf(location.hash));
}

/** Go to a state: a new entry of the history, or with `replace` in place of the present one. */
export function go(state, replace = false) {
  const hash = hashOf(state);
  if (hash === (location.hash || "#")) return;
  if (replace) { history.replaceState(null, "", hash); dispatchEvent(new HashChangeEvent("hashchange")); }
  else location.hash = hash;
}
