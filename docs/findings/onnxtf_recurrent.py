"""onnx-tf: the first recurrent cell of each kind is kept on the handler's class, and used for all others.

onnx-tf 1.10.0, tensorflow-cpu 2.8.4, onnx 1.12.0, numpy 1.24.4. Environment: onnxtf1.10.
    .tox/onnxtf1.10/bin/python docs/findings/onnxtf_recurrent.py
"""

import sys

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper
from onnx_tf.backend import prepare
from onnx_tf.handlers.backend.rnn_mixin import RNNMixin

rng = np.random.default_rng(0)
weights = {name: (rng.normal(size=(2, 4, 4)) * 0.4).astype("f4") for name in ("w0", "r0", "w1", "r1")}
seen = []


def rnn(x, w, r):
    """ONNX's RNN with tanh: all states of one direction, (time, batch, units)."""
    h, states = np.zeros((x.shape[1], 4)), []
    for step in x:
        h = np.tanh(step @ w.T + h @ r.T)
        states.append(h)
    return np.array(states)


def prepared(nodes, output, rank, directions):
    """onnx-tf's representation, as a new process would make it."""
    held = [numpy_helper.from_array(array[:directions], name) for name, array in weights.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", "batch", 4])
    y = helper.make_tensor_value_info(output, TensorProto.FLOAT, list("abcd")[:rank])
    graph = helper.make_graph(nodes, "g", [x], [y], held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)
    checker.check_model(model, full_check=True)
    for handler in RNNMixin.__subclasses__():
        handler.rnn_cell = None
    return prepare(model)


def case(finding, session, x, expected, wrong):
    try:
        session = session if hasattr(session, "run") else prepared(*session)
        got = np.asarray(session.run(x)[0])
        right = got.shape == expected.shape and np.allclose(got, expected, atol=1e-4)
        said = "error %.1e" % np.abs(got - expected).max() if got.shape == expected.shape else got.shape
    except Exception as error:
        said = "%s: %s" % (type(error).__name__, " ".join(str(error).split())[-150:])
        right = False
    print("%s: expected %s, got %s" % (finding, expected.shape, said))
    seen.append(right != wrong)


x, longer = rng.normal(size=(7, 2, 4)).astype("f4"), rng.normal(size=(11, 3, 4)).astype("f4")
layer = [helper.make_node("RNN", ["x", "w0", "r0"], ["y0"], hidden_size=4, name="first")]
layer += [helper.make_node("Squeeze", ["y0"], ["s0"], axes=[1])]
next_layer = [helper.make_node("RNN", ["s0", "w1", "r1"], ["y1"], hidden_size=4, name="second")]
first = rnn(x, weights["w0"][0], weights["r0"][0])
case("one layer", (layer, "s0", 3, 1), x, first, wrong=False)
stacked = rnn(first, weights["w1"][0], weights["r1"][0])[:, None]
case("two layers", (layer + next_layer, "y1", 4, 1), x, stacked, wrong=True)

options = {"hidden_size": 4, "direction": "bidirectional", "activations": ["Tanh", "Tanh"]}
both = helper.make_node("RNN", ["x", "w0", "r0"], ["y0"], **options)
session = prepared([both], "y0", 4, 2)
for feed, wrong in ((x, False), (longer, True)):
    forth = rnn(feed, weights["w0"][0], weights["r0"][0])
    back = rnn(feed[::-1], weights["w0"][1], weights["r0"][1])[::-1]
    case("bidirectional at %s" % (feed.shape,), session, feed, np.stack([forth, back], 1), wrong)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
