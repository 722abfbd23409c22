import assert from "node:assert/strict";
import { test } from "node:test";
import "./dom.mjs";

const { asked, lacks, matching, ranking, wilson } = await import("match");
const { ALONE, NOTHING, TOGETHER, cellsOf, count, differ, operatorsOf, summary, telling, versionAt } = await import("optable");
const { takesOf } = await import("operators");

// Files: 0 Conv alone at opset 11; 1 Conv, Relu at 13, dynamic; 2 Conv, Relu at 22; 3 Erf at 13, no faithful export;
// 4 Conv, Erf at 22.
const all = {
  about: {
    sources: [{ name: "onnx.node@1", usual: true, framework: "ONNX" }, { name: "p@1", usual: true, framework: "P" }],
    targets: [{ name: "x@1", usual: true, runtime: "X" }, { name: "y@1", usual: true, runtime: "Y" }],
    models: [{ name: "test_conv", kind: "own", family: "operators" }, { name: "conv", kind: "layer", family: "convolution" }, { name: "net", kind: "architecture", family: "convnet" }],
  },
  labels: [{ name: "static", dynamic: false, precision: "float32" }, { name: "dynamic", dynamic: true, precision: "float32" }],
  opsets: [null, 11, 13, 22],
  statuses: ["PASS", "IMPRECISE", "WRONG", "ERROR", "NOT_RUN"],
  files: { source: [0, 1, 1, 1, 1], model: [0, 2, 1, 1, 2], label: [0, 1, 0, 0, 0], opset: [1, 2, 3, 2, 3] },
  cells: {
    file: [0, 1, 2, 3, 4, 0, 1, 2, 3, 4],
    target: [0, 0, 0, 0, 0, 1, 1, 1, 1, 1],
    status: [0, 0, 1, 3, 3, 2, 0, 3, 0, 4],
  },
};
const table = {
  names: ["Conv", "Erf", "Relu"], versions: [[1, 11, 22], [9, 13], [1, 6, 13, 14]], worst: ["WRONG", "ERROR", "IMPRECISE", "PASS", "NOT_RUN"],
  sets: { ends: Uint32Array.of(1, 3, 4, 6), operators: Uint16Array.of(0, 0, 2, 1, 0, 1) },
  files: { set: Uint32Array.of(0, 1, 1, 2, 3), tells: Uint8Array.of(ALONE, TOGETHER, TOGETHER, NOTHING, TOGETHER) },
};
const list = typed => [...typed];

test("sets of operators are read back", () => {
  assert.deepEqual([0, 1, 2, 3].map(set => list(operatorsOf(table, set))), [[0], [0, 2], [1], [0, 1]]);
});

test("an opset has the version that was defined last", () => {
  assert.deepEqual([9, 11, 21, 22, 30].map(opset => versionAt(table.versions[0], opset)), [1, 11, 11, 22, 22]);
  assert.equal(versionAt([9], 7), 0);
});

test("cells are counted by operator, target and status", () => {
  const numbers = count(all, table, takesOf(all, table, { cases: "models" }, ALONE));
  assert.deepEqual(summary(all, table, numbers, 0, 0), { right: 2, run: 3, worst: "ERROR" });
  assert.deepEqual(summary(all, table, numbers, 2, 1), { right: 1, run: 2, worst: "ERROR" });
  assert.deepEqual(summary(all, table, numbers, 1, 1), { right: 0, run: 0, worst: "" }, "NOT_RUN is in no denominator");
});

test("own cases, models and both are told apart, and filtered", () => {
  const takes = state => list(takesOf(all, table, state, ALONE));
  assert.deepEqual(takes({}), [1, 0, 0, 0, 0]);
  assert.deepEqual(takes({ cases: "models" }), [0, 1, 1, 0, 1]);
  assert.deepEqual(takes({ cases: "both", opset: "22" }), [0, 0, 1, 0, 1]);
  assert.deepEqual(takes({ cases: "both", shapes: "dynamic" }), [0, 1, 0, 0, 0]);
  assert.deepEqual(takes({ cases: "both", precision: "float16" }), [0, 0, 0, 0, 0]);
  assert.deepEqual(list(takesOf(all, table, {}, TOGETHER)), [0, 1, 1, 0, 1], "where there are no own cases");
});

test("files of other versions take part where all are asked for", () => {
  const { sources } = all.about;
  const other = { ...all, about: { ...all.about, sources: [sources[0], { ...sources[1], usual: false }] } };
  const takes = state => list(takesOf(other, table, { cases: "both", ...state }, ALONE));
  assert.deepEqual(takes({}), [1, 0, 0, 0, 0]);
  assert.deepEqual(takes({ versions: "all" }), [1, 1, 1, 0, 1]);
});

test("runtimes differ where their shares do", () => {
  assert.equal(differ([{ right: 1, run: 2 }, { right: 2, run: 4 }, { right: 0, run: 0 }]), false);
  assert.equal(differ([{ right: 1, run: 2 }, { right: 2, run: 2 }]), true);
});

test("cells come the worst first, and the one that names the operator is told", () => {
  const places = cellsOf(all, table, takesOf(all, table, { cases: "both" }, ALONE), 0);
  assert.deepEqual(places, [5, 4, 7, 2, 0, 1, 6]);
  const said = { texts: ["", "Convert failed", "no Conv here"], of: [0, 0, 0, 0, 1, 0, 0, 2, 0, 0] };
  assert.equal(telling(all, [4, 7], said, "Conv"), 7);
  assert.equal(telling(all, [4], said, "Conv"), 4);
});

test("the interval of Wilson", () => {
  const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-4, `${a} is not ${b}`);
  near(wilson(3, 3)[0], 0.4385);
  near(wilson(290, 300)[0], 0.9397);
  assert.deepEqual(wilson(0, 0), [0, 1]);
  near(wilson(0, 5)[0], 0);
});

test("what is asked for says which files are like it", () => {
  const like = wanted => list(matching(all, table, wanted).takes);
  assert.deepEqual(like({}), [0, 1, 1, 0, 1], "cases of single operators only where nothing else is like it");
  assert.deepEqual(like({ kinds: ["layer/convolution"] }), [0, 0, 1, 0, 0]);
  assert.deepEqual(like({ models: ["net"] }), [0, 1, 0, 0, 1]);
  assert.deepEqual(like({ shapes: "dynamic" }), [0, 1, 0, 0, 0]);
  assert.deepEqual(like({ ops: ["Conv", "Relu"] }), [0, 1, 1, 0, 0]);
  assert.deepEqual(matching(all, table, { framework: "ONNX" }).cases, true);
  assert.equal(matching(all, table, { framework: "Q" }).number, 0);
});

test("too few files of the versions of an opset are filled up with others, and that is said", () => {
  const found = matching(all, table, { ops: ["Conv", "Relu"], opset: "13" });
  assert.deepEqual([list(found.takes), found.relaxed], [[0, 1, 1, 0, 0], true]);
  const same = matching(all, table, { ops: ["Conv", "Erf"], opset: "22" });
  assert.deepEqual([list(same.takes), same.relaxed], [[0, 0, 0, 0, 1], false]);
});

test("where no file is like a given one in all, shapes and precision are left out, and that is said", () => {
  const found = matching(all, table, { ops: ["Conv", "Erf"], shapes: "dynamic", precision: "float16" });
  assert.deepEqual([list(found.takes), found.without], [[0, 0, 0, 0, 1], ["shapes", "precision"]]);
  assert.equal(matching(all, table, { shapes: "dynamic", precision: "float16" }).number, 0, "what the reader chose stands");
  const few = matching(all, table, { ops: ["Conv", "Relu"], shapes: "dynamic" });
  assert.deepEqual([list(few.takes), few.without], [[0, 1, 1, 0, 0], ["shapes"]], "one file is too few where there are more");
});

test("the lower end of the interval ranks, after what failed every time", () => {
  const wanted = { ops: ["Conv", "Relu"], opset: "22" };
  const { takes } = matching(all, table, wanted);
  const rows = ranking(all, table, wanted, takes);
  assert.deepEqual(rows.map(row => [row.target, row.right, row.run, row.pass, row.blocked]), [[0, 2, 2, 1, false], [1, 1, 2, 1, false]]);
  const [conv, relu] = rows[1].operators;
  assert.deepEqual([conv.verdict, conv.other, conv.own.worst, relu.verdict], ["some", true, "WRONG", "fine"]);
  const erf = ranking(all, table, { ops: ["Conv", "Erf"] }, matching(all, table, { ops: ["Conv", "Erf"] }).takes);
  assert.deepEqual(erf.map(row => [row.target, row.blocked, row.operators[1].verdict]), [[0, true, "never"]], "who was not run is not ranked");
  assert.equal(ranking(all, table, { ops: ["a::B", "Conv"] }, takes)[0].operators[0].verdict, "unknown");
});

test("what a file asks for", () => {
  const model = {
    operators: { Conv: 2, "ai.onnx.ml::X": 1 }, opsets: { "": 17 }, weights: { dtypes: { INT64: 9, FLOAT16: 3, FLOAT: 1 } },
    inputs: [{ name: "x", dtype: "FLOAT16", shape: [1, 2] }],
  };
  assert.deepEqual(asked(model), { ops: "Conv,ai.onnx.ml::X", opset: "17", shapes: "static", precision: "float16" });
  assert.equal(asked({ ...model, inputs: [{ dtype: "FLOAT", shape: ["n", 2] }] }).shapes, "dynamic");
  assert.equal(asked({ ...model, inputs: [{ dtype: "FLOAT", shape: [null] }] }).shapes, "dynamic");
  assert.equal(asked({ ...model, operators: { QLinearConv: 1 } }).precision, "int8");
  assert.equal(asked({ ...model, weights: { dtypes: {} }, inputs: [{ dtype: "INT64", shape: null }] }).precision, "");
});

test("what a runtime does not offer", () => {
  const facts = { languages: ["Rust"], platforms: ["server CPU"], licence: "MIT" };
  assert.deepEqual(lacks(facts, { language: "Rust", platform: "browser", licence: "MIT" }), [["platform", "browser"]]);
  assert.deepEqual(lacks(facts, {}), []);
  assert.equal(lacks(null, {}), undefined);
});
