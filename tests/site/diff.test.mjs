import assert from "node:assert/strict";
import test from "node:test";

globalThis.document = { createTreeWalker() {} };  // lit-html asks for it when it is loaded
const { filtered, grouped } = await import("diff");

const row = (key, source, target, told = "") => ({ key, source, target, model: key.split("/")[1], told });
const rows = [row("a/relu/static/t", "a", "t", "KeyError: x"), row("a/elu/static/u", "a", "u"), row("b/relu/static/u", "b", "u"), row("a/relu/static", "a", "")];

test("filters let through what all of them let through", () => {
  assert.equal(filtered(rows, {}).length, 4);
  assert.deepEqual(filtered(rows, { part: "exports" }), [rows[3]]);
  assert.deepEqual(filtered(rows, { part: "cells", source: "a", target: "u" }), [rows[1]]);
  assert.deepEqual(filtered(rows, { find: " KEYERROR  relu " }), [rows[0]]);
});

test("groups are sorted by size, and exports are one of their own", () => {
  assert.deepEqual(grouped(rows).map(([name, own]) => [name, own.length]), [["u", 2], ["exports", 1], ["t", 1]]);
  assert.deepEqual(grouped(rows, "model").map(([name]) => name), ["relu", "elu"]);
});
