// The page of a cell: all that is known of it, and its neighbours.
import { html, nothing, render } from "lit-html";
import { columns, keyOf } from "columns";
import { load } from "data";
import { placeOf, rowsOf } from "pair";
import { follow, hashOf } from "state";
import { RIGHT, asPicture, bytes, facts, number, seconds, status } from "shown";

const MEASURED = ["set", "output", "status", "message", "max_abs", "max_rel", "rms", "cosine", "noise", "histogram"];

export function start() {
  const holder = document.querySelector("#cell");
  const own = { bins: JSON.parse(holder.dataset.bins), meanings: JSON.parse(holder.dataset.meanings), kib: holder.dataset.caseKib };
  follow(async state => {
    const found = await cellOf(state.cell ?? "");
    document.title = `${state.cell ?? "Cell"} · ONNX interop matrix`;
    render(found ? page(found, own) : missing(state.cell), holder);
  });
}

/** Source, model, label and target of a cell's key; a model's name may have slashes in it. */
export function partsOf(key) {
  const parts = key.split("/");
  return { source: parts[0], model: parts.slice(1, -2).join("/"), label: parts.at(-2), target: parts.at(-1) };
}

async function cellOf(key) {
  const [about, { source, model, label, target }] = [await load("about"), partsOf(key)];
  const place = placeOf(about, source, target);
  if (!place) return undefined;
  const rows = await load(`pairs/${place}`).then(rowsOf, () => []);
  const row = rows.find(r => r.model === model && r.label === label);
  if (!row) return undefined;
  const [made, exports, all] = await Promise.all([load("environments"), load(`exports/${place.split("-")[0]}`), columns()]);
  const logs = made.logs ? await load(`logs/${place}`) : {};
  const causes = row.status === "WRONG" ? ((await load(`causes/${place}`))[`${model}/${label}`] ?? []) : [];
  const file = exports.find(e => e.model === model && e.label === label) ?? {};
  const entry = { source: about.sources.find(e => e.name === source), target: about.targets.find(e => e.name === target) };
  const log = logs[`${model}/${label}`] ?? (row.status === "NOT_EXPORTED" ? file.log : undefined);
  return { key, source, model, label, target, row, file, entry, made, log, causes, near: neighbours(all, { source, model, label, target }) };
}

/** What lies beside a cell: [what, [[key, name, status], …]], the name being what is different. */
export function neighbours(all, { source, model, label, target }) {
  const { about, files, cells, labels, statuses } = all;
  const place = { source: about.sources.findIndex(e => e.name === source), model: about.models.findIndex(e => e.name === model),
    label: labels.findIndex(e => e.name === label), target: about.targets.findIndex(e => e.name === target) };
  const bare = name => name.split("@")[0];
  const kinds = { targets: [], versions: [], labels: [], sources: [] };
  for (let i = 0; i < cells.file.length; i++) {
    const file = cells.file[i];
    if (files.model[file] !== place.model) continue;
    const same = { source: files.source[file] === place.source, label: files.label[file] === place.label, target: cells.target[i] === place.target };
    const differing = Object.entries(same).filter(([, is]) => !is).map(([name]) => name);
    if (differing.length !== 1) continue;
    const told = name => [keyOf(all, i), name, statuses[cells.status[i]]];
    if (!same.source) kinds.sources.push(told(about.sources[files.source[file]].name));
    else if (!same.label) kinds.labels.push(told(labels[files.label[file]].name));
    else {
      const name = about.targets[cells.target[i]].name;
      kinds[bare(name) === bare(target) ? "versions" : "targets"].push(told(name));
    }
  }
  const heads = { versions: "The same file on other versions of this target", targets: "The same file on other targets",
    labels: "This model and target: other variants and opsets", sources: "The same model from other sources, on this target" };
  return Object.entries(heads).map(([kind, head]) => [head, kinds[kind].sort(([, a], [, b]) => a.localeCompare(b))]);
}

/** For each output, its counts of errors summed over the input sets: [[output, counts], …]. */
export function histograms(measures) {
  const found = new Map();
  for (const { output, histogram } of measures) {
    if (histogram) found.set(output, histogram.map((n, i) => n + (found.get(output)?.[i] ?? 0)));
  }
  return [...found];
}

const missing = key => html`<p class="path"><a href="index.html">Overview</a></p><h1>There is no such cell in this matrix</h1><p class="mono">${key}</p>`;

function page({ key, source, model, label, target, row, file, entry, made, log, causes, near }, { bins, meanings, kib }) {
  const measures = (row.measures ?? []).map(values => Object.fromEntries(MEASURED.map((name, i) => [name, values[i]])));
  const environments = [["exported in", entry.source, file.environment], ["run in", entry.target, row.environment]];
  const command = file.command?.replace(/''$/, target);
  const expected = { known: "a known failure", new: "a failure that was not expected", "unexpected pass": "a failure was expected" };
  return html`
    <p class="path"><a href="index.html">Overview</a> › <a href=${`pair.html${hashOf({ source, target })}`}>${source} → ${target}</a></p>
    <h1>${model}, ${label}</h1>
    <p class="lead">${entry.source.framework} → ${entry.target.runtime}</p>
    <p class="verdict">${status(row.status)} <span class="soft">${meanings[row.status] ?? ""}</span></p>
    ${row.message || file.message ? html`<pre class="said">${row.message || file.message}</pre>` : nothing}
    ${causes.length ? html`<h2>Why it is wrong</h2><ul>${causes.map(([what, fault, script]) =>
      html`<li>${what} <span class="soft">(${fault}${script ? html`; shown without the suite by <code>docs/findings/${script}</code>` : nothing})</span></li>`)}</ul><p class="soft"><a href="wrong.html">All that is wrong</a></p>` : nothing}
    ${facts([["Stage", row.stage], ["Blame", row.blame], ["Expected", expected[row.expected]], ["Noise", row.noise === null ? "" : `${number(row.noise)} × rounding`],
      ["Load", row.load_seconds === null ? "" : seconds(row.load_seconds)], ["Run", row.run_seconds === null ? "" : seconds(row.run_seconds)],
      ["Memory", row.peak_mb === null ? "" : `${row.peak_mb} MB`], ["Other numbers on a repeat", row.spread ? `by up to ${number(row.spread)}` : ""],
      ["File", file.bytes ? `${bytes(file.bytes)}, opset ${file.emitted_opset}` : ""], ["Export", file.status && html`${status(file.status)} at ${file.stage}, ${seconds(file.seconds)}`],
      ["Fence", row.fence], ["Device", row.device]])}
    <h2>To run it again</h2>
    <pre class="command">${command}</pre>
    ${navigator.clipboard ? html`<button type="button" class="copy" @click=${event => copied(event, command)}>Copy</button>` : nothing}
    ${file.case ? html`<p><a href=${file.case} download>Download the case</a>: model.onnx and its test data, laid out as ONNX's own.</p>`
      : RIGHT.includes(row.status) || row.status === "NOT_EXPORTED" ? nothing
        : html`<p class="soft">The case is not published here: cases of more than ${kib} KiB are not, and those of a run whose work folder is elsewhere. The command makes it.</p>`}
    ${measures.length ? measured(measures, bins) : nothing}
    ${log ? html`<h2>End of the log</h2><pre class="log" tabindex="0">${log}</pre>` : nothing}
    <h2>Where it was made</h2>
    ${environments.map(([what, own, digest]) => environment(what, own, made.environments[digest]))}
    ${run(row, made.runs[row.run] ?? {})}
    ${file.operators?.length ? html`<h3>Operators of the file</h3><p>${file.operators.join(", ")}</p>` : nothing}
    <h2>Neighbours</h2>
    ${near.map(([head, cells]) => (cells.length ? html`<h3>${head}</h3><ul class="near">${cells.map(([other, name, its]) =>
      html`<li><a href=${`cell.html${hashOf({ cell: other })}`}>${name}</a> ${status(its)}</li>`)}</ul>` : nothing))}
    <p class="soft">Its key: <code>${key}</code></p>`;
}

async function copied(event, text) {
  const button = event.currentTarget;
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
}

function measured(measures, bins) {
  const charts = histograms(measures).slice(0, 12);
  const heads = [["input set", ""], ["output", ""], ["status", ""], ["max abs", "number"], ["max rel", "number"], ["rms", "number"], ["cosine", "number"], ["noise", "number"], ["remark", ""]];
  return html`<h2>Outputs</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Measures of each output"><table class="data">
      <thead><tr>${heads.map(([head, kind]) => html`<th scope="col" class=${kind}>${head}</th>`)}</tr></thead>
      <tbody>${measures.map(m => html`<tr><td class="number">${m.set}</td><th scope="row">${m.output}</th><td>${status(m.status)}</td>
        ${["max_abs", "max_rel", "rms", "cosine", "noise"].map(name => html`<td class="number">${number(m[name])}</td>`)}<td class="message">${m.message}</td></tr>`)}</tbody>
    </table></div>
    <p class="soft">Errors are against the truth in float64. Noise is the greatest one in units of the rounding that the framework's own run shows.</p>
    ${charts.length ? html`<h3>Errors by size</h3>
      <p class="soft">How many values of an output have an error from that size on, in parts of the output's greatest magnitude; “none” are exact. All input sets together.</p>
      <div class="charts">${charts.map(([output, counts]) => histogram(output, counts, bins))}</div>` : nothing}`;
}

function histogram(output, counts, bins) {
  const data = bins.map((bin, i) => ({ bin, values: counts[i] ?? 0 }));
  const chart = globalThis.Plot.plot({
    width: 520, height: 170, marginBottom: 40, marginLeft: 55, ariaLabel: `Errors of ${output} by size`,
    style: { background: "none", color: "inherit", fontSize: "11px" },
    x: { domain: bins, label: null, tickRotate: -35, tickSize: 0 },
    y: { label: "values", grid: true, ticks: 4, tickFormat: "~s" },
    marks: [
      globalThis.Plot.barY(data, { x: "bin", y: "values", fill: "var(--accent)" }),
      globalThis.Plot.text(data.filter(d => d.values), { x: "bin", y: "values", text: d => String(d.values), dy: -6, fill: "currentColor" }),
      globalThis.Plot.ruleY([0]),
    ],
  });
  return html`<figure><figcaption>${output}</figcaption>${asPicture(chart)}</figure>`;
}

function environment(what, own, made) {
  const versions = packages => Object.entries(packages ?? {}).map(([name, version]) => `${name} ${version}`).join(", ");
  return html`<h3>${what} ${own.environment}</h3>
    <p>${versions(own.packages) || "no versions were kept"}${made?.python ? `; Python ${made.python}` : ""}${made?.cpu ? html`. <span class="soft">${made.cpu}, ${made.platform}</span>` : nothing}</p>
    ${made?.packages ? html`<details><summary>All ${Object.keys(made.packages).length} packages</summary><p class="mono">${versions(made.packages)}</p></details>` : nothing}`;
}

function run(row, { commit, suite, cpu, platform, python, ...others }) {
  return facts([["Run", row.run], ["Suite", suite && `${suite}${commit ? `, commit ${commit}` : ""}`], ["Machine", cpu && `${cpu}, ${platform}`],
    ["Python of the host", python], ["Workers", others.workers], ["Limits", others.limits && `${others.limits.seconds} s, ${others.limits.memory_mb} MB`]]);
}
