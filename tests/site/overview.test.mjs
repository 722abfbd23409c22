import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.mjs";

const { count } = await import("overview");
const { histograms, neighbours, partsOf } = await import("cell");
const { kept, placeOf, reasons, rowsOf } = await import("pair");
const { changed } = await import("form");
const { hashOf, stateOf } = await import("state");
const { sorted } = await import("table");
const { bytes, number, percent, seconds, step } = await import("shown");

const all = {
  about: {
    sources: [{ name: "s@1", usual: true, framework: "F", environment: "1" }, { name: "t@2", usual: true, framework: "G", environment: "2" }],
    targets: [{ name: "x@1", usual: true, runtime: "X", environment: "1" }, { name: "x@2", usual: true, runtime: "X", environment: "2" }, { name: "y@1", usual: true, runtime: "Y", environment: "1" }],
    models: [{ name: "alexnet", family: "convnet", group: "conv" }, { name: "a/b", family: "zoo", group: "zoo" }],
  },
  labels: [{ name: "dynamic", dynamic: true, precision: "float32" }, { name: "static", dynamic: false, precision: "float32" }],
  opsets: [null, 17],
  statuses: ["PASS", "IMPRECISE", "WRONG", "NOT_EXPORTED", "NOT_RUN"],
  blames: ["", "runtime", "us"],
  files: { source: [0, 0, 1], model: [0, 1, 0], label: [1, 0, 1], opset: [1, 1, 0] },
  cells: { file: [0, 0, 0, 1, 1, 2, 2], target: [0, 1, 2, 0, 1, 0, 1], status: [0, 2, 4, 1, 2, 3, 0], blame: [0, 1, 2, 0, 1, 0, 0] },
};
const shares = state => {
  const { part, run } = count(all, state, { texts: ["", "no <b>"], of: [0, 1, 0, 0, 0, 0, 0] });
  return [...run].map((n, i) => (n ? `${part[i]}/${n}` : "-")).join(" ");
};

test("shares are right of run", () => assert.equal(shares({}), "2/2 0/2 - - 1/1 -"));
test("filters narrow what counts", () => {
  assert.equal(shares({ family: "conv" }), "1/1 0/1 - - 1/1 -");
  assert.equal(shares({ shapes: "dynamic" }), "1/1 0/1 - - - -");
  assert.equal(shares({ framework: "G" }), "- - - - 1/1 -");
  assert.equal(shares({ to: "2" }), "- 0/2 - - 1/1 -");
  assert.equal(shares({ opset: "17", find: "ALEX" }), "1/1 0/1 - - - -");
});
test("a link shows one model, source or target", () => {
  assert.equal(shares({ model: "alexnet" }), "1/1 0/1 - - 1/1 -");
  assert.equal(shares({ model: "alex" }), "- - - - - -");
  assert.equal(shares({ model: "alexnet", target: "x@2" }), "- 0/1 - - 1/1 -");
  assert.equal(shares({ source: "t@2" }), "- - - - 1/1 -");
});
test("other versions take part where all are asked for, or one is named", () => {
  const { sources, targets } = all.about;
  const about = { ...all.about, sources: [sources[0], { ...sources[1], usual: false }], targets: [targets[0], { ...targets[1], usual: false }, targets[2]] };
  const shares = state => { const { part, run, statuses } = count({ ...all, about }, state); return `${part.join("")}/${run.join("")} ${statuses.WRONG}`; };
  assert.equal(shares({}), "200000/200000 0");
  assert.equal(shares({ versions: "all" }), "200010/220010 2");
  assert.equal(shares({ to: "2" }), "000000/020000 2");
  assert.equal(shares({ target: "x@2" }), "000000/020000 2");
  assert.equal(shares({ from: "2", target: "x@2" }), "000010/000010 0");
  assert.equal(shares({ source: "t@2" }), "000000/000000 0", "of that source on usual targets");
});
test("a status, a blame or words are counted among what was run", () => {
  assert.equal(shares({ status: "WRONG" }), "0/2 2/2 - - 0/1 -");
  assert.equal(shares({ status: "NOT_EXPORTED" }), "0/2 0/2 0/1 1/1 0/1 -");
  assert.equal(shares({ blame: "runtime" }), "0/2 2/2 - - 0/1 -");
  assert.equal(shares({ words: "NO <" }), "0/2 1/2 - - 0/1 -");
});
test("statuses are counted", () => {
  assert.deepEqual(count(all, {}).statuses, { PASS: 2, IMPRECISE: 1, WRONG: 2, NOT_EXPORTED: 1, NOT_RUN: 1 });
});

test("a key has its parts", () => {
  assert.deepEqual(partsOf("s@1/a/b/dynamic/x@1"), { source: "s@1", model: "a/b", label: "dynamic", target: "x@1" });
});
test("neighbours differ in one thing", () => {
  const near = neighbours(all, { source: "s@1", model: "alexnet", label: "static", target: "x@2" }).map(([, own]) => own);
  assert.deepEqual(near, [
    [["s@1/alexnet/static/x@1", "x@1", "PASS"]],
    [["s@1/alexnet/static/y@1", "y@1", "NOT_RUN"]],
    [],
    [["t@2/alexnet/static/x@2", "t@2", "PASS"]],
  ]);
});
test("histograms are summed over input sets", () => {
  const measures = [{ output: "y", histogram: [1, 0] }, { output: "z" }, { output: "y", histogram: [2, 5] }];
  assert.deepEqual(histograms(measures), [["y", [3, 5]]]);
});

test("rows of a source on a target", () => {
  assert.equal(placeOf(all.about, "t@2", "y@1"), "1-2");
  assert.equal(placeOf(all.about, "none", "y@1"), undefined);
  const rows = rowsOf({ model: ["alexnet", "a/b"], status: ["WRONG", "PASS"], message: ["off", ""], file_opset: [17, 18], blame: ["runtime", ""] });
  const models = new Map(all.about.models.map(model => [model.name, model]));
  for (const state of [{ family: "conv" }, { status: "WRONG" }, { words: "OF" }, { opset: "17" }, { find: "convn" }, { model: "alexnet" }, { blame: "runtime" }]) {
    assert.deepEqual(kept(rows, models, state).map(row => row.model), ["alexnet"], JSON.stringify(state));
  }
  assert.deepEqual(reasons([...rows, rows[0]]), [["off", 2]]);
});

test("the state and the address", () => {
  const state = { source: "a@1", words: "x & y #" };
  assert.deepEqual(stateOf(hashOf({ ...state, none: "" })), state);
  assert.equal(hashOf({ cell: "a@1/b/c" }), "#cell=a@1/b/c");
  assert.deepEqual(changed({ a: "1", b: "2" }, "a", ""), { b: "2" });
  assert.deepEqual(changed({ b: "2" }, "a", "1"), { b: "2", a: "1" });
});
test("sorting", () => {
  assert.deepEqual(sorted(["9", "–", "10 ms", "1"], n => n, true), ["10 ms", "9", "1", "–"]);
  assert.deepEqual(sorted(["b", "", "a"], n => n, false), ["a", "b", ""]);
});
test("numbers", () => {
  assert.deepEqual([null, 0, 0.12345, 123456, 1e-9].map(number), ["–", "0", "0.123", "1.23e+5", "1.00e-9"]);
  assert.deepEqual([0.0123, 12.34].map(seconds), ["12.3 ms", "12.3 s"]);
  assert.deepEqual([12, 2048, 5e9].map(bytes), ["12 B", "2.05 kB", "5 GB"]);
  assert.deepEqual([0, 0.001, 0.999, 1].map(percent), ["0", "<1", "99", "100"]);
  assert.deepEqual([0, 0.01, 0.5, 0.999, 1].map(step), [0, 1, 3, 5, 6]);
});
