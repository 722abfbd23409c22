// The page of scores: its radar plots. All else is in the page already.
import { load } from "data";
import { html, render } from "lit-html";
import { radar } from "radar";

export async function start() {
  const data = await load("scores");
  for (const place of document.querySelectorAll("[data-of]")) render(figures(data[place.dataset.of], place.dataset.label), place);
}

const figures = (rows, label) => html`<p class="soft">${rows.length ? `${label}: 100 % at the rim.` : ""}</p>
<div class="grid">${rows.map(row => html`<figure>${radar([...row.axes, ...row.layers], { second: row.axes.length, title: row.name })}
<figcaption><b>${row.name}</b> <small>${row.told}</small></figcaption></figure>`)}</div>`;
