"""onnx2tf, for LiteRT: axes of one length are taken for each other; an LSTM without a first state is refused.

onnx2tf 1.29.24, ai-edge-litert 2.1.0, tensorflow 2.19.0, onnx 1.19.1, numpy 1.26.4. Environment: litert1.29.
    .tox/litert1.29/bin/python docs/findings/litert_operators.py
"""

import contextlib
import io
import os
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import ai_edge_litert.interpreter as litert
import numpy as np
import onnx2tf
from onnx import TensorProto, checker, helper, numpy_helper, save
from onnx.reference import ReferenceEvaluator

os.chdir(tempfile.mkdtemp())
rng = np.random.default_rng(0)
seen = []


def converted(model, name):
    """LiteRT's interpreter of what onnx2tf writes, inputs left as the file has them; or what it says instead."""
    save(model, f"{name}.onnx")
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            onnx2tf.convert(
                input_onnx_file_path=f"{name}.onnx",
                output_folder_path=name,
                output_signaturedefs=True,
                keep_shape_absolutely_input_names=["x"],
                verbosity="error",
            )
    except ValueError as error:
        return str(error)
    return litert.Interpreter(f"{name}/{name}_float32.tflite").get_signature_runner()


def case(finding, nodes, axes, shape, result, wrong=True, **constants):
    """Compares with the reference evaluator; `wrong` is what we claim."""
    x = rng.normal(size=shape).astype("f4")
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, axes)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)]
    held = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    expected = ReferenceEvaluator(model).run(None, {"x": x})[0]
    made = converted(model, f"m{len(seen)}")
    got = made if isinstance(made, str) else made(x=x)["y"]
    right = np.shape(got) == expected.shape and np.allclose(got, expected, atol=1e-5)
    error = f", error {np.abs(got - expected).max():.1e}" if np.shape(got) == expected.shape else ""
    print(
        f"## {finding}: expected {expected.shape}, got {got if isinstance(got, str) else got.shape}{error}", flush=True
    )
    if expected.size == 9:
        print(expected, got, sep="\n")
    seen.append(right != wrong)


def transpose(*perm):
    return [helper.make_node("Transpose", ["x"], ["y"], perm=perm)]


def patches(units, pixels):
    """An image cut into 2 x 2 patches, as a vision transformer does: (1, patches, units)."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], strides=[2, 2]),
        helper.make_node("Reshape", ["c", "to"], ["r"]),
        helper.make_node("Transpose", ["r"], ["y"], perm=[0, 2, 1]),
    ]
    w = rng.normal(size=(units, 3, 2, 2)).astype("f4")
    count = pixels[0] * pixels[1] // 4
    constants = {"w": w, "to": np.array([1, units, count])}
    return {"nodes": nodes, "axes": [1, 3, *pixels], "shape": (1, 3, *pixels), "result": [1, count, units], **constants}


case("6 patches of 6 units", **patches(6, (4, 6)))
case("  of 5 units", **patches(5, (4, 6)), wrong=False)
case("Transpose (1, 0) of 3 x 3", transpose(1, 0), [3, 3], (3, 3), [3, 3])
case("  of 3 x 4", transpose(1, 0), [3, 4], (3, 4), [4, 3], wrong=False)
case("  of two open axes", transpose(1, 0), ["a", "b"], (3, 4), ["b", "a"])
case("  of one", transpose(1, 0), ["a", 4], (3, 4), [4, "a"], wrong=False)
case("Transpose (2, 0, 1, 3) of 7 x 2 x 2 x 4", transpose(2, 0, 1, 3), [7, 2, 2, 4], (7, 2, 2, 4), [2, 7, 2, 4])

pool = [helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])]
case("MaxPool: channels last, which onnx2tf documents", pool, [1, 3, 4, 8], (1, 3, 4, 8), [1, 3, 2, 4])

weights = {name: (rng.normal(size=(1, 20, n)) * 0.5).astype("f4") for name, n in (("W", 4), ("R", 5))}
weights["B"] = np.zeros((1, 40), "f4")
lstm = [helper.make_node("LSTM", ["x", "W", "R", "B"], ["y"], hidden_size=5)]
case("LSTM", lstm, [7, 2, 4], (7, 2, 4), [7, 1, 2, 5], **weights)
lstm = [helper.make_node("LSTM", ["x", "W", "R", "B", "", "s", "s"], ["y"], hidden_size=5)]
weights["s"] = np.zeros((1, 2, 5), "f4")
case("  with a first state of zeros", lstm, [7, 2, 4], (7, 2, 4), [7, 1, 2, 5], wrong=False, **weights)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
