// How statuses, shares and numbers are shown, everywhere the same; matrix/site/shown.py does so before scripts run.
import { html, nothing } from "lit-html";

export const RIGHT = ["PASS", "IMPRECISE"];
export const OUTSIDE = ["NOT_EXPORTED", "NOT_RUN"];
const STEPS = [0, 1e-9, 0.25, 0.5, 0.75, 0.9, 1];

/** A status: a swatch and its word. */
export const status = name => html`<span class="status" data-status=${name}>${name}</span>`;

/** The place of a share, from 0 to 1, among the shades. */
export const step = share => STEPS.filter(least => share >= least).length - 1;

/** A share in percent: 100 is all, 0 is none. */
export const percent = share => (share > 0 && share < 0.01 ? "<1" : String(Math.floor(100 * share + 1e-9)));

/** A number with three digits, "–" where there is none. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  return Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(3)));
}

/** Seconds, in milliseconds where they are few. */
export function seconds(value) {
  if (value === null || value === undefined) return "–";
  return value < 1 ? `${number(value * 1000)} ms` : `${number(value)} s`;
}

/** Bytes in B, kB, MB or GB. */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const place = value < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(value) / 3));
  return `${number(value / 1000 ** place)} ${["B", "kB", "MB", "GB"][place]}`;
}

/** The list of definitions of what there is to say: [[term, value], …]; what is empty is left out. */
export const facts = entries => html`<dl class="facts">${entries.map(([term, value]) =>
  value === undefined || value === null || value === "" ? nothing : html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`;

/** A chart as one picture for screen readers, under the name of all of it: its parts are called "rule" and "dot". */
export function asPicture(svg) {
  svg.setAttribute("role", "img");
  for (const part of svg.querySelectorAll("[aria-label], [aria-description]")) { part.removeAttribute("aria-label"); part.removeAttribute("aria-description"); }
  return svg;
}
