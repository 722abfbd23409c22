// Operators, counted over the cells of the files that have them: matrix/site/operators.py says which file has which.
import { load, unpack } from "data";
import { OUTSIDE, RIGHT } from "shown";

/** What a file tells of its operators: nothing; of all of them together; of its only one. */
export const [NOTHING, TOGETHER, ALONE] = [0, 1, 2];

/** {names, versions, worst, sets: {ends, operators}, files: {set, tells}}, with numbers unpacked. */
export async function operators() {
  const packed = await load("operators");
  const [ends, own, set, tells] = await Promise.all(
    [packed.sets.ends, packed.sets.operators, packed.files.set, packed.files.tells].map(unpack));
  return { ...packed, sets: { ends, operators: own }, files: { set, tells } };
}

/** The operators of a set, as places in names. */
export function operatorsOf({ sets }, set) {
  return sets.operators.subarray(set ? sets.ends[set - 1] : 0, sets.ends[set]);
}

/** Which version of an operator an opset has: the opset that defined it last; 0 where ONNX does not define it by then. */
export function versionAt(versions, opset) {
  return versions.findLast(version => version <= opset) ?? 0;
}

/**
 * Cells counted by operator, target and status: numbers[(operator × targets + target) × statuses + status].
 * all: see columns.mjs; takes: whether each file takes part. What is outside the denominators is left out.
 */
export function count(all, table, takes) {
  const { cells, statuses, about } = all;
  const [targets, kinds] = [about.targets.length, statuses.length];
  const numbers = new Uint32Array(table.names.length * targets * kinds);
  const outside = statuses.map(name => OUTSIDE.includes(name));
  const { set } = table.files;
  const { ends, operators: own } = table.sets;
  for (let i = 0; i < cells.file.length; i++) {
    const [file, status] = [cells.file[i], cells.status[i]];
    if (!takes[file] || outside[status]) continue;
    const at = cells.target[i] * kinds + status;
    for (let o = set[file] ? ends[set[file] - 1] : 0; o < ends[set[file]]; o++) numbers[own[o] * targets * kinds + at]++;
  }
  return numbers;
}

/** {right, run, worst} of what was counted of an operator on a target; `worst` is "" where there is nothing. */
export function summary(all, table, numbers, operator, target) {
  const { statuses, about } = all;
  const at = (operator * about.targets.length + target) * statuses.length;
  const own = numbers.subarray(at, at + statuses.length);
  const of = name => own[statuses.indexOf(name)];
  return { right: of(RIGHT[0]) + of(RIGHT[1]), run: own.reduce((a, b) => a + b, 0), worst: table.worst.find(name => of(name)) ?? "" };
}

/** Whether runtimes differ over an operator: not all of those that met it have the same share. */
export function differ(summaries) {
  const shares = new Set(summaries.filter(it => it.run).map(it => it.right / it.run));
  return shares.size > 1;
}

/** The places of the cells of an operator, on a target if one is named, the worst first. */
export function cellsOf(all, table, takes, operator, target) {
  const having = Uint8Array.from({ length: table.sets.ends.length }, (_, set) => Number(operatorsOf(table, set).includes(operator)));
  const rank = all.statuses.map(name => table.worst.indexOf(name));
  const found = [];
  for (let i = 0; i < all.cells.file.length; i++) {
    const file = all.cells.file[i];
    if (takes[file] && having[table.files.set[file]] && (target === undefined || all.cells.target[i] === target)
      && !OUTSIDE.includes(all.statuses[all.cells.status[i]])) found.push(i);
  }
  return found.sort((a, b) => rank[all.cells.status[a]] - rank[all.cells.status[b]]);
}

/** Which of these cells tells most: of those with the worst status, one whose message names the operator. */
export function telling(all, places, said, name) {
  const worst = places.filter(i => all.cells.status[i] === all.cells.status[places[0]]);
  const own = name.split("::").at(-1);
  const naming = new RegExp(`(^|[^A-Za-z0-9])${own.replace(/[^\w]/g, "\\$&")}([^A-Za-z0-9]|$)`);
  return worst.find(i => naming.test(said.texts[said.of[i]])) ?? worst[0];
}
