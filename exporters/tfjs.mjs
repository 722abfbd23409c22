/**
 * TensorFlow.js, in Node.js: builds a model of tf.layers call by call for tfjs.py, runs it, and saves it.
 *
 * A message is one line of JSON and the bytes of its tensors, of which it says [name, type, dims, length in bytes] in
 * `tensors`. What is thrown goes back as text, in `error`. The backend is TensorFlow.js's own on the CPU, in JavaScript.
 */

import { createRequire } from "node:module";
import { readSync, writeSync } from "node:fs";

const [folder, reading, writing] = process.argv.slice(2);
const tf = createRequire(folder + "/")("@tensorflow/tfjs");
const TYPES = { float32: Float32Array, int32: Int32Array };
let layers, tensors, model;

/** A layer of tf.layers; one that wraps another has it in its arguments. */
function make(kind, { layer, ...args }) {
  if (!tf.layers[kind]) throw new Error(`tf.layers has no ${kind}`);
  return tf.layers[kind](layer ? { layer: make(...layer), ...args } : args);
}

/** Remember a symbolic tensor; its number and its shape, where null is an axis of any length. */
function known(tensor) {
  tensors.push(tensor);
  return { tensor: tensors.length - 1, shape: tensor.shape };
}

const COMMANDS = {
  start() {
    tf.disposeVariables();
    [layers, tensors, model] = [{}, [], undefined];
    return {};
  },
  input: ({ name, shape, dtype }) => known(tf.input({ name, batchShape: shape, dtype })),
  apply({ key, kind, args, inputs }, weights) {
    layers[key] ??= make(kind, args);
    const found = known(layers[key].apply(inputs.length > 1 ? inputs.map((n) => tensors[n]) : tensors[inputs[0]]));
    if (weights.length) layers[key].setWeights(weights.map(([, tensor]) => tensor));
    return found;
  },
  end({ inputs, outputs }) {
    model = tf.model({ inputs: inputs.map((n) => tensors[n]), outputs: outputs.map((n) => tensors[n]) });
    return {};
  },
  run(_, given) {
    const results = [model.predict(given.length > 1 ? given.map(([, tensor]) => tensor) : given[0][1])].flat();
    return { results: results.map((result, n) => [String(n), result.dtype, result.shape, result.dataSync()]) };
  },
  /** What model.save() writes to a disk: the topology, and all weights with their names. */
  async save() {
    let saved;
    await model.save(tf.io.withSaveHandler(async (artifacts) => ((saved = artifacts), { modelArtifactsInfo: {} })));
    const results = saved.weightSpecs.map(({ name, dtype, shape }) => [name, dtype, shape]);
    let start = 0;
    for (const result of results) {
      const length = 4 * result[2].reduce((product, n) => product * n, 1);
      result.push(new Uint8Array(saved.weightData.slice(start, (start += length))));
    }
    return { topology: saved.modelTopology, results };
  },
};

function unpack(bytes) {
  const end = bytes.indexOf(10);
  const message = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  let start = end + 1;
  const given = message.tensors.map(([name, type, dims, length]) => {
    const data = new TYPES[type](bytes.slice(start, (start += length)).buffer);
    return [name, tf.tensor(data, dims, type)];
  });
  return [message, given];
}

function pack({ results = [], ...message }) {
  const parts = results.map(([, , , data]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const told = results.map(([name, type, dims], n) => [name, type, dims, parts[n].length]);
  return Buffer.concat([Buffer.from(JSON.stringify({ ...message, tensors: told }) + "\n"), ...parts]);
}

async function answer(bytes) {
  try {
    const [message, given] = unpack(bytes);
    return pack(await COMMANDS[message.command](message, given));
  } catch (error) {
    return pack({ error: String(error) });
  }
}

function read(length) {
  const bytes = new Uint8Array(length);
  for (let have = 0, more; have < length; have += more) {
    more = readSync(Number(reading), bytes, have, length - have);
    if (more === 0) process.exit(0);
  }
  return bytes;
}

function write(bytes) {
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(Number(writing), bytes, sent);
}

await tf.setBackend("cpu");
for (;;) {
  const [length] = new Uint32Array(read(4).buffer);
  const told = await answer(read(length));
  write(new Uint8Array(new Uint32Array([told.length]).buffer));
  write(told);
}
