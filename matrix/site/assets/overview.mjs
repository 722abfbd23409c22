// The first page.
import { html, render } from "lit-html";
import { load } from "data";

export async function start() {
  const about = await load("about");
  render(html`<p>${about.sources.length} sources, ${about.targets.length} targets</p>`, document.querySelector("#overview"));
}
