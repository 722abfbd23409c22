"""X2Paddle on ONNX's own operator cases: what it gives, without an error, instead of what ONNX demands.

x2paddle 1.6.0, paddlepaddle 3.3.1, numpy 1.26.4. Environment: x2paddle1.6, after make_case_files.py.
    python docs/findings/make_case_files.py /tmp/findings/cases
    .tox/x2paddle1.6/bin/python docs/findings/x2paddle_onnx_cases.py /tmp/findings/cases
"""

import contextlib
import io
import os
import sys
import tempfile

import numpy as np
import paddle
from x2paddle.convert import onnx2paddle
from x2paddle.decoder.onnx_decoder import ONNXDecoder

folder = sys.argv[1]
seen = []
GIVEN = {  # dtype, shape and values of the last output; None: of any values
    "ReduceL1-square": ("float32", (1, 1), [10]),  # of all numbers
    "MaxPool-strides": ("float32", (1, 1, 1, 2), [2, 4]),  # the kernel is taken for them
    "AveragePool-strides": ("float32", (1, 1, 1, 2), [1.5, 3.5]),
    "AveragePool-dilations": ("float32", (1, 1, 3, 3), [3.5, 4.5, 5.5, 7.5, 8.5, 9.5, 11.5, 12.5, 13.5]),  # of 1
    "AveragePool-ceil": ("float32", (1, 1, 2, 2), [10 / 9, 0, 0, 0]),  # with windows that start behind the end
    "MaxPool-ceil": ("float32", (1, 1, 2, 2), [1] + [np.finfo("f4").min] * 3),
    "Split-fed": ("float32", (3,), [3, 4, 5]),  # equal parts
    "ScatterND-row-add": ("float32", (3,), [1, 10, 3]),  # replaced, not added
    "ScatterND-max": ("float32", (3,), [1, 10, 3]),  # of one place named twice: the updates' sum, less what was there
    "ArgMax-default": ("int64", (1, 1), [1]),  # of all numbers
    "ArgMax-last": ("int64", (1, 1), [0]),  # select_last_index is not looked at
    "Div-integers": ("float32", (2,), [3.5, -3.5]),
    "GatherND-batch": ("float32", (2, 2, 2), [4, 5, 6, 7, 0, 1, 2, 3]),  # batch_dims is not looked at
    "Sum-three": ("float32", (1,), [12]),  # the first two, and the first again
    "Softmax-default": ("float32", (1, 2, 1, 2), 2 * [1 / (1 + np.exp(4))] + 2 * [1 / (1 + np.exp(-4))]),  # on axis 1
    "LogSoftmax-default": ("float32", (1, 2, 1, 2), 2 * [-np.log1p(np.exp(4))] + 2 * [-np.log1p(np.exp(-4))]),
    "RoiAlign-half": ("float32", (1, 1, 1, 1), [2]),  # no half pixel
    "RoiAlign-max": ("float32", (1, 1, 1, 1), [2]),  # the mean
    "Add-uint16": ("uint16", (2,), [0, 0]),  # the bits are bfloat16 to Paddle, and these, denormal, are cleared
    "Sub-uint16@inference": ("uint16", (2,), [0, 0]),  # right by the layer
    "Gather-table": ("float32", (1, 2, 2), None),  # the rows of a new, random table: the one that is fed is no input
}


def forward(name, inputs, by):
    """The last output, run in a process that has not converted the file: the code is a module of one name for all."""
    made = tempfile.mkdtemp()
    child = os.fork()
    if child == 0:
        with contextlib.redirect_stdout(io.StringIO()):
            onnx2paddle("%s/%s.onnx" % (folder, name), made, disable_feedback=True)
        os._exit(0)
    os.waitpid(child, 0)
    saved = made + "/inference_model/model"
    feeds = {ONNXDecoder.make_variable_name(None, key): paddle.to_tensor(array) for key, array in inputs.items()}
    if by == "inference":
        settings = paddle.inference.Config(saved + ".json", saved + ".pdiparams")
        settings.disable_gpu()
        made = paddle.inference.create_predictor(settings)
        return made.run([feeds[key] for key in made.get_input_names()])[-1].numpy()
    layer = paddle.jit.load(saved)
    layer.eval()
    result = layer(*(feeds[spec.name] for spec in layer._input_spec()))
    return (result[-1] if isinstance(result, (list, tuple)) else result).numpy()


for name, given in sorted(GIVEN.items()):
    file, _, by = name.partition("@")
    case = np.load("%s/%s.npz" % (folder, file))
    expected = case["expected"]
    got = forward(file, {key[3:]: case[key] for key in case if key.startswith("in_")}, by)
    print("%s: expected %s %s %s" % (name, expected.dtype, expected.shape, expected.ravel()[:8]))
    print("  got %s %s %s" % (got.dtype, got.shape, got.ravel()[:8]))
    dtype, shape, values = given
    right = got.dtype == expected.dtype and got.shape == expected.shape and np.allclose(got, expected)
    same = values is None or np.allclose(got.ravel(), values)
    seen.append(not right and (str(got.dtype), got.shape) == (dtype, shape) and same)
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
