// What changed: tabs of kinds, filters, groups.
import { html, nothing, render } from "lit-html";
import { load } from "data";
import { bind } from "form";
import { status } from "shown";
import { hashOf } from "state";

const AT_ONCE = 300;

/** The changes that a state lets through. */
export function filtered(rows, { part, source, target, find = "" }) {
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(row =>
    (!part || (part === "exports") === (row.target === "")) && (!source || row.source === source) && (!target || row.target === target) &&
    words.every(word => `${row.key} ${row.told}`.toLowerCase().includes(word)));
}

/** Changes in groups by "target", "source" or "model", the greatest first: [[name, rows], …]. An export's target is "exports". */
export function grouped(rows, by = "target") {
  const groups = Map.groupBy ? Map.groupBy(rows, row => row[by] || "exports") : new Map();
  if (!Map.groupBy) for (const row of rows) groups.set(row[by] || "exports", [...(groups.get(row[by] || "exports") ?? []), row]);
  return [...groups].sort((a, b) => b[1].length - a[1].length || a[0].localeCompare(b[0]));
}

const named = row => (row.target && row.now ? html`<a href=${`cell.html${hashOf({ cell: row.key })}`}>${row.key}</a>` : row.key);
const told = word => (word ? status(word) : html`<span class="soft">–</span>`);

const table = (name, rows) => html`<div class="scroll" tabindex="0" role="region" aria-label=${name}><table class="data">
  <thead><tr><th scope="col">cell or export</th><th scope="col">before</th><th scope="col">now</th><th scope="col">what changed</th></tr></thead>
  <tbody>${rows.map(row => html`<tr><th scope="row">${named(row)}</th><td>${told(row.was)}</td><td>${told(row.now)}</td><td class="told">${row.told}</td></tr>`)}</tbody>
</table></div>`;

export async function start() {
  const [place, form, changes] = [document.querySelector("#changes"), document.querySelector("form"), await load("diff")];
  let all = false, seen;
  bind(form, state => {
    if (seen !== location.hash) all = false;
    seen = location.hash;
    show(state);
  });
  function show(state) {
    const kind = Object.hasOwn(changes, state.kind ?? "") ? state.kind : place.dataset.first;
    const rows = filtered(changes[kind], state);
    let left = all ? Infinity : AT_ONCE;
    const groups = grouped(rows, state.group === "source" || state.group === "model" ? state.group : "target");
    render(html`
      <p class="soft" role="status">${rows.length === changes[kind].length ? `${rows.length} changes` : `${rows.length} of ${changes[kind].length} changes`}${
        changes[kind].length >= Number(place.dataset.most) ? ", the first of them: diff.json has all" : nothing}.</p>
      ${groups.map(([name, own]) => {
        const shown = own.slice(0, left);
        left -= shown.length;
        return shown.length ? html`<h2>${name} <small>${own.length}</small></h2>${table(name, shown)}` : nothing;
      })}
      ${!all && rows.length > AT_ONCE ? html`<p><button type="button" @click=${() => { all = true; show(state); }}>Show all ${rows.length}</button></p>` : nothing}`, place);
  }
}
