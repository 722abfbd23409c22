// The page of operators: the table is there before scripts run; here it is counted again, and one operator shown whole.
import { html, nothing, render } from "lit-html";
import { columns, keyOf, messages, versionTakes } from "columns";
import { bind } from "form";
import { ALONE, NOTHING, TOGETHER, cellsOf, count, differ, operators, summary, telling, versionAt } from "optable";
import { go, hashOf } from "state";
import { RIGHT, percent, status, step } from "shown";

const SHOWN = 200;
/** Pixels of a row, about; and how many rows are written at once. */
const [ROW, ROWS] = [32, 30];

export async function start() {
  const [all, table] = await Promise.all([columns(), operators()]);
  const element = tableOf(document.querySelector("#operators"));
  const holder = document.querySelector("#operator");
  let asked = 0;
  bind(document.querySelector(".filters"), async state => {
    const own = ++asked;
    const place = table.names.indexOf(state.operator);
    document.querySelector("#all").hidden = place >= 0;
    if (place < 0) {
      show(element, all, table, state);
      performance.mark("shown");
      render(state.operator ? html`<p class="note">No file of this matrix has an operator ${state.operator}.</p>` : nothing, holder);
      return;
    }
    const said = await messages();
    if (own === asked) render(page(all, table, said, place, state), holder);
  });
  element.body.addEventListener("click", event => {
    const cell = event.target.closest("td");
    if (!cell || !cell.dataset.step) return;
    const { find, ...others } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    const { name } = element.rows[cell.parentElement.sectionRowIndex];
    go({ ...others, operator: name, target: all.about.targets[element.places[cell.cellIndex - 1]].name });
  });
}

/** Which files take part: those that tell of their operators what is asked for, and pass the filters. */
export function takesOf({ about, labels, opsets, files }, table, state, first) {
  const wanted = { "": [first], models: [TOGETHER], both: [ALONE, TOGETHER] }[state.cases ?? ""] ?? [first];
  const sources = about.sources.map(source => versionTakes(source, state));
  const ways = labels.map(l => (!state.precision || l.precision === state.precision) && (!state.shapes || l.dynamic === (state.shapes === "dynamic")));
  const versions = opsets.map(opset => !state.opset || String(opset ?? "") === state.opset);
  return Uint8Array.from(table.files.tells, (tells, file) => Number(wanted.includes(tells) && sources[files.source[file]] && ways[files.label[file]] && versions[files.opset[file]]));
}

/** The table's parts, found once. */
function tableOf(element) {
  const heads = [...element.tHead.rows[0].cells].slice(1);
  const rows = [...element.tBodies[0].rows].map(row => ({
    row, place: Number(row.dataset.operator), name: row.cells[0].textContent, link: row.cells[0].firstElementChild, cells: [...row.cells].slice(1), shown: undefined,
  }));
  return { table: element, first: Number(element.dataset.first), body: element.tBodies[0], heads, rows, places: heads.map(head => Number(head.dataset.target)) };
}

/** What each row of the table has of each target; counted anew only where other files take part. */
function summaries(element, all, table, state) {
  const key = hashOf(Object.fromEntries(["cases", "precision", "shapes", "opset", "versions"].map(name => [name, state[name]])));
  if (element.counted?.key !== key) {
    const numbers = count(all, table, takesOf(all, table, state, element.first));
    element.counted = { key, rows: element.rows.map(({ place }) => element.places.map(target => summary(all, table, numbers, place, target))) };
  }
  return element.counted.rows;
}

/** Whether each target takes part. */
const targetsOf = ({ about }, state) => about.targets.map(t => versionTakes(t, state, "target") && (!state.runtime || t.runtime === state.runtime));

function show(element, all, table, state) {
  const counted = summaries(element, all, table, state);
  const shown = targetsOf(all, state);
  const { find, operator, target, ...filters } = state;
  const words = find?.toLowerCase();
  const due = [];
  element.table.style.setProperty("--columns", shown.filter(Boolean).length + 1);
  element.heads.forEach((head, column) => { head.hidden = !shown[element.places[column]]; });
  for (const [nth, entry] of element.rows.entries()) {
    const { row, name, cells } = entry;
    const own = counted[nth].map((it, column) => (shown[element.places[column]] ? it : undefined));
    const met = own.filter(it => it?.run);
    const hidden = !met.length || Boolean(words && !name.toLowerCase().includes(words)) || (state.only === "differ" && !differ(met));
    if (row.hidden !== hidden) row.hidden = hidden;
    if (hidden) continue;
    due.push(() => {
      entry.link.href = hashOf({ ...filters, operator: name });
      cells.forEach((cell, column) => write(cell, own[column]));
    });
  }
  writeAll(element, due);
  const kind = { models: "the files that hold it beside others", both: "all files that hold it" }[state.cases]
    ?? (element.first === ALONE ? "its own cases" : "the files that hold it");
  document.querySelector("#told").textContent = `${due.length} operators. Share right of ${kind}. A click on an operator shows its opsets, what was said, and its cells.`;
}

/** Write the rows that are in sight now, and the others a few at a time: all at once would take longer than one waits. */
function writeAll(element, due) {
  clearTimeout(element.writing);
  const first = Math.max(0, Math.floor(element.body.closest(".scroll").scrollTop / ROW) - 2);
  for (const write of due.slice(first, first + ROWS)) write();
  const rest = [...due.slice(0, first), ...due.slice(first + ROWS)];
  const next = () => {
    for (const write of rest.splice(0, ROWS)) write();
    if (rest.length) element.writing = setTimeout(next);
  };
  element.writing = setTimeout(next, 100);
}

/** Show a share in a cell, if it is another than what stands there. */
function write(cell, it) {
  if (cell.hidden === (it !== undefined)) cell.hidden = it === undefined;
  if (!it) return;
  const told = it.run ? `${it.right}/${it.run}` : "";
  const small = cell.lastElementChild;
  if ((small?.textContent ?? "") !== told) {
    if (!told) { cell.textContent = "–"; delete cell.dataset.step; }
    else if (small) { cell.firstChild.data = percent(it.right / it.run); small.firstChild.data = told; }
    else { const added = document.createElement("small"); added.textContent = told; cell.replaceChildren(percent(it.right / it.run), added); }
    if (told) cell.dataset.step = step(it.right / it.run);
  }
  if (cell.title !== it.worst) cell.title = it.worst;
}

/** One operator: runtimes with both kinds of cases, by opset, with the worst that happened; and the cells behind. */
function page(all, table, said, place, state) {
  const name = table.names[place];
  const { operator, target, cell, ...filters } = state;
  const whole = { ...state, opset: "" };
  const takes = { alone: takesOf(all, table, { ...whole, cases: "" }, ALONE), together: takesOf(all, table, { ...whole, cases: "models" }) };
  const both = takesOf(all, table, { ...whole, cases: "both" });
  const counts = { alone: count(all, table, takes.alone), together: count(all, table, takes.together), both: count(all, table, both) };
  const of = (kind, target) => summary(all, table, counts[kind], place, target);
  const shown = targetsOf(all, state);
  const rows = all.about.targets.map((entry, t) => ({ entry, t, alone: of("alone", t), together: of("together", t), both: of("both", t) }))
    .filter(row => row.both.run && shown[row.t])
    .sort((a, b) => (b.alone.run ? b.alone.right / b.alone.run : -1) - (a.alone.run ? a.alone.right / a.alone.run : -1) || b.both.right / b.both.run - a.both.right / a.both.run);
  const places = cellsOf(all, table, both, place);
  const byOpset = opsetsOf(all, places);
  const versions = table.versions[place];
  const own = name.includes("::") ? nothing : html` <a href=${`https://onnx.ai/onnx/operators/onnx__${name}.html`}>What ONNX says of it</a>.`;
  const chosen = all.about.targets.findIndex(entry => entry.name === target);
  return html`
    <p class="path"><a href=${hashOf(filters)}>All operators</a></p>
    <h2>${name}</h2>
    <p>${versions.length ? html`ONNX defined it anew at opset ${versions.join(", ")}.${own}` : "It is not one of ONNX's own operators, or ONNX knows it no more."}
      ${filters.precision || filters.shapes ? html`<span class="soft">Counted: ${[filters.precision, filters.shapes].filter(Boolean).join(", ")} files.</span>` : nothing}</p>
    <div class="scroll" tabindex="0" role="region" aria-label=${`${name} by runtime and opset`}><table class="data opsets">
      <thead><tr><th scope="col">runtime</th><th scope="col" class="number">own cases</th><th scope="col" class="number">in models</th><th scope="col">worst</th>
        ${byOpset.opsets.map(opset => html`<th scope="col" class="number" title=${versions.length && opset ? `version ${versionAt(versions, opset)} of the operator` : nothing}>${opset ?? "none"}</th>`)}</tr></thead>
      <tbody>${rows.map(({ entry, t, alone, together, both: any }) => html`<tr>
        <th scope="row"><a href=${hashOf({ ...filters, operator, target: entry.name })}>${entry.runtime}</a><small class="mono">${entry.name}</small></th>
        ${shared(alone)}${shared(together)}<td>${worst(all, said, places, t, name, any)}</td>
        ${byOpset.opsets.map(opset => shared(byOpset.of(t, opset)))}</tr>`)}</tbody>
    </table></div>
    <p class="soft">Own cases hold this operator alone; in models it stands beside others, and what fails there may be one of those. The columns at the right are opsets of files, both together.
      ${state.versions || all.about.targets.every(entry => entry.usual) ? nothing : html`<a href=${hashOf({ ...state, versions: "all" })}>With other versions</a>`}</p>
    ${chosen >= 0 ? cellList(all, said, cellsOf(all, table, both, place, chosen), table, all.about.targets[chosen], name) : nothing}`;
}

const shared = ({ right, run }) => (run
  ? html`<td class="share number" data-step=${step(right / run)}>${percent(right / run)}<small>${right}/${run}</small></td>`
  : html`<td class="number soft">–</td>`);

/** The worst that happened on a target, with what was said, and a link to its cell. */
function worst(all, said, places, target, name, { right, run }) {
  if (right === run) return html`<span class="soft">all right</span>`;
  const own = places.filter(i => all.cells.target[i] === target);
  const i = telling(all, own, said, name);
  return html`<a class="to" href=${`cell.html${hashOf({ cell: keyOf(all, i) })}`}>${status(all.statuses[all.cells.status[i]])}</a><small class="quoted" title=${said.texts[said.of[i]]}>${said.texts[said.of[i]]}</small>`;
}

/** {opsets: those that these cells' files have, of(target, opset): {right, run}}. */
function opsetsOf({ cells, files, opsets, statuses }, places) {
  const right = statuses.map(name => RIGHT.includes(name));
  const found = new Map();
  const met = new Set();
  for (const i of places) {
    const opset = files.opset[cells.file[i]];
    met.add(opset);
    const key = `${cells.target[i]}/${opset}`;
    const it = found.get(key) ?? { right: 0, run: 0 };
    it.run++;
    it.right += Number(right[cells.status[i]]);
    found.set(key, it);
  }
  const ordered = [...met].sort((a, b) => a - b);
  return { opsets: ordered.map(place => opsets[place]), of: (target, opset) => found.get(`${target}/${opsets.indexOf(opset)}`) ?? { right: 0, run: 0 } };
}

function cellList(all, said, places, table, target, name) {
  const failed = places.filter(i => !RIGHT.includes(all.statuses[all.cells.status[i]]));
  const shown = (failed.length ? failed : places).slice(0, SHOWN);
  return html`<h3>${name} on ${target.runtime} <small class="mono">${target.name}</small></h3>
    <p>${failed.length ? `${failed.length} of ${places.length} cells are not right${failed.length > SHOWN ? `; the first ${SHOWN} are shown` : ""}.` : `All ${places.length} cells are right.`}</p>
    <div class="scroll" tabindex="0" role="region" aria-label=${`Cells of ${name} on ${target.name}`}><table class="data">
      <thead><tr><th scope="col">model</th><th scope="col">source</th><th scope="col">case</th><th scope="col">opset</th><th scope="col">status</th><th scope="col">message</th></tr></thead>
      <tbody>${shown.map(i => {
        const file = all.cells.file[i];
        return html`<tr><th scope="row"><a href=${`cell.html${hashOf({ cell: keyOf(all, i) })}`}>${all.about.models[all.files.model[file]].name}</a></th>
          <td class="mono">${all.about.sources[all.files.source[file]].name}</td><td>${table.files.tells[file] === ALONE ? "own" : table.files.tells[file] === NOTHING ? "" : "in models"}</td>
          <td class="number">${all.opsets[all.files.opset[file]] ?? "–"}</td>
          <td>${status(all.statuses[all.cells.status[i]])}</td><td class="message">${said.texts[said.of[i]]}</td></tr>`;
      })}</tbody></table></div>`;
}
