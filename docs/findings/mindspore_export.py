"""MindSpore: ONNX files with the wrong padding or slices, with outputs that no node makes, or with a fixed output.

mindspore 2.10.0, then onnx 1.23.2 and onnxruntime 1.31.1. Environment: mindspore2.10 to write, the suite's own to read:
    .tox/mindspore2.10/bin/python docs/findings/mindspore_export.py write
    python docs/findings/mindspore_export.py
"""

import os
import sys
import tempfile

import numpy as np

FOLDER = os.path.join(tempfile.gettempdir(), "mindspore_export")
IMAGE, TABLE = (2, 4, 10, 8), (2, 7)


def write():
    """Export each case with both exporters, and keep what MindSpore computes."""
    import mindspore as ms
    import mindspore.onnx
    from mindspore import Tensor, nn, ops

    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_device("CPU")

    class Last(nn.Cell):
        """A layer that is not the whole model; `ahead` is the one before it."""

        def __init__(self, ahead, layer):
            super().__init__()
            self.ahead, self.layer = ahead, layer

        def construct(self, x):
            return self.layer(self.ahead(x))

    class ArgMax(nn.Cell):
        def construct(self, x):
            return ops.argmax(x, -1)

    class LastRow(nn.Cell):
        def construct(self, x):
            return x[-1]

    def cells():
        return {
            "conv2d": (nn.Conv2d(4, 4, (3, 5), pad_mode="pad", padding=(1, 1, 2, 2), has_bias=True), IMAGE),
            "conv1d": (nn.Conv1d(4, 4, 3, pad_mode="pad", padding=1, has_bias=True), (2, 4, 12)),
            "conv2d-transpose": (
                nn.Conv2dTranspose(4, 4, 3, 2, pad_mode="pad", padding=(1, 1, 0, 0), output_padding=(1, 0)), IMAGE,
            ),
            "conv2d-square": (nn.Conv2d(4, 4, 3, pad_mode="pad", padding=(0, 1, 0, 1)), (2, 4, 8, 8)),
            "layer-norm": (nn.LayerNorm((7,)), TABLE),
            "prelu": (nn.PReLU(7), TABLE),
            "argmax": (ArgMax(), TABLE),
            "index": (LastRow(), (4, 2, 7)),
            "dense": (Last(nn.Dense(7, 7), nn.Dense(7, 5)), TABLE),
        }  # fmt: skip

    os.makedirs(FOLDER, exist_ok=True)
    arrays = {}
    # Both exporters one after the other of the same cell end in "anf.cc:453 input: i: 3 out of range".
    for end in ("", "-named"):
        for name, (cell, shape) in cells().items():
            x, path = np.random.RandomState(0).randn(*shape).astype(np.float32), os.path.join(FOLDER, name + end)
            cell.set_train(False)
            arrays[name + end + "/x"], arrays[name + end + "/y"] = x, cell(Tensor(x)).asnumpy()
            if end:
                names = {"input_names": ["x"], "output_names": ["y"], "dynamic_axes": {"x": {0: "batch"}}}
                mindspore.onnx.export(cell, Tensor(x), file_name=path + ".onnx", **names)
            else:
                ms.export(cell, Tensor(x), file_name=path, file_format="ONNX")
    np.savez(os.path.join(FOLDER, "arrays.npz"), **arrays)


def outcome(path, x, y):
    """right, wrong, or why there is no result."""
    import onnx
    import onnxruntime

    try:
        onnx.checker.check_model(onnx.load(path))
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        result = session.run(None, {session.get_inputs()[0].name: x})[0]
    except Exception as error:  # the checker's and ONNX Runtime's errors have nothing in common
        return str(error).strip().splitlines()[0][:120]
    if result.shape != y.shape:
        return "shape %s" % (result.shape,)
    return "right" if np.allclose(result, y, 1e-3, 1e-5) else "off by up to %.2g" % np.abs(result - y).max()


def read():
    """Run the files in ONNX Runtime."""
    import onnx

    seen = []

    def case(finding, expected, got):
        print("%s: expected %s, got %s" % (finding, expected, got))
        seen.append(expected != got)

    arrays = np.load(os.path.join(FOLDER, "arrays.npz"))
    told = {
        "conv2d": "Conv2d, padding (top 1, bottom 1, left 2, right 2)",
        "conv1d": "Conv1d, padding 1",
        "conv2d-square": "Conv2d, padding (top 0, bottom 1, left 0, right 1), mindspore.export",
        "conv2d-transpose": "Conv2dTranspose, padding (1, 1, 0, 0)",
        "index": "x[-1]",
    }
    for name, what in told.items():
        path = os.path.join(FOLDER, name + ".onnx")
        case(what, "right", outcome(path, arrays[name + "/x"], arrays[name + "/y"]))
    for name in ("layer-norm", "prelu", "argmax"):
        plain, named = (
            outcome(os.path.join(FOLDER, key + ".onnx"), arrays[key + "/x"], arrays[key + "/y"])
            for key in (name, name + "-named")
        )
        print("%s without output_names: %s" % (name, plain))
        case("%s with output_names" % name, "right", named)
    output = onnx.load(os.path.join(FOLDER, "dense-named.onnx")).graph.output[0].type.tensor_type.shape.dim[0]
    case("Dense with a dynamic batch, declared output", "batch", output.dim_param or output.dim_value)
    print("reproduced" if all(seen) else "not reproduced")
    return not all(seen)


if __name__ == "__main__":
    sys.exit(write() if sys.argv[1:] == ["write"] else read())
