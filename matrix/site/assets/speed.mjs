// The charts of accuracy and speed; the same figures stand in the tables below them.
import { load } from "data";
import { asPicture } from "shown";

/** Noise below this is drawn at it: a logarithmic scale has no 0. */
export const FLOOR = 0.01;

/** Quantiles as a logarithmic scale can show them. */
export const floored = quantiles => quantiles.map(value => Math.max(value, FLOOR));

/** The powers of ten from below the least to above the greatest of some numbers: the ticks of a logarithmic scale. */
export function decades(numbers) {
  const ends = [Math.min(...numbers), Math.max(...numbers)].map(Math.log10);
  return Array.from({ length: Math.ceil(ends[1]) - Math.floor(ends[0]) + 1 }, (_, place) => Number(`1e${Math.floor(ends[0]) + place}`));
}

/** The name of a target without its environment, and the environment. */
export const split = name => { const at = name.indexOf("@"); return at < 0 ? [name, ""] : [name.slice(0, at), name.slice(at + 1)]; };

export async function start() {
  const data = await load("speed");
  const charts = [["#noise-chart", noise], ["#times-chart", times]].map(([place, make]) => [document.querySelector(place), make]).filter(([place]) => place);
  let width = 0;
  const draw = () => {
    if (charts.length === 0 || charts[0][0].clientWidth === width) return;
    width = charts[0][0].clientWidth;
    for (const [place, make] of charts) place.replaceChildren(asPicture(make(data, width)));
  };
  new ResizeObserver(draw).observe(document.querySelector("main"));
  draw();
}

const base = (width, names) => ({
  width, marginLeft: width < 600 ? 122 : 210, marginRight: 24, marginTop: 28, marginBottom: 40,
  style: { background: "none", fontSize: width < 600 ? "11px" : "12px", fontFamily: "inherit", overflow: "visible", color: "var(--ink)" },
  y: { domain: names, label: null, tickSize: 0, tickFormat: name => width < 600 ? shortened(split(name)[0]) : split(name)[0] },
});

function axis(label, numbers) {
  const ticks = decades(numbers);
  return { type: "log", label, labelAnchor: "right", domain: [ticks[0], ticks.at(-1)], ticks, tickFormat: value => value.toLocaleString("en"), tickSize: 4, grid: true };
}

const shortened = name => name.length > 16 ? `${name.slice(0, 15)}…` : name;

function noise({ noise: rows }, width) {
  const names = rows.map(row => row.name), own = rows.map(row => ({ name: row.name, q: floored(row.quantiles), told: row.quantiles }));
  const title = row => `${row.name}\nlower quartile ${row.told[0]}, median ${row.told[1]}, upper quartile ${row.told[2]}\n95 % below ${row.told[3]}, largest ${row.told[4]}`;
  return Plot.plot({
    ...base(width, names), height: 26 * names.length + 70, ariaLabel: "Noise of right cells by target",
    x: axis("noise →", own.flatMap(row => row.q)),
    marks: [
      Plot.ruleX([1], { stroke: "var(--soft)", strokeDasharray: "2,3" }), Plot.ruleX([32], { stroke: "var(--wrong)", strokeDasharray: "4,3" }),
      Plot.text(["as the framework: 1"], { x: 1, frameAnchor: "top", dy: -18, dx: 4, fill: "var(--soft)", textAnchor: "end" }),
      Plot.text(["PASS: up to 32"], { x: 32, frameAnchor: "top", dy: -18, dx: width < 600 ? 4 : -4, fill: "var(--soft)", textAnchor: width < 600 ? "middle" : "start" }),
      Plot.ruleY(own, { y: "name", x1: d => d.q[0], x2: d => d.q[3], stroke: "var(--accent)", strokeWidth: 1.5 }),
      Plot.ruleY(own, { y: "name", x1: d => d.q[0], x2: d => d.q[2], stroke: "var(--accent)", strokeOpacity: 0.4, strokeWidth: 10, title }),
      Plot.tickX(own, { y: "name", x: d => d.q[4], stroke: "var(--soft)", strokeWidth: 1.5, inset: 6 }),
      Plot.dot(own, { y: "name", x: d => d.q[1], fill: "var(--accent)", stroke: "var(--page)", r: 4.5, title }),
    ],
  });
}

function times({ times: rows, reference }, width) {
  const names = [...new Set(rows.map(row => row.name))], colour = stage => stage === "run" ? "var(--accent)" : "var(--focus)";
  const title = row => `${row.name}, ${row.stage === "run" ? "running" : "loading"}\n${row.ratios[0]} times that of ${reference}\nquartiles ${row.ratios[1]} and ${row.ratios[2]}`;
  const marks = ["load", "run"].flatMap((stage, place) => {
    const own = rows.filter(row => row.stage === stage), dy = place ? -5 : 5;
    return [
      Plot.ruleY(own, { y: "name", x1: d => d.ratios[1], x2: d => d.ratios[2], stroke: colour(stage), strokeWidth: 2, dy }),
      Plot.dot(own, { y: "name", x: d => d.ratios[0], fill: colour(stage), stroke: "var(--page)", r: 4.5, symbol: stage === "run" ? "circle" : "diamond", dy, title }),
    ];
  });
  return Plot.plot({
    ...base(width, names), height: 34 * names.length + 70, ariaLabel: `Times by target in units of those of ${reference}`,
    x: axis("times the reference →", rows.flatMap(row => row.ratios)),
    marks: [
      Plot.ruleX([1], { stroke: "var(--soft)", strokeDasharray: "2,3" }), ...marks,
      Plot.text(["● running"], { frameAnchor: "top-left", dy: -18, fill: colour("run"), fontWeight: 600 }),
      Plot.text(["◆ loading"], { frameAnchor: "top-left", dx: 84, dy: -18, fill: colour("load"), fontWeight: 600 }),
    ],
  });
}
