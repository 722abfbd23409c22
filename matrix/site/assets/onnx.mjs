// What an .onnx file is made of, read in parts: tensors' data, which make it large, are stepped over and never loaded.
// Numbers of fields are those of onnx.proto.
import { PbfReader } from "pbf";

/** What is wrong with a file, for the reader. */
export class NotOnnx extends Error {}

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];
const [LEAST, MOST] = [4096, 1 << 20];
const LONGEST_TEXT = 1 << 16;
const DEEPEST = 50;
const EXTERNAL = 1;
const DTYPES = ["UNDEFINED", "FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32", "INT64", "STRING", "BOOL", "FLOAT16", "DOUBLE", "UINT32",
  "UINT64", "COMPLEX64", "COMPLEX128", "BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "UINT4", "INT4",
  "FLOAT4E2M1", "FLOAT8E8M0", "UINT2", "INT2"];

/**
 * {producer, opsets: {domain: version}, operators: {name: nodes}, inputs: [{name, dtype, shape}], weights: {number, dtypes,
 * external}, subgraphs, functions, read: bytes that were looked at}. Operators are named "Conv", "ai.onnx.ml::Normalizer";
 * those of subgraphs and of functions are among them, calls of the file's own functions are not. A shape has numbers,
 * names, and null for what is not said. Rejected with NotOnnx. file: a Blob.
 */
export async function readModel(file) {
  const reader = new Reader(file);
  const model = {
    producer: "", opsets: {}, calls: new Map(), operators: {}, inputs: [], constants: new Set(),
    weights: { number: 0, dtypes: {}, external: false }, subgraphs: 0, functions: [], graphs: 0,
  };
  if (!file.size) throw new NotOnnx("The file is empty.");
  await readFields(reader, 0, file.size, {
    2: async (from, to) => { model.producer = await reader.text(from, to); },
    7: (from, to) => { model.graphs++; return readGraph(reader, from, to, model, 0); },
    8: (from, to) => readOpset(reader, from, to, model.opsets),
    25: (from, to) => readFunction(reader, from, to, model),
  });
  if (!model.graphs) throw new NotOnnx("The file has no graph: it is no ONNX model.");
  if (!Object.keys(model.opsets).length) throw new NotOnnx("The file does not say its opset: it is no ONNX model, or a damaged one.");
  const own = new Set(model.functions);
  const names = [...model.calls].filter(([name]) => !own.has(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  if (!names.length && !model.inputs.length) throw new NotOnnx("The graph is empty: this is no ONNX model, or a damaged one.");
  const { constants, calls, graphs, ...told } = model;
  return { ...told, operators: Object.fromEntries(names), inputs: model.inputs.filter(input => !constants.has(input.name)), read: reader.read };
}

async function readGraph(reader, from, to, model, depth) {
  if (depth > DEEPEST) throw new NotOnnx(`Graphs lie ${DEEPEST} deep in each other: the file is damaged.`);
  await readFields(reader, from, to, {
    1: (a, b) => readNode(reader, a, b, model, depth),
    5: async (a, b) => { const name = await readTensor(reader, a, b, model); if (!depth) model.constants.add(name); },
    11: async (a, b) => { const input = await readValue(reader, a, b); if (!depth) model.inputs.push(input); },
  });
}

async function readNode(reader, from, to, model, depth) {
  let [type, domain] = ["", ""];
  await readFields(reader, from, to, {
    4: async (a, b) => { type = await reader.text(a, b); },
    5: (a, b) => readAttribute(reader, a, b, model, depth),
    7: async (a, b) => { domain = await reader.text(a, b); },
  });
  const name = named(domain, type);
  model.calls.set(name, (model.calls.get(name) ?? 0) + 1);
}

function readAttribute(reader, from, to, model, depth) {
  const graph = (a, b) => { model.subgraphs++; return readGraph(reader, a, b, model, depth + 1); };
  const tensor = (a, b) => readTensor(reader, a, b, model);
  return readFields(reader, from, to, { 5: tensor, 6: graph, 10: tensor, 11: graph });
}

async function readFunction(reader, from, to, model) {
  let [name, domain] = ["", ""];
  await readFields(reader, from, to, {
    1: async (a, b) => { name = await reader.text(a, b); },
    7: (a, b) => readNode(reader, a, b, model, 1),
    10: async (a, b) => { domain = await reader.text(a, b); },
  });
  model.functions.push(named(domain, name));
}

async function readOpset(reader, from, to, opsets) {
  let [domain, version] = ["", 0];
  await readFields(reader, from, to, { 1: async (a, b) => { domain = await reader.text(a, b); } }, { 2: value => { version = value; } });
  opsets[domain === "ai.onnx" ? "" : domain] = version;
}

/** The name of a tensor; its kind is counted among the weights. */
async function readTensor(reader, from, to, model) {
  let [name, kind] = ["", 0];
  await readFields(reader, from, to, {
    8: async (a, b) => { name = await reader.text(a, b); },
  }, {
    2: value => { kind = value; },
    14: value => { if (value === EXTERNAL) model.weights.external = true; },
  });
  const { weights } = model;
  const dtype = DTYPES[kind] ?? `type ${kind}`;
  weights.number++;
  weights.dtypes[dtype] = (weights.dtypes[dtype] ?? 0) + 1;
  return name;
}

/** A graph's input: only tensors have a shape here. */
async function readValue(reader, from, to) {
  const input = { name: "", dtype: "", shape: null };
  const dimension = async (a, b) => {
    let size = null;
    await readFields(reader, a, b, { 2: async (c, d) => { size = await reader.text(c, d); } }, { 1: value => { size = value < 2 ** 63 ? value : null; } });
    input.shape.push(size);
  };
  const shape = (a, b) => { input.shape = []; return readFields(reader, a, b, { 1: dimension }); };
  const tensor = (a, b) => readFields(reader, a, b, { 2: shape }, { 1: value => { input.dtype = DTYPES[value] ?? `type ${value}`; } });
  await readFields(reader, from, to, {
    1: async (a, b) => { input.name = await reader.text(a, b); },
    2: (a, b) => readFields(reader, a, b, { 1: tensor }),
  });
  return input;
}

const named = (domain, name) => (domain === "" || domain === "ai.onnx" ? name : `${domain}::${name}`);

/**
 * Go through the fields of a message that lies from..to: parts[number](from, to) for messages and texts,
 * numbers[number](value) for numbers. What is in neither is stepped over.
 */
async function readFields(reader, from, to, parts, numbers = {}) {
  let at = from;
  while (at < to) {
    const pbf = await reader.near(at, Math.min(20, to - at));
    const begin = pbf.pos;
    const tag = varint(pbf, at);
    const [field, kind] = [Math.floor(tag / 8), tag % 8];
    if (field < 1 || field >= 2 ** 29) throw damaged(at);
    const value = kind === FIXED64 ? 8 : kind === FIXED32 ? 4 : kind === BYTES || kind === VARINT ? varint(pbf, at) : undefined;
    if (value === undefined) throw damaged(at);
    const start = at + pbf.pos - begin;
    const end = kind === VARINT ? start : start + value;
    if (end > to) throw damaged(at, end > reader.file.size);
    if (kind === BYTES) await parts[field]?.(start, end);
    else if (kind === VARINT) numbers[field]?.(value);
    at = end;
  }
}

/** A number of the window, which must end there. */
function varint(pbf, at) {
  const bytes = pbf.buf.subarray(pbf.pos, pbf.pos + 10);
  if (!bytes.some(byte => byte < 0x80)) throw damaged(at);
  return pbf.readVarint();
}

function damaged(at, cut = false) {
  if (at < 64) return new NotOnnx("This is no ONNX model: its first bytes are something else, or damaged.");
  return new NotOnnx(cut ? `The file is cut off: what begins at byte ${at} goes on beyond its end.` : `The file is damaged at byte ${at}, or it is no ONNX model.`);
}

/** A file, of which a small window is in memory; it grows while one reads on, and shrinks after a step. */
class Reader {
  constructor(file) {
    Object.assign(this, { file, start: 0, end: 0, size: LEAST, read: 0, pbf: undefined });
  }

  /** A PbfReader that stands at a place, with so many bytes behind it. */
  async near(at, length) {
    if (at < this.start || at + length > this.end) {
      this.size = at >= this.start && at <= this.end ? Math.min(MOST, this.size * 2) : LEAST;
      const bytes = new Uint8Array(await this.file.slice(at, Math.min(this.file.size, at + Math.max(this.size, length))).arrayBuffer());
      if (bytes.length < length) throw damaged(at, true);
      Object.assign(this, { start: at, end: at + bytes.length, pbf: new PbfReader(bytes), read: this.read + bytes.length });
    }
    this.pbf.pos = at - this.start;
    return this.pbf;
  }

  async text(from, to) {
    if (to - from > LONGEST_TEXT) throw new NotOnnx(`A name of ${to - from} bytes at byte ${from}: the file is damaged, or it is no ONNX model.`);
    if (from === to) return "";
    const pbf = await this.near(from, to - from);
    return new TextDecoder().decode(pbf.buf.subarray(pbf.pos, pbf.pos + to - from));
  }
}
