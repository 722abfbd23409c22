"""OpenVINO in int8: a sum that changes the zero point of its neighbours, and two products in a row on one thread.

openvino 2026.4.1, numpy 2.4.6; 2025.4 is wrong, too. Environment: openvino2026.4; as it has no onnx, the suite's own
Python makes the files.
    python docs/findings/openvino_quantised.py make /tmp/findings
    .tox/openvino2026.4/bin/python docs/findings/openvino_quantised.py run /tmp/findings
"""

import sys

import numpy as np

task, folder = sys.argv[1:]
if task == "make":
    import onnx
    from onnx.helper import make_empty_tensor_value_info, make_graph, make_model, make_node, make_opsetid
    from onnx.helper import make_tensor_value_info as told
else:
    import openvino as ov

x = np.array([[1, 2], [3, 4]], "f4")
left, right = np.array([[3, -5], [7, 2]], "i1"), np.array([[-2, 3], [1, 1]], "i1")
held = {"s": np.float32(0.25), "t": np.float32(1), "axes": np.array([1]), "left": left, "right": right}
held |= {"z": np.int8(-128), "z2": np.int8(-128), "o": np.int8(0), "bias": np.array([8, -9], "f4")}
seen = []


def quantised(given, name, scale, point):
    """Quantised and back: `name`."""
    yield "QuantizeLinear", [given, scale, point], f"{name}-q", {}
    yield "DequantizeLinear", [f"{name}-q", scale, point], name, {}


def total(op, point):
    """Along axis 1, between two quantisations, the second of which has this zero point."""
    yield from quantised("x", "a", "s", "z")
    yield op, ["a", "axes"], "r", {"keepdims": 0}
    yield from quantised("r", "y", "s", point)


def products(points, *ops):
    """By the matrices `left` and `right`, one after the other, quantised by these zero points around them."""
    yield from quantised("x", "a0", "s", points[0])
    for n, op in enumerate(ops):
        yield "DequantizeLinear", [("left", "right")[n], "t", "o"], f"w{n}", {}
        yield op, [f"a{n}", f"w{n}", *["bias"] * (op == "Gemm")], f"p{n}", {}
        yield from quantised(f"p{n}", "y" if n + 1 == len(ops) else f"a{n + 1}", "t", points[n + 1])


def case(name, nodes, expected, threads=1, wrong=True):
    """Makes a file, or compares what OpenVINO makes of it; `wrong` is what we claim."""
    path = f"{folder}/openvino-quantised-{name}.onnx"
    if task == "make":
        nodes = [make_node(op, inputs, [output], **attributes) for op, inputs, output, attributes in nodes]
        used = {n for node in nodes for n in node.input}
        constants = [onnx.numpy_helper.from_array(np.asarray(held[n]), n) for n in sorted(used & set(held))]
        graph = make_graph(nodes, "g", [told("x", 1, [2, 2])], [make_empty_tensor_value_info("y")], constants)
        model = make_model(graph, opset_imports=[make_opsetid("", 18)], ir_version=8)
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)
        return
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    got = ov.Core().compile_model(path, "CPU", settings)({"x": x})[0]
    print(f"{name}, threads {threads}: expected {expected.ravel()}, got {got.ravel()}")
    seen.append(wrong != (got.shape == expected.shape and np.allclose(got, expected)))


case("ReduceSum", total("ReduceSum", "z"), x.sum(1))
case("ReduceSum-own-zero-point", total("ReduceSum", "z2"), x.sum(1), wrong=False)
case("ReduceMean", total("ReduceMean", "z"), x.mean(1), wrong=False)
low, high = ((lambda a: np.clip(a, -128, 127)), (lambda a: np.clip(a, 0, 255)))  # by the zero points 0 and -128
twice = low(low(x @ left) @ right)
case("MatMul-MatMul", products("zoo", "MatMul", "MatMul"), twice)
case("MatMul-MatMul", products("zoo", "MatMul", "MatMul"), twice, threads=2, wrong=False)
case("MatMul-MatMul-between", products("ozo", "MatMul", "MatMul"), low(high(x @ left) @ right))
case("MatMul-MatMul-around-0", products("ooo", "MatMul", "MatMul"), twice, wrong=False)
case("MatMul-Gemm", products("zoo", "MatMul", "Gemm"), low(low(x @ left) @ right + held["bias"]))
biased = low(low(x @ left + held["bias"]) @ right + held["bias"])
case("Gemm-Gemm", products("zoo", "Gemm", "Gemm"), biased, wrong=False)
case("MatMul", products("zo", "MatMul"), low(x @ left), wrong=False)

if task == "make":
    sys.exit()
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
