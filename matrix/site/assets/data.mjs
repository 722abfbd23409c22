// Loading what lies beside the page. Classic scripts, because from file:// nothing else may be loaded.

const known = new Map();

/** The value of data/NAME.js; rejected where there is no such file. */
export function load(name) {
  if (!known.has(name)) {
    known.set(name, globalThis.matrix?.[name] !== undefined ? Promise.resolve(globalThis.matrix[name]) : fetched(name));
  }
  return known.get(name);
}

function fetched(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `data/${name.split("/").map(encodeURIComponent).join("/")}.js`;
    script.onload = () => resolve(globalThis.matrix[name]);
    script.onerror = () => reject(new Error(`no data ${name}`));
    document.head.append(script);
  });
}

const kinds = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };

/** The numbers that build.packed() made, as a typed array. */
export async function unpack({ dtype, data }) {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new kinds[dtype](await new Response(stream).arrayBuffer());
}
