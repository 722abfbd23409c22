// The cells of one source on one target: models × variants.
import { html, nothing, render } from "lit-html";
import { bind } from "form";
import { chips } from "chips";
import { load } from "data";
import { hashOf } from "state";
import { OUTSIDE, RIGHT, facts, percent, status } from "shown";

export async function start() {
  const about = await load("about");
  bind(document.querySelector(".filters"), state => show(about, state));
}

async function show(about, state) {
  const place = placeOf(about, state.source, state.target);
  const rows = place ? await load(`pairs/${place}`).then(rowsOf, () => []) : [];
  document.querySelector("#names").textContent = place ? `${state.source} → ${state.target}` : "There is no such source and target in this matrix";
  document.title = `${document.querySelector("#names").textContent} · ONNX interop matrix`;
  render(place ? versions(about, state) : nothing, document.querySelector("#versions"));
  chips(document.querySelector("#only"), about, ["model"], state);
  const models = new Map(about.models.map(model => [model.name, model]));
  render(table(kept(rows, models, state), rows.length, state), document.querySelector("#pair"));
}

/** "S-T", by which the cells of a source on a target are named; undefined where one is not known. */
export function placeOf(about, source, target) {
  const [s, t] = [about.sources.findIndex(e => e.name === source), about.targets.findIndex(e => e.name === target)];
  return s < 0 || t < 0 ? undefined : `${s}-${t}`;
}

/** The rows of what lies there in columns. */
export function rowsOf(chunk) {
  return chunk.model.map((_, i) => Object.fromEntries(Object.entries(chunk).map(([name, values]) => [name, values[i]])));
}

/** The rows that pass the filters of a state; `models` by name. */
export function kept(rows, models, state) {
  const [part, words] = [state.find?.toLowerCase(), state.words?.toLowerCase()];
  return rows.filter(row => {
    const own = models.get(row.model);
    return (!state.family || own?.group === state.family) && (!state.status || row.status === state.status)
      && (!state.blame || row.blame === state.blame) && (!state.opset || String(row.file_opset) === state.opset)
      && (!state.model || row.model === state.model)
      && (!part || `${row.model} ${own?.family ?? ""}`.toLowerCase().includes(part))
      && (!words || row.message.toLowerCase().includes(words));
  });
}

/** [what tools said, number] of rows that are not right, the most frequent first. */
export function reasons(rows) {
  const counts = new Map();
  for (const row of rows) {
    if (!RIGHT.includes(row.status) && row.message) counts.set(row.message, (counts.get(row.message) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}

function versions(about, state) {
  const [source, target] = [about.sources.find(e => e.name === state.source), about.targets.find(e => e.name === state.target)];
  const packages = entry => Object.entries(entry.packages).map(([name, version]) => `${name} ${version}`).join(", ");
  const canary = about.canaries[target.name];
  return html`${canary && !RIGHT.includes(canary.status) ? html`<p class="note">Not run, by our own trouble: ${canary.message}</p>` : nothing}
    ${facts([["Framework", source.framework], ["exported in", `${source.environment}: ${packages(source)}`],
      ["Runtime", target.runtime], ["run in", `${target.environment}: ${packages(target)}`]])}`;
}

function table(rows, all, state) {
  const run = rows.filter(row => !OUTSIDE.includes(row.status));
  const right = run.filter(row => RIGHT.includes(row.status)).length;
  const labels = [...new Set(rows.map(row => row.label))].sort((a, b) => (b === "static") - (a === "static") || a.localeCompare(b));
  const byModel = Map.groupBy ? Map.groupBy(rows, row => row.model) : grouped(rows);
  const told = reasons(rows);
  return html`
    <p class="lead" aria-live="polite">${run.length ? `${right} of ${run.length} files come out right: ${percent(right / run.length)} %.` : "No file was run."}
      ${rows.length < all ? html`<span class="soft">${rows.length} of ${all} cells pass the filters.</span>` : nothing}</p>
    ${rows.length ? html`<div class="scroll" tabindex="0" role="region" aria-label="Models by variant"><table class="data">
      <thead><tr><th scope="col">model</th>${labels.map(label => html`<th scope="col">${label}</th>`)}</tr></thead>
      <tbody>${[...byModel].map(([model, own]) => html`<tr><th scope="row">${model}</th>
        ${labels.map(label => html`<td>${own.filter(row => row.label === label).map(row => badge(row, state))}</td>`)}</tr>`)}</tbody>
    </table></div>` : nothing}
    ${told.length ? html`<h2>What was said</h2><div class="scroll" tabindex="0" role="region" aria-label="Messages"><table class="data">
      <thead><tr><th scope="col">message</th><th scope="col" class="number">cells</th></tr></thead>
      <tbody>${told.slice(0, 25).map(([message, number]) => html`<tr><td class="message">${message}</td><td class="number">${number}</td></tr>`)}</tbody>
    </table></div>${told.length > 25 ? html`<p class="soft">and ${told.length - 25} more.</p>` : nothing}` : nothing}`;
}

const badge = (row, state) => html`<a class="to" href=${`cell.html${hashOf({ cell: `${state.source}/${row.model}/${row.label}/${state.target}` })}`}
  title=${row.message || nothing}>${status(row.status)}</a>`;

function grouped(rows) {
  const found = new Map();
  for (const row of rows) found.set(row.model, [...(found.get(row.model) ?? []), row]);
  return found;
}
