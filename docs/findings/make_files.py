"""The ONNX files for the environments without the onnx package: those of OpenVINO, OpenCV, tract, MNN,
ncnn and ONNX Runtime in JavaScript.

onnx 1.23.2, numpy 2.4.6. Environment: the suite's own Python (`pip install -e .`).
    python docs/findings/make_files.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save, shape_inference

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(0)


def write(name, shape, outputs, *nodes, opset=17, dtype=TensorProto.FLOAT, **constants):
    """One graph with an input x; outputs: name -> rank."""
    inputs = [helper.make_tensor_value_info("x", dtype, shape)]
    results = [helper.make_tensor_value_info(n, dtype, [None] * rank) for n, rank in outputs.items()]
    initializers = [numpy_helper.from_array(np.asarray(array), n) for n, array in constants.items()]
    graph = helper.make_graph(list(nodes), name, inputs, results, initializers)
    domains = [helper.make_opsetid(domain, 1) for domain in {node.domain for node in nodes} - {""}]
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *domains], ir_version=8)
    checker.check_model(model, full_check=True)
    save(model, folder / f"{name}.onnx")


def single(name, op, opset, inputs, outputs="y", constants=(), **attributes):
    """One operator: its inputs are arrays, of which dtype and shape count, or None; those in `constants` are held."""
    given = {n: array for n, array in inputs.items() if array is not None}
    infos = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for n, array in given.items()
        if n not in constants
    ]
    call = helper.make_node(op, [n if n in given else "" for n in inputs], outputs.split(), **attributes)
    results = [helper.make_empty_tensor_value_info(n) for n in outputs.split()]
    graph = helper.make_graph([call], name, infos, results, [numpy_helper.from_array(given[n], n) for n in constants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    model = shape_inference.infer_shapes(model, strict_mode=True)
    checker.check_model(model, full_check=True)
    save(model, folder / f"{name}.onnx")


node = helper.make_node
for opset in (13, 17, 18):
    for op in ("ReduceL1", "ReduceLogSumExp"):
        axes = {"inputs": ["x"], "axes": [1]} if opset < 18 else {"inputs": ["x", "axes"]}
        held = {} if opset < 18 else {"axes": np.array([1])}
        write(f"{op}-{opset}", [2, 3, 4], {"y": 3}, node(op, outputs=["y"], keepdims=1, **axes), opset=opset, **held)
rising = np.arange(1, 7, dtype="f4")
for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2"):
    for shape, rows in (([6, 4], [6, 1]), ([2, 6, 4], [6, 1]), ([2, 6, 4, 4], [6, 1, 1])):
        pair = node(op, ["x", "axes"], ["r"]), node("Mul", ["r", "c"], ["y"])
        name, rank = f"{op}-Mul-{len(shape)}", len(shape)
        write(name, shape, {"y": rank}, *pair, opset=18, axes=np.array([rank - 1]), c=rising.reshape(rows))
write("Reshape", ["b", "t", 4], {"y": 3}, node("Reshape", ["x", "to"], ["y"]), to=np.array([7, 2, 4]))
write("Unsqueeze", [2, 3], {"y": 2}, node("Unsqueeze", ["x", "axes"], ["y"]), axes=np.zeros(0, "i8"))
mean = node("ReduceMean", ["x"], ["m"], axes=[0, 1], keepdims=0)
write("ReduceMean-all", [2, 3], {"m": 0}, mean)
halves = {
    branch: helper.make_graph(
        [node(op, inputs, [branch])], branch, [], [helper.make_tensor_value_info(branch, TensorProto.FLOAT, [2, 3])]
    )
    for branch, op, inputs in (("then", "Neg", ["x"]), ("else", "Mul", ["x", "two"]))
}
either = node("If", ["c"], ["y"], then_branch=halves["then"], else_branch=halves["else"])
whole = node("ReduceMean", ["x"], ["m"], keepdims=0)  # all axes, since none is named
zero, two = np.float32(0), np.float32(2)
write("If", [2, 3], {"y": 2}, whole, node("Greater", ["m", "zero"], ["c"]), either, zero=zero, two=two)
state = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in ("s", "k", "sum", "kept")]
turn = helper.make_tensor_value_info("i", TensorProto.INT64, [])
go, on = (helper.make_tensor_value_info(n, TensorProto.BOOL, []) for n in ("go", "on"))
steps = [node("Add", ["s", "k"], ["sum"]), node("Identity", ["go"], ["on"]), node("Identity", ["k"], ["kept"])]
for name, used, second in (("k", steps[:2], state[1]), ("kept", steps, state[3])):  # k as it came, or by an Identity
    body = helper.make_graph(used, "body", [turn, go, *state[:2]], [on, state[2], second])
    loop = node("Loop", ["n", "", "x", "c"], ["y", "z"], body=body)
    write(f"Loop-{name}", [2], {"y": 1}, loop, n=np.array(3), c=np.ones(2, "f4"))
write("Dropout", [2, 3], {"y": 2}, node("Dropout", ["x"], ["y"]))
write(
    "ConvTranspose-3",
    [1, 1, 2, 2, 2],
    {"y": 5},
    node("ConvTranspose", ["x", "w"], ["y"]),
    w=np.ones((1, 1, 1, 1, 1), "f4"),
)
write("Neg-float16", [3], {"y": 1}, node("Neg", ["x"], ["y"]), dtype=TensorProto.FLOAT16)
write("Sin", [5], {"y": 1}, node("Sin", ["x"], ["y"]))
write("LRN", [2, 5, 3, 3], {"y": 4}, node("LRN", ["x"], ["y"], size=4, alpha=0.1))
pool = {"kernel_shape": [1, 3], "strides": [1, 2], "pads": [0, 1, 0, 1], "ceil_mode": 1, "count_include_pad": 1}
write("AveragePool", [1, 1, 1, 4], {"y": 4}, node("AveragePool", ["x"], ["y"], **pool))
for axes in ([1, 2, 3], [2, 3, 4]):
    name = "ReduceMax-" + "".join(map(str, axes))
    write(name, [2, 3, 4, 5, 6], {"y": 5}, node("ReduceMax", ["x"], ["y"], axes=axes))
elu = [node("Div", ["x", "c"], ["d"]), node("Elu", ["d"], ["e"]), node("Mul", ["e", "c"], ["y"])]
write("Elu", [2, 3, 4], {"y": 3}, *elu, c=np.float32(1.5))
for name, between in (("", []), ("-Relu", [node("Relu", ["r"], ["s"])])):
    twice = [node("Reshape", ["x", "a"], ["r"]), *between, node("Reshape", ["s" if between else "r", "b"], ["y"])]
    write(f"Reshapes{name}", [14, 8], {"y": 4}, *twice, a=np.array([2, 7, 8]), b=np.array([0, -1, 2, 4]))
for approximate in ("none", "tanh"):
    write(f"Gelu-{approximate}", [2, 7], {"y": 2}, node("Gelu", ["x"], ["y"], approximate=approximate), opset=20)

square, kernel = (rng.normal(size=shape).astype("f4") for shape in ((64, 64), (4, 4, 3, 3)))
write("MatMul", [64, 64], {"y": 2}, node("MatMul", ["x", "w"], ["y"]), w=square)
up, conv = node("ConvTranspose", ["x", "w"], ["y"]), node("Conv", ["u", "w"], ["y"])
write("Transposed", [2, 4, 8, 8], {"y": 4}, up, w=kernel)
write("Transposed-Conv", [2, 4, 8, 8], {"y": 4}, node("ConvTranspose", ["x", "w"], ["u"]), conv, w=kernel)

arrays = {"w": (1, 12, 4), "r": (1, 12, 3)}
lstm = {n: (rng.normal(size=shape) * 0.4).astype("f4") for n, shape in arrays.items()}
gru = {n: np.ascontiguousarray(array[:, :9]) for n, array in lstm.items()}
np.savez(folder / "gru.npz", **gru)
np.savez(folder / "lstm.npz", **lstm)
for direction in ("forward", "reverse"):
    for op, weights in (("GRU", gru), ("LSTM", lstm)):
        for names, outputs in (("both", ["y", "h"]), ("y", ["y"])):
            cell = node(op, ["x", "w", "r"], outputs, hidden_size=3, direction=direction)
            ranks = {"y": 4, "h": 3} if names == "both" else {"y": 4}
            write(f"{op}-{direction}-{names}", [7, 2, 4], ranks, cell, **weights)
for p in (1, 2, 3):
    write(f"GlobalLpPool-{p}", [1, 2, 3, 3], {"y": 4}, node("GlobalLpPool", ["x"], ["y"], p=p))
for mode in ("edge", "reflect"):
    for name, value in (("without", []), ("with", ["v"])):  # the value of the mode "constant", which these ignore
        held = {"p": np.array([1, 2, 1, 2]), "v": np.float32(0)}
        pad = node("Pad", ["x", "p", *value], ["y"], mode=mode)
        write(f"Pad-{mode}-{name}", [4, 5], {"y": 2}, pad, **{n: held[n] for n in ("p", *value)})
for alpha in (1.0, 2.0):
    write(f"Celu-{alpha:.0f}", [6], {"y": 1}, node("Celu", ["x"], ["y"], alpha=alpha))
rnn = {n: np.ascontiguousarray(array[:, :3]) for n, array in lstm.items()}
np.savez(folder / "rnn.npz", **rnn)
for activation in ("Tanh", "Relu"):
    cell = node("RNN", ["x", "w", "r"], ["y"], hidden_size=3, activations=[activation])
    write(f"RNN-{activation}", [7, 2, 4], {"y": 4}, cell, **rnn)

column = np.array([1, -2, -2, 1], "f4")
compared = [node("Less", ["x", "c"], ["l"]), node("Cast", ["l"], ["y"], to=TensorProto.FLOAT)]
write("Less", [4], {"y": 1}, *compared, c=column)
hot = {"depth": np.array(5), "values": np.array([0, 1], "f4")}
for name, axis in (("", {}), ("-last", {"axis": -1}), ("-2", {"axis": 2})):
    pair = node("Cast", ["x"], ["i"], to=TensorProto.INT64), node("OneHot", ["i", "depth", "values"], ["y"], **axis)
    write(f"OneHot{name}", [2, 3], {"y": 3}, *pair, **hot)
write("MatMul-vector", [2, 5, 3], {"y": 2}, node("MatMul", ["x", "v"], ["y"]), v=np.ones(3, "f4"))
row = rng.normal(size=(6, 4, 3)).astype("f4")
write("Conv-1d", [2, 4, 12], {"y": 3}, node("Conv", ["x", "w"], ["y"], pads=[1, 1]), w=row)
write(
    "Conv-1d-Tanh",
    [2, 4, 12],
    {"y": 3},
    node("Conv", ["x", "w"], ["c"], pads=[1, 1]),
    node("Tanh", ["c"], ["y"]),
    w=row,
)
cube = rng.normal(size=(2, 2, 2, 3, 3)).astype("f4")
up = {"kernel_shape": [2, 3, 3], "strides": [2, 2, 2], "pads": [0, 1, 1, 0, 1, 1]}
write("Transposed-3d", [1, 2, 3, 4, 3], {"y": 5}, node("ConvTranspose", ["x", "w"], ["y"], **up), w=cube)
biased = node("ConvTranspose", ["x", "w", "b"], ["y"], **up)
write("Transposed-3d-bias", [1, 2, 3, 4, 3], {"y": 5}, biased, w=cube, b=np.array([100, 200], "f4"))
write("MaxPool-3d", [1, 1, 4, 4, 4], {"y": 5}, node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2, 2], strides=[2, 2, 2]))
for axes in ([1], [1, 2]):
    name = "ReduceSum-" + "".join(map(str, axes))
    write(name, [2, 3, 4], {"y": 3 - len(axes)}, node("ReduceSum", ["x", "a"], ["y"], keepdims=0), a=np.array(axes))
write("Gemm-bias", [4, 3], {"y": 2}, node("Gemm", ["x", "b", "c"], ["y"]), b=np.ones((3, 5), "f4"), c=np.ones(4, "f4"))
tree = {  # x < 0 ? -0.4 : 0.2, and a logistic function of that
    "nodes_treeids": [0, 0, 0], "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0],
    "nodes_modes": ["BRANCH_LT", "LEAF", "LEAF"], "nodes_values": [0.0, 0.0, 0.0], "nodes_truenodeids": [1, 0, 0],
    "nodes_falsenodeids": [2, 0, 0], "class_treeids": [0, 0], "class_nodeids": [1, 2], "class_ids": [0, 0],
    "class_weights": [-0.4, 0.2], "classlabels_int64s": [0, 1], "post_transform": "LOGISTIC",
}  # fmt: skip
leaves = node("TreeEnsembleClassifier", ["x"], ["label", "p"], domain="ai.onnx.ml", **tree)
write("Tree-two-classes", [3, 1], {"y": 1, "p": 2}, leaves, node("Cast", ["label"], ["y"], to=TensorProto.FLOAT))
for name, index in (("scalar", 1), ("vector", [1])):
    column = node("ArrayFeatureExtractor", ["x", "i"], ["y"], domain="ai.onnx.ml")
    write(f"Extractor-{name}", [4, 3], {"y": 2}, column, i=np.array(index))
write("Add-nameless", [None, 6], {"y": 2}, node("Add", ["x", "x"], ["y"]))
stretch = {"kernel_shape": [2, 2], "strides": [2, 2]}
normal = node("BatchNormalization", ["u", "s", "s", "s", "s"], ["y"])
twos, filters = np.full(4, 2, "f4"), rng.normal(size=(3, 4, 2, 2)).astype("f4")
write("Transposed-BatchNorm", ["b", 3, 4, 4], {"y": 4}, node("ConvTranspose", ["x", "w"], ["u"], **stretch), normal,
      w=filters, s=twos)  # fmt: skip
write("Abs-3", [2, 4, 5], {"y": 3}, node("Abs", ["x"], ["y"]))
write(
    "ArgMax", [2, 6], {"y": 2}, node("ArgMax", ["x"], ["i"], axis=1), node("Cast", ["i"], ["y"], to=TensorProto.FLOAT)
)
integers = helper.make_graph(
    [node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)], "ArgMax-integers",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 6])],
    [helper.make_tensor_value_info("y", TensorProto.INT64, [2])],
)  # fmt: skip
save(
    helper.make_model(integers, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "ArgMax-int64.onnx"
)
for rank in (1, 2):
    instance = node("InstanceNormalization", ["x", "s", "z"], ["y"])
    shape = [2, 4, 5, 6][: rank + 2]
    write(f"InstanceNorm-{rank}d", shape, {"y": rank + 2}, instance, s=np.arange(1, 5, dtype="f4"), z=np.zeros(4, "f4"))
for mode in ("half_pixel", "asymmetric", "align_corners"):
    resize = node("Resize", ["x", "", "f"], ["y"], mode="linear", coordinate_transformation_mode=mode)
    write(f"Resize-{mode}", [1, 1, 3, 4], {"y": 4}, resize, f=np.array([1, 1, 2, 2], "f4"))
nearest = {"mode": "nearest", "coordinate_transformation_mode": "half_pixel"}
for by, held in (("scales", {"f": np.array([1, 2, 2, 1], "f4")}), ("sizes", {"s": np.array([1, 4, 6, 4])})):
    resize = node("Resize", ["x", "", *(held if by == "scales" else ["", *held])], ["y"], **nearest)
    write(f"Resize-channels-last-{by}", [1, 2, 3, 4], {"y": 4}, resize, **held)
only = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in ("s", "sum")]
add = node("Add", ["s", "one"], ["sum"])
below = [node("ReduceMax", ["sum"], ["greatest"], keepdims=0), node("Less", ["greatest", "five"], ["on"])]
for name, ending in (("handed-on", [node("Identity", ["go"], ["on"])]), ("computed", below)):
    body = helper.make_graph([add, *ending], "body", [turn, go, only[0]], [on, only[1]])
    loop, numbers = node("Loop", ["n", "true", "x"], ["y"], body=body), {"one": np.float32(1), "five": np.float32(5)}
    write(f"Loop-{name}", [2], {"y": 1}, loop, n=np.array(3), true=np.array(True), **numbers)
    held = {"n": np.array(3), "true": np.array(True), **numbers}
    loop = node("Loop", ["n", "true", "x"], ["z"], body=body)
    write(f"Loop-{name}-Neg", [2], {"y": 1}, loop, node("Neg", ["z"], ["y"]), **held)
# A row of x at each step, stacked again.
row = helper.make_tensor_value_info("row", TensorProto.FLOAT, [2])
steps = [node("Add", ["s", "one"], ["sum"]), node("Gather", ["x", "i"], ["row"]), node("Identity", ["go"], ["on"])]
body = helper.make_graph(steps, "body", [turn, go, only[0]], [on, only[1], row])
loop = node("Loop", ["n", "true", "s0"], ["s3", "z"], body=body)
held = {"n": np.array(3), "true": np.array(True), "one": np.float32(1), "s0": np.zeros(2, "f4")}
write("Loop-rows", [3, 2], {"y": 2}, loop, node("Neg", ["z"], ["y"]), **held)
# Two states, a = 0, 1, 2, 3 and the sum of the former a, that begin with one tensor, or with two of the same numbers.
pair = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in ("a", "b", "a1", "b1")]
steps = [node("Add", ["a", "one"], ["a1"]), node("Add", ["b", "a"], ["b1"]), node("Identity", ["go"], ["on"])]
body = helper.make_graph(steps, "body", [turn, go, *pair[:2]], [on, *pair[2:]])
for name, second in (("one", "s"), ("two", "t")):
    nodes = [node("Mul", ["x", "zero"], [n]) for n in sorted({"s", second})]
    nodes += [
        node("Loop", ["n", "true", "s", second], ["u", "v"], body=body),
        node("Concat", ["u", "v"], ["y"], axis=0),
    ]
    held = {"n": np.array(3), "true": np.array(True), "one": np.float32(1), "zero": np.float32(0)}
    write(f"Loop-{name}-tensor", [2], {"y": 1}, *nodes, **held)
for dtype, opset in (("u1", 11), ("u4", 11), ("u8", 11), ("i1", 28)):
    three = np.zeros(3, dtype)
    for direction in ("LEFT", "RIGHT"):
        single(f"BitShift-{dtype}-{direction}", "BitShift", opset, {"x": three, "n": three}, direction=direction)
three, image = np.zeros(3, "f4"), np.zeros((1, 1, 4, 4), "f4")
single("Cast-f4-f8", "Cast", 13, {"x": three}, to=TensorProto.DOUBLE)
single("Cast-f8-f4", "Cast", 13, {"x": three.astype("f8")}, to=TensorProto.FLOAT)
for dtype in ("f8", "i8"):
    single(f"Add-{dtype}", "Add", 14, {"x": three.astype(dtype), "z": three.astype(dtype)})
for kind in ("FLOAT8E4M3FN", "FLOAT8E5M2", "FLOAT8E8M0"):
    there = node("Cast", ["x"], ["c"], to=getattr(TensorProto, kind)), node("Cast", ["c"], ["y"], to=TensorProto.FLOAT)
    write(f"Cast-{kind}", [3], {"y": 1}, *there, opset=24)
for op in ("ReduceMax", "ReduceMin"):
    single(f"{op}-infinite", op, 18, {"x": np.zeros((2, 2), "f4"), "axes": np.array([1])}, constants=["axes"])
for name, held in (("", []), ("-constant", ["k"])):
    single(f"TopK{name}", "TopK", 11, {"x": np.zeros(6, "f4"), "k": np.array([4])}, "y i", held)
boxes = {"b": np.zeros((1, 2, 4), "f4"), "s": np.zeros((1, 1, 2), "f4"), "m": np.array([3])}
limits = {"o": np.array([0.5], "f4"), "t": np.array([0], "f4")}
single("NonMaxSuppression", "NonMaxSuppression", 11, {**boxes, **limits}, constants=["m", "o", "t"])
for stride in (1, 2):
    same = {"kernel_shape": [3, 3], "strides": [stride] * 2, "auto_pad": "SAME_UPPER"}
    write(f"MaxPool-same-{stride}", [1, 1, 4, 4], {"y": 4}, node("MaxPool", ["x"], ["y"], **same))
for op, step, null in (("Softmax", 255, 0), ("LogSoftmax", 51, 255), ("Sigmoid", 255, 0)):
    around = [node("QuantizeLinear", ["x", "s", "m"], ["q"]), node("DequantizeLinear", ["q", "s", "m"], ["d"])]
    around += [node(op, ["d"], ["o"]), node("QuantizeLinear", ["o", "t", "z"], ["r"])]
    held = {"s": np.float32(0.02), "m": np.uint8(128), "t": np.float32(1 / step), "z": np.uint8(null)}
    write(f"{op}-quantised", [1, 6], {"y": 2}, *around, node("DequantizeLinear", ["r", "t", "z"], ["y"]), **held)
for limits in (["lo"], ["lo", "hi"]):
    held = {"lo": np.array(1), "hi": np.array(3)}
    single(
        f"Clip-int64-{len(limits)}",
        "Clip",
        13,
        {"x": np.zeros(5, "i8"), **{n: held[n] for n in limits}},
        constants=limits,
    )
single("MaxPool-ceil", "MaxPool", 12, {"x": np.zeros((1, 1, 3), "f4")}, kernel_shape=[1], strides=[3], ceil_mode=1)
for opset, axis, inputs in ((19, {"axis": 2}, {}), (20, {}, {"length": None, "axis": np.array(2)})):
    held = list(inputs)[1:]
    single(f"DFT-{opset}", "DFT", opset, {"x": np.zeros((1, 2, 2, 1), "f4"), **inputs}, constants=held, **axis)
single("DFT-onesided", "DFT", 19, {"x": np.zeros((1, 2, 1), "f4")}, axis=1, onesided=1)
single("DFT-inverse", "DFT", 19, {"x": np.zeros((1, 2, 2), "f4")}, axis=1, onesided=1, inverse=1)
half = {"x": image, "roi": None, "scales": np.array([1, 1, 0.5, 0.5], "f4")}
for name, mode, option in (("antialias", "linear", "antialias"), ("exclude-outside", "cubic", "exclude_outside")):
    for value in (0, 1):
        single(f"Resize-{name}-{value}", "Resize", 19, half, constants=["scales"], mode=mode, **{option: value})
sizes = {"x": image, "roi": None, "scales": None, "sizes": np.array([2, 4])}
keep = {"axes": [2, 3], "keep_aspect_ratio_policy": "not_larger"}
single("Resize-not-larger", "Resize", 19, sizes, constants=["sizes"], mode="nearest", **keep)
for op, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
    cell = {"x": np.zeros((2, 1, 1), "f4"), **{n: np.full((1, gates, 1), 0.5, "f4") for n in ("w", "r")}}
    for layout in (0, 1):
        single(f"{op}-layout-{layout}", op, 14, cell, "y", ["w", "r"], hidden_size=1, layout=layout)
for weight in (0, 1):
    ignored = {**cell, "b": None, "lengths": None, "h": None, "c": None, "p": np.full((1, 3), weight, "f4")}
    single(f"LSTM-peepholes-{weight}", "LSTM", 14, ignored, "y", ["w", "r", "p"], hidden_size=1)
for opset, mode in ((13, {}), (28, {"mode": "CRD"})):
    single(f"SpaceToDepth-{opset}", "SpaceToDepth", opset, {"x": np.zeros((1, 2, 2, 2), "f4")}, blocksize=2, **mode)
single("Tile-fed", "Tile", 13, {"x": np.zeros((2, 2, 2, 2), "f4"), "n": np.array([1, 2, 2, 2])})
row = {name: np.zeros((1, 1, 5, 1), "f4") for name in "qkv"}
single("Attention-window", "Attention", 25, row, left_window_size=1, right_window_size=2)
for new in (2, 3):
    row = {n: np.zeros((1, 1, size, 1), "f4") for n, size in (("q", 2), ("k", new), ("v", new), ("pk", 1), ("pv", 1))}
    row = {**dict.fromkeys(["q", "k", "v", "mask", "pk", "pv"]), **row}
    single(f"Attention-past-{new}", "Attention", 23, row, "y present_k present_v", is_causal=1)
quantised = {"s": np.float32(0.01), "z": np.uint8(100), "axes": np.array([-1])}
for op in ("ReduceMax", "ReduceMin", "ReduceMean"):
    there = node("QuantizeLinear", ["r", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["y"])
    for name, keep in (("", 0), ("-kept", 1)):
        reduction = node(op, ["x", "axes"], ["r"], keepdims=keep)
        write(f"{op}-Quantize{name}", [1, 2, 2], {"y": 2 + keep}, reduction, *there, opset=18, **quantised)
        write(f"{op}-alone{name}", [1, 2, 2], {"r": 2 + keep}, reduction, opset=18, axes=quantised["axes"])
filters = (rng.normal(size=(8, 8, 3, 3)) / 9).astype("f4")
np.savez(folder / "conv.npz", w=filters)
for name, given in (("Conv-3x3", {}), ("Conv-3x3-strides", {"strides": [2, 2]})):
    write(name, [1, 8, 32, 24], {"y": 4}, node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1], **given), w=filters)
ending = node("ReduceMax", ["abs"], ["greatest"], keepdims=0), node("Less", ["greatest", "five"], ["on"])
for name, first in (("state", "s"), ("product", "t")):
    rows = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 8]) for n in ("s", "t")]
    product = node("MatMul", ["s", "w"], ["t"]), node("Abs", [first], ["abs"]), *ending
    loop = node(
        "Loop", ["n", "true", "x"], ["y"], body=helper.make_graph(product, "body", [turn, go, rows[0]], [on, rows[1]])
    )
    numbers = {"w": np.eye(8, dtype="f4"), "five": np.float32(5)}
    write(f"Loop-{name}", [2, 8], {"y": 2}, loop, n=np.array(3), true=np.array(True), **numbers)
parts = {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}
erf = [node("Div", ["x", "root"], ["d"]), node("Erf", ["d"], ["e"]), node("Add", ["e", "one"], ["a"])]
for name, first, second in (("last", ["x", "a"], ["m", "half"]), ("first", ["x", "half"], ["m", "a"])):
    write(f"Gelu-half-{name}", [2, 7], {"y": 2}, *erf, node("Mul", first, ["m"]), node("Mul", second, ["y"]), **parts)
pool = node("MaxPool", ["x"], ["m"], kernel_shape=[1, 1], strides=[1, 1])
for name, inputs in (("first", ["c", "m"]), ("second", ["m", "c"])):
    write(f"MaxPool-Add-{name}", [2, 8, 5, 4], {"y": 4}, pool, node("Add", inputs, ["y"]), c=np.ones((1,) * 4, "f4"))
write("Pow-int64", [2, 3], {"y": 2}, node("Pow", ["x", "two"], ["y"]), two=np.array([2]))
# HardSigmoid with the numbers of HardSwish, of another value than what it is multiplied with.
write(
    "HardSigmoid-Mul",
    [1, 4],
    {"y": 2},
    helper.make_node("Relu", ["x"], ["z"]),
    helper.make_node("HardSigmoid", ["z"], ["s"], alpha=1 / 6, beta=0.5),
    helper.make_node("Mul", ["x", "s"], ["y"]),
)
# What a node may leave out, or hold, and MNN does not foresee.
for name, axis in (("none", {}), ("last", {"axis": -1})):
    write(f"LogSoftmax-{name}", [2, 7], {"y": 2}, node("LogSoftmax", ["x"], ["y"], **axis))
cells = node("LSTM", ["x", "w", "r"], ["y", "h", "c"], hidden_size=3)
write("LSTM-forward-all", [7, 2, 4], {"y": 4, "h": 3, "c": 3}, cells, **lstm)
for name, table in (("texts", np.array(["a", "b"], object)), ("numbers", np.array([1, 2], "f4"))):
    single(f"Gather-{name}", "Gather", 13, {"c": table, "x": np.array([1])}, constants=["c"])
for op in ("MaxPool", "AveragePool"):
    write(
        f"{op}-4d",
        [1, 1, 2, 2, 4, 4],
        {"y": 6},
        node(op, ["x"], ["y"], kernel_shape=[1, 1, 2, 2], strides=[1, 1, 2, 2]),
    )
for name, pads in (("begin", [1, 1, 0, 0]), ("both", [1, 1, 1, 1])):
    pool = node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2], pads=pads)
    write(f"MaxPool-pads-{name}", [1, 2, 7, 7], {"y": 4}, pool)
# A constant of as many rows as the batch, and the same in one row, behind what makes pnnx set the batch apart.
tilt = node("Conv", ["x", "w"], ["m"])
for rows in (1, 2):
    held = {"w": np.eye(3, dtype="f4").reshape(3, 3, 1, 1), "c": np.full((rows, 3, 1, 1), 5, "f4")}
    write(f"Conv-Add-{rows}", [2, 3, 4, 5], {"y": 4}, tilt, node("Add", ["m", "c"], ["y"]), **held)
# A quantised convolution, as a quantiser writes it, with a kernel of one cell and of nine.
for size in (1, 3):
    numbers = np.arange(-127, 128)[: 6 * 4 * size * size].reshape(6, 4, size, size)
    held = {"w": numbers.astype("i1"), "wz": np.int8(0), "ws": np.float32(0.004)}
    held.update(s=np.float32(0.03), z=np.uint8(126))
    write(
        f"Conv-int8-{size}x{size}",
        [2, 4, 5, 5],
        {"y": 4},
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["d"]),
        node("DequantizeLinear", ["w", "ws", "wz"], ["k"]),
        node("Conv", ["d", "k"], ["c"]),
        node("QuantizeLinear", ["c", "s", "z"], ["r"]),
        node("DequantizeLinear", ["r", "s", "z"], ["y"]),
        **held,
    )
print(len(list(folder.glob("*.onnx"))), "files in", folder)
