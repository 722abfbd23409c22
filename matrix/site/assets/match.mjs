// Which files of the matrix are like the reader's, what the runtimes made of them, and which operators are a risk.
import { ALONE, NOTHING, count, operatorsOf, summary, versionAt } from "optable";
import { RIGHT } from "shown";

const Z = 1.959964;
/** With fewer files whose operators are of the same versions, those of other versions are taken too. */
export const ENOUGH = 20;
const QUANTISED = /^(QLinear\w+|\w*QuantizeLinear|ConvInteger|MatMulInteger)$/;
const FLOATS = { FLOAT: "float32", FLOAT16: "float16", BFLOAT16: "bfloat16", DOUBLE: "float64" };

/** The 95 % score interval of a share (E. B. Wilson, 1927); all there is where nothing was run. */
export function wilson(right, run) {
  if (!run) return [0, 1];
  const share = right / run;
  const middle = (share + Z ** 2 / (2 * run)) / (1 + Z ** 2 / run);
  const reach = (Z / (1 + Z ** 2 / run)) * Math.sqrt((share * (1 - share)) / run + Z ** 2 / (4 * run ** 2));
  return [Math.max(0, middle - reach), Math.min(1, middle + reach)];
}

/** What a file asks for, of what readModel told of it: {ops, opset, shapes, precision}, as they stand in the address. */
export function asked(model) {
  const names = Object.keys(model.operators);
  const open = model.inputs.some(input => input.shape?.some(size => typeof size !== "number"));
  const numbers = Object.entries(model.weights.dtypes).filter(([dtype]) => FLOATS[dtype]).sort(([, a], [, b]) => b - a);
  const dtype = numbers[0]?.[0] ?? model.inputs.find(input => FLOATS[input.dtype])?.dtype;
  return {
    ops: names.join(","), opset: String(model.opsets[""] ?? ""), shapes: open ? "dynamic" : "static",
    precision: names.some(name => QUANTISED.test(name)) ? "int8" : FLOATS[dtype] ?? "",
  };
}

/**
 * The files that are like what is asked for: {takes, number, relaxed, cases, without}. wanted: {framework, kinds, models,
 * ops, opset, shapes, precision}, each "" or missing where it does not matter: kinds ("layer/recurrent") and models are
 * lists, of which any will do; ops are those that a file may have, at the versions of an opset unless that leaves too few
 * (relaxed). Where there are ops and too few files have all the rest, shapes and then precision are left out, if that
 * brings more (without). Cases of single operators, which some runtimes were not given, take part only where no layer or
 * network does (cases).
 */
export function matching(all, table, wanted) {
  const ways = wanted.ops?.length ? [[], ["shapes"], ["shapes", "precision"]] : [[]];
  const without = way => ({ ...wanted, ...Object.fromEntries(way.map(name => [name, ""])) });
  for (const cases of [false, true]) {
    let best;
    for (const way of ways) {
      const found = like(all, table, without(way), cases);
      if (found.number > (best?.number ?? 0)) best = { ...found, cases, without: way.filter(name => wanted[name]) };
      if (best?.number >= ENOUGH) break;
    }
    if (best) return best;
  }
  return { takes: new Uint8Array(table.files.tells.length), number: 0, relaxed: false, cases: false, without: [] };
}

function like(all, table, wanted, cases) {
  const fits = fitting(all, wanted);
  const mine = wanted.ops?.length ? new Set(wanted.ops.map(name => table.names.indexOf(name))) : undefined;
  const within = mine && Uint8Array.from({ length: table.sets.ends.length }, (_, set) => Number(operatorsOf(table, set).every(o => mine.has(o))));
  const ofCases = all.about.models.map(model => model.kind === "own" && model.family === "operators");
  const loose = Uint8Array.from(table.files.tells, (tells, file) => Number(tells !== NOTHING && fits(file)
    && (!within || within[table.files.set[file]]) && (cases || !ofCases[all.files.model[file]])));
  const number = sum(loose);
  if (!mine || !wanted.opset) return { takes: loose, number, relaxed: false };
  const same = sameVersions(all, table, wanted.opset);
  const strict = loose.map((takes, file) => Number(takes && same(file)));
  const found = sum(strict);
  return found >= Math.min(ENOUGH, number) ? { takes: strict, number: found, relaxed: false } : { takes: loose, number, relaxed: true };
}

function fitting({ about, labels, files }, wanted) {
  const any = list => !list?.length;
  const sources = about.sources.map(s => !wanted.framework || s.framework === wanted.framework);
  const models = about.models.map(m => (any(wanted.kinds) && any(wanted.models))
    || wanted.kinds?.includes(`${m.kind}/${m.family}`) || wanted.models?.includes(m.name));
  const ways = labels.map(l => (!wanted.shapes || l.dynamic === (wanted.shapes === "dynamic")) && (!wanted.precision || l.precision === wanted.precision));
  return file => sources[files.source[file]] && models[files.model[file]] && ways[files.label[file]];
}

/** Whether all operators of a file mean what they mean at an opset. Other domains count their own versions: they pass. */
function sameVersions({ opsets, files }, table, opset) {
  const ours = new Set(table.names.flatMap((name, o) => (name.includes("::") ? [] : [o])));
  const wanted = table.versions.map(versions => versionAt(versions, Number(opset)));
  const known = new Map();
  return file => {
    const [set, own] = [table.files.set[file], opsets[files.opset[file]]];
    const key = `${set}/${own}`;
    if (!known.has(key)) known.set(key, [...operatorsOf(table, set)].every(o => !ours.has(o) || versionAt(table.versions[o], own) === wanted[o]));
    return known.get(key);
  };
}

/**
 * Runtimes in the order in which they are worth a try, of those that were run: [{target, right, run, low, high, pass,
 * sources: [{source, right, run}], operators: [{name, verdict, own, other, like}], risky, blocked}]. First those on which no
 * operator of `wanted.ops` failed every time, among them by the lower end of the interval; those that are alike in that, by
 * how many operators failed at times.
 */
export function ranking(all, table, wanted, takes) {
  const met = wanted.ops?.length ? wanted.ops : namesIn(table, takes);
  const verdicts = operatorVerdicts(all, table, met, wanted.opset, takes);
  const tallies = tally(all, takes);
  return all.about.targets.map((_, target) => {
    const { right, run, pass, sources } = tallies[target];
    const [low, high] = wilson(right, run);
    const operators = verdicts(target);
    const risky = operators.filter(it => it.verdict === "some").length;
    const blocked = Boolean(wanted.ops?.length) && operators.some(it => it.verdict === "never");
    return { target, right, run, low, high, pass, sources, operators, risky, blocked };
  }).filter(row => row.run).sort((a, b) => a.blocked - b.blocked || b.low - a.low || a.risky - b.risky || b.run - a.run);
}

/** Cells counted by target, and there by source. */
function tally(all, takes) {
  const { about, files, cells, statuses } = all;
  const right = statuses.map(name => RIGHT.includes(name));
  const outside = statuses.map(name => name === "NOT_RUN" || name === "NOT_EXPORTED");
  const pass = statuses.indexOf("PASS");
  const wide = about.sources.length;
  const numbers = new Uint32Array(about.targets.length * wide * 3);
  for (let i = 0; i < cells.file.length; i++) {
    const [file, status] = [cells.file[i], cells.status[i]];
    if (!takes[file] || outside[status]) continue;
    const at = (cells.target[i] * wide + files.source[file]) * 3;
    numbers[at]++;
    if (right[status]) numbers[at + 1]++;
    if (status === pass) numbers[at + 2]++;
  }
  return about.targets.map((_, target) => {
    const own = about.sources.map((_, source) => numbers.subarray((target * wide + source) * 3, (target * wide + source) * 3 + 3));
    const total = place => own.reduce((all, it) => all + it[place], 0);
    const sources = own.map(([run, right], source) => ({ source, right, run })).filter(it => it.run);
    return { run: total(0), right: total(1), pass: total(2), sources };
  });
}

/**
 * What is known of operators on a target, as a function of it: verdict is "never" right, "some" of its own cases fail,
 * "unknown", "fine". own: of its own cases, at its version or, where there is none (other), at any; like: of like files.
 */
function operatorVerdicts(all, table, names, opset, takes) {
  const places = names.map(name => table.names.indexOf(name));
  const alone = Uint8Array.from(table.files.tells, tells => Number(tells === ALONE));
  const same = opset ? sameVersions(all, table, opset) : () => true;
  const numbers = {
    own: count(all, table, alone.map((takes, file) => Number(takes && same(file)))),
    any: count(all, table, alone),
    like: count(all, table, takes.map((takes, file) => Number(takes && table.files.tells[file] !== ALONE))),
    all: count(all, table, table.files.tells),
  };
  const nothing = { right: 0, run: 0, worst: "" };
  return target => names.map((name, i) => {
    const of = kind => (places[i] < 0 ? nothing : summary(all, table, numbers[kind], places[i], target));
    const own = of("own");
    const other = own.run === 0 && of("any").run > 0;
    const evidence = { name, other, own: other ? of("any") : own, like: of("like"), all: of("all") };
    return { ...evidence, verdict: verdictOf(evidence) };
  });
}

function verdictOf({ own, like, all, other }) {
  if (!all.run) return "unknown";
  const near = own.run + like.run > 0 ? own.right + like.right : all.right;
  if (!near && !(other && all.right)) return "never";
  return own.right < own.run ? "some" : "fine";
}

function namesIn(table, takes) {
  const met = new Set();
  const seen = new Set();
  takes.forEach((takes, file) => {
    const set = table.files.set[file];
    if (!takes || seen.has(set)) return;
    seen.add(set);
    for (const operator of operatorsOf(table, set)) met.add(operator);
  });
  return [...met].sort((a, b) => a - b).map(operator => table.names[operator]);
}

const sum = numbers => numbers.reduce((a, b) => a + b, 0);

/** What a runtime lacks of what is needed: [["language", "Rust"], …]; undefined where nothing is known of it. */
export function lacks(facts, needs) {
  if (!facts) return undefined;
  const lists = { language: facts.languages, platform: facts.platforms, licence: [facts.licence] };
  return Object.entries(lists).filter(([need, offered]) => needs[need] && !offered.includes(needs[need])).map(([need]) => [need, needs[need]]);
}
