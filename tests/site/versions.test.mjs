import assert from "node:assert/strict";
import test from "node:test";

globalThis.document = { createTreeWalker() {} };  // lit-html asks for it when it is loaded
const { chosen, keyOf } = await import("versions");

const history = {
  end: "target", statuses: ["PASS", "IMPRECISE", "WRONG"], names: { other: ["a@x", "b@x"], model: ["elu", "relu"], label: ["static"] },
  rows: { other: [0, 0, 1, 1], model: [0, 1, 0, 1], label: [0, 0, 0, 0] },
  of: [[0, 0, 2, 3], [1, 2, 2, 0]],  // 3: there is none
};

test("rows whose result changed between right and not right are shown, or all", () => {
  assert.deepEqual(chosen(history, false), [1]);
  assert.deepEqual(chosen(history, true), [0, 1, 2, 3]);
  assert.deepEqual(chosen(history, true, "B@x relu"), [3]);
});

test("a row leads to its cell at a point", () => {
  assert.equal(keyOf(history, 3, { name: "t@y" }), "b@x/relu/static/t@y");
  assert.equal(keyOf({ ...history, end: "source", names: { ...history.names, other: ["", "t@y"] } }, 1, { name: "s@x" }), "s@x/relu/static");
});
