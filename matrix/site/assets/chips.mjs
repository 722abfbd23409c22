// What a link has narrowed the page to, a source, a model or a target by its name: said in words, each with a way to clear it.
import { html, nothing, render } from "lit-html";
import { go, stateOf } from "state";

/** Say of these names of the state (of "source", "model", "target") what they narrow the page to. */
export function chips(place, about, names, state) {
  const told = names.filter(name => state[name]);
  render(told.length ? html`Only ${told.map(name => html`<span class="chip"><span>the ${name} <b>${state[name]}</b>${about[`${name}s`].some(own => own.name === state[name]) ? nothing : ", which this matrix does not have"}</span>
    <button type="button" aria-label=${`Clear the ${name}`} @click=${() => clear(place, name)}>×</button></span>`)}` : nothing, place);
}

/** The button goes with what it clears, so the keyboard stays at the line. */
function clear(place, name) {
  const { [name]: gone, ...others } = stateOf(location.hash);
  go(others);
  place.focus();
}
