// From version to version: the cells of one tool, loaded when they are asked for.
import { html, nothing, render } from "lit-html";
import { load, unpack } from "data";
import { bind } from "form";
import { RIGHT, status } from "shown";
import { go, hashOf, stateOf } from "state";

const AT_ONCE = 300;

/** A data script of a history with its columns unpacked. */
async function opened(file) {
  const packed = await load(file);
  const [rows, of] = await Promise.all([
    Promise.all(Object.entries(packed.rows).map(async ([name, own]) => [name, await unpack(own)])),
    Promise.all(packed.of.map(unpack)),
  ]);
  return { ...packed, rows: Object.fromEntries(rows), of };
}

/** The places of the rows to show: those whose result changed from right to not right or back, or all; with these words in their names. */
export function chosen({ rows, names, of, statuses }, all, find = "") {
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  const right = statuses.map(name => RIGHT.includes(name));
  const absent = code => code >= statuses.length || statuses[code] === "NOT_RUN";  // our own trouble is no news about a tool
  const found = [];
  for (let place = 0; place < rows.model.length; place++) {
    const told = new Set(of.map(own => own[place]).filter(code => !absent(code)).map(code => right[code]));
    const text = () => `${names.other[rows.other[place]]} ${names.model[rows.model[place]]} ${names.label[rows.label[place]]}`.toLowerCase();
    if ((all || told.size > 1) && (words.length === 0 || words.every(word => text().includes(word)))) found.push(place);
  }
  return found;
}

/** The key of a row's cell at a point; of an export, where it has no other end. */
export function keyOf({ end, rows, names }, place, point) {
  const [other, model, label] = ["other", "model", "label"].map(name => names[name][rows[name][place]]);
  const [source, target] = end === "source" ? [point.name, other] : [other, point.name];
  return [source, model, label, ...(target ? [target] : [])].join("/");
}

export async function start() {
  let shown = 0;
  bind(document.querySelector("form.filters"), async state => {
    const turn = ++shown;
    for (const place of document.querySelectorAll(".cells")) {
      const mine = place.dataset.file === state.tool;
      if (!mine) render(nothing, place);
      else {
        const history = await opened(state.tool);
        if (turn === shown) render(view(history, state), place);
      }
    }
  });
}

function view(history, state) {
  const { points, names, rows, of, statuses, end } = history;
  const found = chosen(history, state.all, state.find);
  const set = (name, value) => go({ ...stateOf(location.hash), [name]: value }, true);
  const cell = (place, nth) => {
    const word = statuses[of[nth][place]];
    if (!word) return html`<span class="soft">–</span>`;
    const linked = points[nth].latest && names.other[rows.other[place]];
    return linked ? html`<a class="plain" href=${`cell.html${hashOf({ cell: keyOf(history, place, points[nth]) })}`}>${status(word)}</a>` : status(word);
  };
  const most = state.more ? Infinity : AT_ONCE;
  return html`<div class="filters">
      <label>model, variant or ${end === "source" ? "target" : "source"} has<input type="search" .value=${state.find ?? ""} @input=${event => set("find", event.target.value)}></label>
      <button type="button" aria-pressed=${state.all ? "true" : "false"} @click=${() => set("all", state.all ? "" : "1")}>Those that stayed the same, too</button>
    </div>
    <p class="soft" role="status">${found.length} of ${rows.model.length}</p>
    <div class="scroll" tabindex="0" role="region" aria-label="History of each cell"><table class="data">
    <thead><tr><th scope="col">model</th><th scope="col">variant</th><th scope="col">${end === "source" ? "target" : "source"}</th>
      ${points.map(point => html`<th scope="col">${point.version || "host"}${points.some(p => p.run !== point.run) ? html` <small>run ${point.run + 1}</small>` : nothing}</th>`)}</tr></thead>
    <tbody>${found.slice(0, most).map(place => html`<tr><th scope="row">${names.model[rows.model[place]]}</th><td>${names.label[rows.label[place]]}</td>
      <td>${names.other[rows.other[place]] || html`<em>the export</em>`}</td>${points.map((_, nth) => html`<td>${cell(place, nth)}</td>`)}</tr>`)}</tbody></table></div>
    ${found.length > most ? html`<p><button type="button" @click=${() => set("more", "1")}>Show all ${found.length}</button></p>` : nothing}`;
}
