// The first page: what the table shows without scripts is counted again by family and filters, in place.
import { bind } from "form";
import { chips } from "chips";
import { columns, messages, versionTakes } from "columns";
import { hashOf } from "state";
import { OUTSIDE, RIGHT, percent, step } from "shown";

const COUNTING = ["status", "blame", "words"];
const ONLY = ["source", "model", "target"];

export async function start() {
  const all = await columns();
  const table = tableOf(document.querySelector("#heat"));
  document.querySelector(".filtering").open = matchMedia("(min-width: 40rem)").matches;
  bind(document.querySelector(".filters"), async state => {
    const said = state.words ? await messages() : undefined;
    show(table, count(all, state, said), state);
    chips(document.querySelector("#only"), all.about, ONLY, state);
    performance.mark("shown");
  });
}

/**
 * Cells counted: {part, run: of each source × target, statuses: {status: number}, sources, targets: which take part}.
 * `part` are those that came out right or, where a status, a blame or words of the message are asked for, as asked. `run`
 * are those that were there to run; all of them, where what is outside is asked for. said: see columns.messages().
 */
export function count(all, state, said) {
  const { about, files, cells, statuses } = all;
  const [wide, fileTakes, targetTakes] = [about.targets.length, filesOf(all, state), targetsOf(all, state)];
  const outside = statuses.map(name => OUTSIDE.includes(name));
  const asked = COUNTING.some(name => state[name]);
  const keepsOutside = OUTSIDE.includes(state.status) || state.blame === "us";
  const rightOf = statuses.map(name => (asked ? !state.status || state.status === name : RIGHT.includes(name)));
  const blame = state.blame ? all.blames.indexOf(state.blame) : -1;
  const words = state.words?.toLowerCase();
  const saying = words && said && Uint8Array.from(said.texts, text => text.toLowerCase().includes(words));
  const [part, run] = [new Uint32Array(about.sources.length * wide), new Uint32Array(about.sources.length * wide)];
  const byStatus = new Uint32Array(statuses.length);
  for (let i = 0; i < cells.file.length; i++) {
    const file = cells.file[i];
    if (!fileTakes[file] || !targetTakes[cells.target[i]]) continue;
    const status = cells.status[i];
    const told = (blame < 0 || cells.blame[i] === blame) && (!saying || saying[said.of[i]]);
    if (told) byStatus[status]++;
    if (outside[status] && !keepsOutside) continue;
    const at = files.source[file] * wide + cells.target[i];
    run[at]++;
    if (told && rightOf[status]) part[at]++;
  }
  const sources = about.sources.map((_, s) => run.subarray(s * wide, (s + 1) * wide).some(n => n > 0));
  return { part, run, asked, statuses: Object.fromEntries(statuses.map((name, i) => [name, byStatus[i]])), sources, targets: targetTakes };
}

/** Whether each file takes part. */
function filesOf({ about, files, labels, opsets }, state) {
  const words = state.find?.toLowerCase();
  const sources = about.sources.map(s => versionTakes(s, state, "source", "from") && matches(s.name, state.source) && matches(s.framework, state.framework) && matches(s.environment, state.from));
  const models = about.models.map(m => matches(m.name, state.model) && matches(m.group, state.family) && (!words || `${m.name} ${m.family}`.toLowerCase().includes(words)));
  const ways = labels.map(l => matches(l.precision, state.precision) && matches(l.dynamic ? "dynamic" : "static", state.shapes));
  const versions = opsets.map(opset => matches(String(opset ?? ""), state.opset));
  return Uint8Array.from(files.source, (source, i) => sources[source] && models[files.model[i]] && ways[files.label[i]] && versions[files.opset[i]]);
}

/** Whether each target takes part. */
function targetsOf({ about }, state) {
  return about.targets.map(t => versionTakes(t, state, "target", "to") && matches(t.name, state.target) && matches(t.runtime, state.runtime) && matches(t.environment, state.to));
}

const matches = (value, wanted) => !wanted || value === wanted;

/** The cells of the table, where they are in the data. */
function tableOf(element) {
  const body = [...element.tBodies[0].rows].map(row => ({ row, place: Number(row.dataset.source), cells: [...row.querySelectorAll("td[data-target]")] }));
  const heads = [...element.querySelectorAll("thead th[data-target]")];
  return { element, body, heads, totals: [...element.querySelectorAll(".total td[data-target]")], made: [...element.querySelectorAll(".made")] };
}

function show({ element, body, heads, totals, made }, counted, state) {
  const places = heads.map(head => Number(head.dataset.target));
  const wide = counted.targets.length;
  const sums = places.map(() => [0, 0]);
  const { source, target, ...filters } = state;
  for (const { row, place, cells } of body) {
    row.hidden = !counted.sources[place];
    cells.forEach((cell, column) => {
      cell.hidden = !counted.targets[places[column]];
      if (row.hidden || cell.hidden) return;
      const at = place * wide + places[column];
      write(cell, counted.part[at], counted.run[at]);
      sums[column][0] += counted.part[at];
      sums[column][1] += counted.run[at];
      const link = cell.firstElementChild;
      if (link?.dataset.own === undefined && link) link.dataset.own = link.getAttribute("href");
      if (link?.dataset.own.startsWith("pair")) link.href = link.dataset.own + hashOf(filters).replace("#", "&").replace(/&$/, "");
    });
  }
  totals.forEach((cell, column) => {
    heads[column].hidden = cell.hidden = !counted.targets[places[column]];
    write(cell, ...sums[column]);
  });
  element.style.setProperty("--columns", counted.targets.filter(Boolean).length + 1);
  element.classList.toggle("parts", counted.asked);
  document.querySelector(".shades").classList.toggle("parts", counted.asked);
  for (const [name, number] of Object.entries(counted.statuses)) {
    const told = document.querySelector(`[data-count="${name}"]`);
    if (told) told.textContent = number.toLocaleString("en");
  }
  document.querySelector("#told").textContent = heading(counted, state);
}

/** Show a share in a cell; one that says why there is none is left as it is. */
function write(cell, part, run) {
  const link = cell.firstElementChild?.localName === "a" ? cell.firstElementChild : undefined;
  const told = `${part}/${run}`;
  if (link?.getAttribute("href") === "#not-run" || cell.dataset.told === told) return;
  cell.dataset.told = told;
  const share = part / run;
  if (run) cell.dataset.step = step(share);
  else delete cell.dataset.step;
  const holder = link ?? cell;
  const small = holder.querySelector("small") ?? document.createElement("small");
  small.textContent = told;
  holder.replaceChildren(...(run ? [percent(share), small] : ["–"]));
}

/** What the shares are of. */
function heading({ asked, part, run }, state) {
  const sum = numbers => numbers.reduce((a, b) => a + b, 0).toLocaleString("en");
  const which = [state.status, state.blame && `blame on ${state.blame}`, state.words && `a message with “${state.words}”`].filter(Boolean);
  return `${asked ? `Share with ${which.join(" and ")}` : "Share right"}: ${sum(part)} of ${sum(run)} cells. A click on a share shows its models.`;
}
