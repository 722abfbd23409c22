"""ONNX files of one to three nodes in float16, bfloat16 and float64, with inputs and the exact outputs.

The outputs are those of the reference evaluator on the same graph in float64, with the numbers that the file holds.
onnx 1.23.2, numpy 2.4.6. Environment: the suite's own Python (`pip install -e .`).
    python docs/findings/make_precision_files.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save
from onnx.reference import ReferenceEvaluator

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
KINDS = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16, "float64": TensorProto.DOUBLE}
KINDS["float32"] = TensorProto.FLOAT
#: Digits that float32 does not hold, and bfloat16 and float16 round away.
x = np.array([[-2, 0.5, 1], [3, -0.25, 2]]) * (1 + 2**-40)
w = np.array([[1, -0.75, 0.5, 2], [0.25, 1.5, -1, 1], [-0.5, 3, 1.25, -2]]) * (1 + 2**-40)
table = np.arange(16).reshape(8, 2) / 8 * (1 + 2**-40)


def rounded(array, dtype):
    """An array of floats in a dtype; integers as they are."""
    return array if array.dtype.kind == "i" else array.astype(helper.tensor_dtype_to_np_dtype(KINDS[dtype]))


def model(nodes, values, dtype, shape, opset):
    """The graph in one type of floats; all values but x are constants of the file."""
    held = [numpy_helper.from_array(array, name) for name, array in values.items() if name != "x"]
    fed = helper.np_dtype_to_tensor_dtype(values["x"].dtype)
    value = helper.make_tensor_value_info("x", fed, values["x"].shape)
    result = helper.make_tensor_value_info("y", KINDS[dtype], shape)
    graph = helper.make_graph(nodes, "g", [value], [result], held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def write(name, dtypes, fed, nodes, opset=17, **constants):
    """The file in each dtype, what to feed, and what is exact for the numbers that the file holds."""
    for dtype in dtypes:
        values = {key: rounded(array, dtype) for key, array in dict(constants, x=fed).items()}
        exact = {key: array if array.dtype.kind == "i" else array.astype("f8") for key, array in values.items()}
        expected = ReferenceEvaluator(model(nodes, exact, "float64", None, opset)).run(None, {"x": exact["x"]})[0]
        made = model(nodes, values, dtype, expected.shape, opset)
        checker.check_model(made, full_check=True)
        save(made, folder / f"{name}-{dtype}.onnx")
        np.savez(folder / f"{name}-{dtype}.npz", x=exact["x"], expected=expected)


def chain(*operators):
    """Nodes one behind another from x to y; each is (operator, further inputs, attributes)."""
    names = ["x", *("t%d" % i for i in range(len(operators) - 1)), "y"]
    return [
        helper.make_node(op, [a, *further], [b], **attributes)
        for (op, further, attributes), a, b in zip(operators, names, names[1:])
    ]


write("Add", KINDS, x, chain(("Add", ["c"], {})), c=np.array([1.0, 2, 3]))
write("Relu", KINDS, x, chain(("Relu", [], {})))
write("MatMul", KINDS, x, chain(("MatMul", ["w"], {})), w=w)
write("Gather", KINDS, np.array([3, 0, 7]), [helper.make_node("Gather", ["w", "x"], ["y"])], w=table)
floats = ("float32", "float64")
write("Gemm", floats, x, chain(("Gemm", ["w", "b"], {})), w=w, b=np.arange(4.0))
normal = chain(("InstanceNormalization", ["s", "b"], {"epsilon": 1e-3}))
write("InstanceNormalization", floats, x.reshape(1, 2, 3), normal, s=np.array([1.0, 2]), b=np.array([0.0, 1]))
recurrent = chain(("LSTM", ["w", "r"], {"hidden_size": 2}))
rows = np.sin(np.arange(24.0)).reshape(1, 8, 3)
write("LSTM", floats, x.reshape(2, 1, 3), recurrent, w=rows, r=np.cos(np.arange(16.0)).reshape(1, 8, 2))
for op, activation, c in (("Add", "Tanh", 1.0), ("Mul", "Relu", -2.0), ("Sub", "Relu", 1.0)):
    write(f"{op}-{activation}", floats, x, chain((op, ["c"], {}), (activation, [], {})), c=np.array([c]))
pool = chain(("MaxPool", [], {"kernel_shape": [2]}))
write("MaxPool", ["bfloat16"], x.reshape(1, 2, 3), pool, opset=22)  # which lets it take bfloat16
write("Mul-Sqrt", floats, x, [helper.make_node("Mul", ["x", "x"], ["t"]), helper.make_node("Sqrt", ["t"], ["y"])])

print(len(list(folder.glob("*.onnx"))), "files in", folder)
