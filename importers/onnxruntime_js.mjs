/**
 * ONNX Runtime in JavaScript: answers onnxruntime_js.py, in Node.js through two pipes or in a page of a browser.
 *
 * A message is one line of JSON and the bytes of its tensors, of which it says [name, type, dims, length in bytes] in
 * `tensors`; the bytes of texts are a list in JSON. What is thrown goes back as text, in `error`.
 */

const TYPES = {
  float32: Float32Array,
  float64: Float64Array,
  float16: globalThis.Float16Array ?? Uint16Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};
const THREADS = { intraOpNumThreads: 1, interOpNumThreads: 1 };
let ort, session;
let placed = {};

/** The line and the tensors of a message. */
function unpack(bytes) {
  const end = bytes.indexOf(10);
  const message = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  let start = end + 1;
  const tensors = (message.tensors ?? []).map(([name, type, dims, length]) => {
    const data = bytes.slice(start, start + length);
    start += length;
    return [name, new ort.Tensor(type, values(type, data), dims)];
  });
  return [message, Object.fromEntries(tensors)];
}

/** What ONNX Runtime takes as the data of a tensor. */
function values(type, bytes) {
  if (type === "string") return JSON.parse(new TextDecoder().decode(bytes));
  if (!TYPES[type]) throw new TypeError(`no tensors of ${type}`);
  return new TYPES[type](bytes.buffer);
}

/** The bytes of a message with these tensors: the values that the runtime gave, as they are. */
function pack(message, results = {}) {
  const tensors = [];
  const parts = [];
  for (const [name, { type, dims, data }] of Object.entries(results)) {
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new TextEncoder().encode(JSON.stringify(data));
    tensors.push([name, type, dims, bytes.length]);
    parts.push(bytes);
  }
  return joined([new TextEncoder().encode(JSON.stringify({ ...message, tensors }) + "\n"), ...parts]);
}

function joined(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let start = 0;
  for (const part of parts) {
    bytes.set(part, start);
    start += part.length;
  }
  return bytes;
}

/** What can be asked: a session of the model in a file, and its outputs for some tensors. */
const COMMANDS = {
  async load({ model, provider }) {
    await session?.release();
    session = undefined;
    placed = {};
    const options = { executionProviders: [provider], ...THREADS, logSeverityLevel: provider === "cpu" ? 2 : 0 };
    session = await ort.InferenceSession.create(model, options);
    const { vendor, architecture } = provider === "webgpu" ? (await ort.env.webgpu.device).adapterInfo : {};
    return pack({ provider, placed, adapter: vendor && `${vendor} ${architecture}` });
  },
  async run(_, tensors) {
    return pack({}, await session.run(tensors, { logSeverityLevel: 2 }));
  },
};

/** The answer to one message. */
export async function answer(bytes) {
  try {
    const [message, tensors] = unpack(bytes);
    return await COMMANDS[message.command](message, tensors);
  } catch (error) {
    return pack({ error: String(error) });
  }
}

/** Only the log says where the nodes of a graph were placed; of the rest, what is no warning is left out. */
function listen() {
  for (const level of ["log", "info", "warn", "error", "debug"]) {
    const print = console[level];
    console[level] = (...words) => {
      const [, provider, count] = /placed on \[(\w+)\]\. Number of nodes: (\d+)/.exec(words[0]) ?? [];
      if (provider) placed[provider] = Number(count);
      else if (!/\[[VI]:onnxruntime/.test(words[0])) print(...words);
    };
  }
}

/** In a page: load the runtime from a module, and let it find its WebAssembly in a folder. */
export async function open(module, folder) {
  listen();
  ort = await import(module);
  ort.env.wasm.wasmPaths = folder;
  ort.env.wasm.numThreads = 1;
}

/** In Node.js: answer what comes from one pipe on the other, until the first is closed. */
async function serve(folder, name, reading, writing) {
  const { createRequire } = await import("node:module");
  const { readSync, writeSync } = await import("node:fs");
  const read = (length) => {
    const bytes = new Uint8Array(length);
    for (let have = 0, more; have < length; have += more) {
      more = readSync(reading, bytes, have, length - have);
      if (more === 0) process.exit(0);
    }
    return bytes;
  };
  const write = (bytes) => {
    for (let sent = 0; sent < bytes.length; ) sent += writeSync(writing, bytes, sent);
  };
  listen();
  ort = createRequire(folder + "/")(name);
  ort.env.wasm.numThreads = 1;
  for (;;) {
    const [length] = new Uint32Array(read(4).buffer);
    const told = await answer(read(length));
    write(new Uint8Array(new Uint32Array([told.length]).buffer));
    write(told);
  }
}

if (typeof process !== "undefined") {
  const [folder, name, reading, writing] = process.argv.slice(2);
  await serve(folder, name, Number(reading), Number(writing));
}
