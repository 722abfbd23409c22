// Read .onnx files as the page does: node --import resolver.mjs read_model.mjs FILE …; prints [{model} or {refused}, …].
import { openAsBlob } from "node:fs";
import { NotOnnx, readModel } from "onnx";

const told = [];
for (const path of process.argv.slice(2)) {
  try {
    told.push({ model: await readModel(await openAsBlob(path)) });
  } catch (error) {
    if (!(error instanceof NotOnnx)) throw error;
    told.push({ refused: error.message });
  }
}
console.log(JSON.stringify(told));
