// Radar plots: a spoke for each category, from 0 in the middle to 1 at the rim.

/** Where a share lies on the spoke with this number, of `count`: [x, y], the first spoke upwards, then clockwise. */
export function point(place, count, share, radius) {
  const angle = 2 * Math.PI * place / count;
  return [radius * share * Math.sin(angle), -radius * share * Math.cos(angle)];
}

/** How the label of a spoke stands to its end: right of it on the right side, above it at the top. */
export function anchor([x, y], radius) {
  const across = Math.abs(x) < 0.15 * radius ? "middle" : x > 0 ? "start" : "end";
  return [across, y < -0.95 * radius ? "-0.2em" : y > 0.95 * radius ? "0.9em" : "0.35em"];
}

/** The axes in words, the weakest first: for those who hear the plot. */
export function told(axes) {
  const known = axes.filter(([, share]) => share !== null).sort((a, b) => a[1] - b[1]);
  return known.map(([label, share]) => `${label} ${Math.round(100 * share)} %`).join(", ");
}

/** An <svg> of these axes, [[label, share or null], …]; those from `second` on are of another kind. */
export function radar(axes, { second = axes.length, size = 340, title }) {
  const radius = size / 2 - 72, reach = axes.map((_, place) => point(place, axes.length, 1, radius));
  const svg = d3.create("svg").attr("viewBox", [-size / 2 - 20, -size / 2 + 30, size + 40, size - 60]).attr("class", "radar").attr("role", "img");
  svg.append("title").text(`${title}: ${told(axes)}`);
  for (const share of [0.25, 0.5, 0.75, 1]) svg.append("circle").attr("class", "ring").attr("r", radius * share);
  svg.append("g").selectAll("line").data(reach).join("line").attr("class", "spoke").attr("x2", d => d[0]).attr("y2", d => d[1]);
  for (const share of [0.5, 1]) svg.append("text").attr("class", "tick").attr("x", 3).attr("y", -radius * share + 9).text(100 * share);
  const shown = axes.map(([, share], place) => [place, share]).filter(([, share]) => share !== null);
  svg.append("path").attr("class", "area").attr("d", d3.line()(shown.filter(([place]) => place < second).map(([place, share]) => point(place, axes.length, share, radius))) + "Z");
  svg.append("g").selectAll("circle").data(shown).join("circle").attr("class", ([place]) => place < second ? "dot" : "dot other").attr("r", 2.6)
    .attr("cx", ([place, share]) => point(place, axes.length, share, radius)[0]).attr("cy", ([place, share]) => point(place, axes.length, share, radius)[1]);
  const others = shown.filter(([place]) => place >= second);
  svg.append("g").selectAll("line").data(others).join("line").attr("class", "other")
    .attr("x2", ([place, share]) => point(place, axes.length, share, radius)[0]).attr("y2", ([place, share]) => point(place, axes.length, share, radius)[1]);
  const labels = svg.append("g").selectAll("text").data(axes).join("text").attr("class", ([, share], place) => `label${share === null ? " none" : ""}${place < second ? "" : " other"}`);
  labels.attr("x", (_, place) => 1.07 * reach[place][0]).attr("y", (_, place) => 1.07 * reach[place][1]).text(([label]) => label);
  labels.attr("text-anchor", (_, place) => anchor(reach[place], radius)[0]).attr("dy", (_, place) => anchor(reach[place], radius)[1]);
  return svg.node();
}
