import "./dom.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { anchor, point, told } from "radar";
import { decades, floored, split } from "speed";

const near = (found, wanted) => found.forEach((value, place) => assert.ok(Math.abs(value - wanted[place]) < 1e-9, `${found} is not ${wanted}`));

test("the first spoke goes up, the others clockwise", () => {
  near(point(0, 4, 1, 100), [0, -100]);
  near(point(1, 4, 1, 100), [100, 0]);
  near(point(2, 4, 0.5, 100), [0, 50]);
  near(point(3, 4, 0, 100), [0, 0]);
});

test("labels stand outside the plot", () => {
  assert.deepEqual(anchor([0, -100], 100), ["middle", "-0.2em"]);
  assert.deepEqual(anchor([100, 0], 100), ["start", "0.35em"]);
  assert.deepEqual(anchor([-80, 60], 100), ["end", "0.35em"]);
  assert.deepEqual(anchor([0, 100], 100), ["middle", "0.9em"]);
});

test("a plot in words has the weakest first, and nothing that was not measured", () => {
  assert.equal(told([["a", 1], ["b", null], ["c", 0.335]]), "c 34 %, a 100 %");
});

test("no noise at all is drawn at the floor", () => {
  assert.deepEqual(floored([0, 0.5, 40]), [0.01, 0.5, 40]);
});

test("ticks are the powers of ten around the numbers", () => {
  assert.deepEqual(decades([0.04, 3]), [0.01, 0.1, 1, 10]);
  assert.deepEqual(decades([1, 1]), [1]);
});

test("a target's name is told from its environment", () => {
  assert.deepEqual(split("a.b@c1"), ["a.b", "c1"]);
  assert.deepEqual(split("a"), ["a", ""]);
});
