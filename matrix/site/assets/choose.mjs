// The page that helps to choose: a form, or a dropped file, becomes a ranking with its reasons.
import { html, nothing, render } from "lit-html";
import { columns } from "columns";
import { load } from "data";
import { changed, bind } from "form";
import { asked, lacks, matching, ranking } from "match";
import { NotOnnx, readModel } from "onnx";
import { NOTHING, operators } from "optable";
import { go, hashOf, stateOf } from "state";
import { bytes, number, percent, status } from "shown";

const TOLD_RISKS = 6;
/** A runtime that was given less than this part of the files is told from the others. */
const FEW = 0.9;
const OF_FILE = ["ops", "opset"];
const PROMPT = html`<p class="soft">No file yet.</p>`;

export async function start() {
  const [all, table, offers] = await Promise.all([columns(), operators(), load("choose")]);
  // Other versions than the usual ones were given few files: neither these nor their own files are counted here.
  table.files.tells = table.files.tells.map((tells, file) => (all.about.sources[all.files.source[file]].usual ? tells : NOTHING));
  const form = document.querySelector(".wants");
  const page = { all, table, offers, form, file: undefined, mine: document.querySelector("#mine"), ranking: document.querySelector("#ranking") };
  page.ranking.replaceChildren();
  bindFile(page);
  for (const box of form.querySelectorAll("[data-kind], [data-model]")) {
    box.addEventListener("change", () => {
      const [name, value] = box.dataset.kind === undefined ? ["models", box.dataset.model] : ["kinds", box.dataset.kind];
      const list = listOf(now()[name]);
      go(changed(now(), name, (box.checked ? [...list, value] : list.filter(other => other !== value)).join(",")));
    });
  }
  form.addEventListener("reset", () => { page.file = undefined; go({}); });
  bind(form, state => show(page, state));
}

const now = () => stateOf(location.hash);
const listOf = text => (text ? text.split(",") : []);

// -- the reader's file ---------------------------------------------------------------------------------------------

function bindFile(page) {
  const [drop, field] = [document.querySelector("#drop"), document.querySelector("#file")];
  field.addEventListener("change", () => { if (field.files.length) take(page, field.files[0]); });
  for (const event of ["dragover", "drop"]) {
    document.addEventListener(event, dragged => {
      dragged.preventDefault();
      drop.classList.toggle("over", event === "dragover");
      if (event === "drop" && dragged.dataTransfer.files.length) take(page, dragged.dataTransfer.files[0]);
    });
  }
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
}

/** Read a file and put what it asks for into the address. */
async function take(page, file) {
  render(html`<p class="soft">Reading ${file.name} …</p>`, page.mine);
  try {
    const model = await readModel(file);
    page.file = { name: file.name, size: file.size, model };
    const wanted = asked(model);
    const offered = [...page.form.elements.precision.options].map(option => option.value);
    const { ops, opset, ...others } = now();
    go({ ...others, ...wanted, precision: offered.includes(wanted.precision) ? wanted.precision : "" });
    show(page, now());
  } catch (error) {
    page.file = undefined;
    const told = error instanceof NotOnnx ? error.message : `It cannot be read: ${error.message}`;
    render(html`<p class="note" role="alert"><b>${file.name}</b>: ${told}</p>`, page.mine);
  }
}

function forget(page) {
  page.file = undefined;
  document.querySelector("#file").value = "";
  go(Object.fromEntries(Object.entries(now()).filter(([name]) => !OF_FILE.includes(name))));
}

/** What is known of the reader's file: all of it, or, from a link, what stands in the address. */
function mine(page, state) {
  const names = listOf(state.ops);
  if (!names.length) return PROMPT;
  const { file } = page;
  const own = file && asked(file.model).ops === state.ops ? file : undefined;
  const counts = own ? own.model.operators : Object.fromEntries(names.map(name => [name, 0]));
  const inputs = own?.model.inputs.map(input => `${input.name}: ${input.dtype || "no tensor"}${input.shape ? ` [${input.shape.map(size => size ?? "?").join(", ")}]` : ""}`);
  const weights = own?.model.weights;
  return html`<p>${own ? html`<b>${own.name}</b>, ${bytes(own.size)}${own.model.producer ? `, by ${own.model.producer}` : ""}: ` : "A file, from the address: "}
      ${names.length} operators${state.opset ? `, opset ${state.opset}` : ""}${weights?.number ? `, ${weights.number} constant tensors (${Object.keys(weights.dtypes).join(", ").toLowerCase()}${weights.external ? ", partly in other files" : ""})` : ""}.
      <button type="button" @click=${() => forget(page)}>Forget it</button></p>
    ${inputs?.length ? html`<p class="mono">${inputs.slice(0, 8).join("; ")}${inputs.length > 8 ? "; …" : ""}</p>` : nothing}
    <details><summary>Its operators</summary><p class="operators">${Object.entries(counts).map(([name, nodes]) => html`<a href=${`operators.html${hashOf({ operator: name })}`}>${name}</a>${nodes > 1 ? html`<small>×${nodes}</small>` : nothing} `)}</p></details>`;
}

// -- the ranking ---------------------------------------------------------------------------------------------------

function show(page, state) {
  const { all, table, offers, form } = page;
  const wanted = { ...state, ops: listOf(state.ops), kinds: listOf(state.kinds), models: listOf(state.models) };
  for (const box of form.querySelectorAll("[data-kind]")) box.checked = wanted.kinds.includes(box.dataset.kind);
  for (const box of form.querySelectorAll("[data-model]")) box.checked = wanted.models.includes(box.dataset.model);
  const chosen = [...wanted.kinds.map(kind => kind.split("/")[1]), ...wanted.models];
  document.querySelector("#kinds-told").textContent = chosen.length ? chosen.slice(0, 6).join(", ") + (chosen.length > 6 ? " …" : "") : "any";
  render(mine(page, state), page.mine);
  const found = matching(all, table, wanted);
  const rows = ranking(all, table, wanted, found.takes).map(row => ({
    ...row, entry: all.about.targets[row.target], facts: offers.facts[row.target], load: offers.load[row.target], lacking: lacks(offers.facts[row.target], state),
  })).filter(row => row.entry.usual);
  const met = new Set(rows.map(row => row.target));
  const spared = found.number ? all.about.targets.filter((entry, target) => entry.usual && !met.has(target)).map(entry => entry.name) : [];
  const needs = ["language", "platform", "licence"].some(need => state[need]);
  const fit = rows.filter(row => !needs || row.lacking?.length === 0);
  const left = rows.filter(row => !fit.includes(row));
  render(answer(page, state, wanted, found, fit, left, spared), page.ranking);
}

function answer({ all, table, offers }, state, wanted, found, fit, left, spared) {
  const unknown = wanted.ops.filter(name => !table.names.includes(name));
  return html`<h2>${found.number ? `${fit.length} runtimes, by ${wishes(state).length ? `${found.number} ${found.number === 1 ? "file" : "files"} like yours` : `all ${found.number} files`}` : "No file of this matrix is like that"}</h2>
    ${found.number ? nothing : html`<p>Leave out one of the wishes: ${wishes(state).join(", ") || "none is said"}.</p>`}
    ${found.relaxed ? html`<p class="note">Too few files have these operators in the versions of opset ${state.opset}: files of other opsets are among those counted here.</p>` : nothing}
    ${found.without.length ? html`<p class="note">Too few files have only these operators and are ${found.without.map(name => state[name]).join(" and ")} too: ${found.without.join(" and ")} of the files counted here may differ.</p>` : nothing}
    ${found.cases && found.number ? html`<p class="note">No layer or network is like that; ONNX's own cases of these operators are counted.</p>` : nothing}
    ${unknown.length ? html`<p class="note">No file of this matrix has ${unknown.join(", ")}: of ${unknown.length > 1 ? "these" : "this"} nothing is known.</p>` : nothing}
    <ol class="ranking">${fit.map(row => html`<li>${entry(all, row, wanted, offers, state, found.number)}</li>`)}</ol>
    ${left.length ? html`<h3>Left out, as they do not offer what you need</h3><ul>${left.map(row => html`<li>${row.entry.runtime} <small class="mono">${row.entry.name}</small>:
      ${row.lacking ? row.lacking.map(([need, value]) => `no ${need === "licence" ? "licence " : ""}${value}`).join(", ") : "nothing is known of it"}; ${percent(row.right / row.run)} % right</li>`)}</ul>` : nothing}
    ${spared.length ? html`<p class="soft">Run on none of these files: ${spared.join(", ")}.</p>` : nothing}`;
}

const wishes = state => ["framework", "kinds", "models", "ops", "shapes", "precision"].filter(name => state[name]).map(name => (name === "ops" ? "the file" : name));

function entry(all, row, wanted, offers, state, files) {
  const { right, run, low, high, pass, sources } = row;
  const own = { target: row.entry.name };
  const bad = row.operators.filter(it => it.verdict === "never");
  const partly = row.operators.filter(it => it.verdict === "some").sort((a, b) => a.own.right / a.own.run - b.own.right / b.own.run || b.own.run - a.own.run);
  const unknown = wanted.ops.length ? row.operators.filter(it => it.verdict === "unknown") : [];
  const bySource = sources.length > 1 && wanted.framework ? sources : [];
  const risk = it => html`<li><a href=${`operators.html${hashOf({ operator: it.name, ...own })}`}>${it.name}</a> ${evidence(it)}</li>`;
  return html`<div class="place">
      <h3>${row.entry.runtime} <small class="mono">${row.entry.name}</small></h3>
      <p class="interval" title=${`95 % interval: ${Math.round(100 * low)}–${Math.round(100 * high)} %`}><span class="track" aria-hidden="true"><span class="reach" style=${`left:${100 * low}%;width:${100 * (high - low)}%`}></span><span class="dot" style=${`left:${(100 * right) / run}%`}></span></span>
        <b>${percent(right / run)} %</b> right <span class="soft">${right}/${run}, 95 %: ${Math.round(100 * low)}–${Math.round(100 * high)} %</span></p>
      <ul class="reasons">
        ${run < FEW * files ? html`<li class="danger">run on ${run} of these ${files} files only</li>` : nothing}
        ${right ? html`<li>${percent(pass / right)} % of them exact within rounding</li>` : nothing}
        ${row.load && row.entry.name !== offers.reference ? html`<li>loads in ${number(row.load.times)} × the time of ${all.about.targets.find(other => other.name === offers.reference)?.runtime} <span class="soft">(${row.load.of} files)</span></li>` : nothing}
        ${row.entry.name === offers.reference ? html`<li>the others' time to load is measured against this one</li>` : nothing}
        ${bySource.map(it => html`<li><a href=${`pair.html${hashOf({ source: all.about.sources[it.source].name, ...own })}`}>${all.about.sources[it.source].name}</a> ${it.right}/${it.run}</li>`)}
        <li><a href=${`index.html${hashOf({ ...own, framework: state.framework })}`}>its cells</a></li>
        ${row.facts ? html`<li class="soft">${row.facts.languages.join(", ")} · ${row.facts.platforms.join(", ")} · ${row.facts.licence}</li>` : nothing}
      </ul></div>
    <div class="risks">
      ${bad.length ? html`<p class="danger">${wanted.ops.length ? "Will most likely fail" : "Never right"}: ${plural(bad.length)} failed every time</p><ul>${bad.slice(0, TOLD_RISKS).map(risk)}</ul>
        ${bad.length > TOLD_RISKS ? html`<details><summary>${bad.length - TOLD_RISKS} more</summary><ul>${bad.slice(TOLD_RISKS).map(risk)}</ul></details>` : nothing}` : nothing}
      ${unknown.length ? html`<p class="soft">Not known here: ${unknown.map(it => it.name).slice(0, 12).join(", ")}${unknown.length > 12 ? " …" : ""}</p>` : nothing}
      ${partly.length ? html`<details><summary>${plural(partly.length)} right in some cases only: ${partly.slice(0, 3).map(it => it.name).join(", ")}${partly.length > 3 ? " …" : ""}</summary><ul>${partly.map(risk)}</ul></details>` : nothing}
      ${bad.length + unknown.length + partly.length ? nothing : html`<p class="soft">No operator of these failed in its own cases.</p>`}
    </div>`;
}

const plural = count => (count === 1 ? "one operator" : `${count} operators`);

/** What was seen of an operator: its own cases, and like files. */
function evidence({ own, like, all, other }) {
  const worst = own.run ? own.worst : like.run ? like.worst : all.worst;
  const told = [
    own.run && `${own.right}/${own.run} own cases right${other ? " (of other versions)" : ""}`,
    like.run && `${like.right}/${like.run} files like yours`,
    !own.run && !like.run && all.run && `${all.right}/${all.run} of all files`,
  ].filter(Boolean);
  return html`${status(worst)} <span class="soft">${told.join(", ")}</span>`;
}
