// All cells in columns of numbers, which are places in lists: matrix/site/columns.py makes them.
import { load, unpack } from "data";

const unpackedAll = async columns =>
  Object.fromEntries(await Promise.all(Object.entries(columns).map(async ([name, column]) => [name, await unpack(column)])));

/**
 * {about, labels, opsets, statuses, blames, expected, files: {source, model, label, opset},
 *  cells: {file, target, status, blame, expected}}; the numbers of files and cells are places in the lists, those of
 * cells.file in the columns of files.
 */
export async function columns() {
  const [about, packed] = await Promise.all([load("about"), load("cells")]);
  const [files, cells] = await Promise.all([unpackedAll(packed.files), unpackedAll(packed.cells)]);
  return { ...packed, about, files, cells };
}

/** Whether a source or target takes part by its version: the usual ones do, the others where all are asked for, or where one of these names of the state says which. */
export const versionTakes = (entry, state, ...names) => entry.usual || state.versions === "all" || names.some(name => state[name]);

/** Which of the messages each cell has: {texts, of}. */
export async function messages() {
  const { texts, of } = await load("messages");
  return { texts, of: await unpack(of) };
}

/** The key of a cell, by its place: what names it everywhere. */
export function keyOf({ about, labels, files, cells }, place) {
  const file = cells.file[place];
  const parts = [about.sources[files.source[file]].name, about.models[files.model[file]].name, labels[files.label[file]].name];
  return [...parts, about.targets[cells.target[place]].name].join("/");
}
