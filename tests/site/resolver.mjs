// Bare names mean the site's modules, as its import map has them; everything else is node's.
import { existsSync } from "node:fs";
import { register } from "node:module";

const assets = new URL("../../matrix/site/assets/", import.meta.url);

export async function resolve(name, context, next) {
  const own = [`${name}.mjs`, `vendor/${name}.mjs`].map(path => new URL(path, assets)).find(url => /^[\w-]+$/.test(name) && existsSync(url));
  return own ? { url: own.href, shortCircuit: true } : next(name, context);
}

register(import.meta.url);
