"""What runtimes make of files in float16, bfloat16 and float64: other types, other precisions, and other numbers.

Environments and arguments, after make_precision_files.py (versions as in tox.ini):
    python docs/findings/make_precision_files.py /tmp/findings/precisions
    .tox/ENVIRONMENT/bin/python docs/findings/precisions.py /tmp/findings/precisions TOOL
Environment: jaxonnxruntime0.3, litert1.29, mnn3.6, mxnet1.9, ncnn1.0, onnx2kerastl0.0.198, opencv5.0, tinygrad0.14,
x2paddle1.6; TOOL is the name without the number, for X2Paddle with Paddle Inference `inference`.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile

os.environ.update(JAX_PLATFORMS="cpu", MXNET_ENGINE_TYPE="NaiveEngine", OMP_NUM_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3")

import numpy as np

folder, tool = sys.argv[1:]
seen = []
RIGHT, SINGLE, WRONG = "the exact numbers", "numbers rounded to float32", "other numbers"
#: For each file: the dtype of what comes out, and what it holds; None: the tool refuses it.
GIVEN = {
    "inference": {  # activations behind sums, differences and products of float64 are left out
        **{name + "-float64": ("float64", WRONG) for name in ("Add-Tanh", "Mul-Relu", "Mul-Sqrt", "Sub-Relu")},
        **{name + "-float64": ("float64", RIGHT) for name in ("Add", "Relu")},
        "Mul-Relu-float32": ("float32", RIGHT),
    },
    "jaxonnxruntime": {  # JAX has no 64 bits unless it is told
        **{name + "-float64": ("float32", SINGLE) for name in ("Add", "Relu", "MatMul", "Gather", "Gemm")},
        **{name + "-float16": ("float16", RIGHT) for name in ("Add", "Relu", "MatMul", "Gather")},
        **{name + "-bfloat16": ("bfloat16", RIGHT) for name in ("Add", "Relu", "MatMul", "Gather")},
    },
    "litert": {"Gather-float16": ("float32", RIGHT)},  # onnx2tf's file of float32; the one of float16 does, too
    "mnn": {  # float32 alone; two weights of bfloat16 are taken for one of float32
        **{name + "-float64": ("float32", SINGLE) for name in ("Add", "Relu", "MatMul", "Gather", "Gemm")},
        **{name + "-float16": ("float32", RIGHT) for name in ("Add", "Relu", "MatMul", "Gather")},
        "Relu-bfloat16": ("float32", RIGHT),
        "MatMul-bfloat16": ("float32", WRONG),
        "Gather-bfloat16": ("float32", WRONG),
    },
    "mxnet": {  # all weights become float32; where they meet an input, the operators refuse the mixture
        "Gather-float64": ("float32", SINGLE),
        "Gather-float16": ("float32", RIGHT),
        **{name + "-" + dtype: None for name in ("Add", "MatMul") for dtype in ("float16", "float64")},
        "Relu-float64": ("float64", RIGHT),
    },
    "ncnn": {  # float32 alone: weights of float16 are widened, those of float64 read as if they were
        "Gather-float32": ("float32", RIGHT),
        "Gather-float16": ("float32", RIGHT),
        "Gather-float64": ("float32", WRONG),
    },
    "onnx2kerastl": {  # layers and constants of Keras's default, float32
        **{name + "-float64": ("float32", SINGLE) for name in ("Relu", "MatMul", "Gather", "Gemm")},
        **{name + "-float16": ("float32", RIGHT) for name in ("Relu", "MatMul", "Gather")},
        "Add-float64": ("float64", RIGHT),
        "Add-float16": ("float16", RIGHT),
        "Gather-bfloat16": ("float32", RIGHT),
    },
    "opencv": {  # kernels of float32 on float64's memory (Gemm, InstanceNormalization), or of float32
        **{name + "-float64": ("float64", WRONG) for name in ("Gemm", "InstanceNormalization", "LSTM")},
        **{name + "-float32": ("float32", RIGHT) for name in ("Gemm", "InstanceNormalization", "LSTM")},
        "Relu-float64": ("float64", SINGLE),
        "MatMul-float64": None,
        "Add-float64": ("float64", RIGHT),
        "Gather-float64": ("float64", RIGHT),
        **{name + "-float16": ("float32", RIGHT) for name in ("Add", "Relu", "MatMul", "Gather")},
        "Gather-bfloat16": ("uint64", WRONG),  # the label: the memory holds two bytes for each number
    },
    "tinygrad": {"MaxPool-bfloat16": ("float32", RIGHT)},
}


def inference(path, x):
    """X2Paddle's program in Paddle Inference, with the passes that it chooses."""
    from paddle import inference, to_tensor
    from x2paddle.convert import onnx2paddle

    made = tempfile.mkdtemp()  # converted in a process of its own: the code of every file is a module of the same name
    child = os.fork()
    if child == 0:
        onnx2paddle(path, made, disable_feedback=True)
        os._exit(0)
    os.waitpid(child, 0)
    saved = made + "/inference_model/model"
    settings = inference.Config(saved + ".json", saved + ".pdiparams")
    settings.disable_gpu()
    return inference.create_predictor(settings).run([to_tensor(x)])[0].numpy()


def jaxonnxruntime(path, x):
    """The function of JAX, with its defaults."""
    import onnx
    from jaxonnxruntime import backend

    return np.asarray(backend.prepare(onnx.load(path)).run({"x": x})[0])


def litert(path, x):
    """The signature of the file of float32 that onnx2tf writes."""
    import contextlib
    import io

    import ai_edge_litert.interpreter
    import onnx2tf

    made = tempfile.mkdtemp()
    with contextlib.redirect_stdout(io.StringIO()):
        onnx2tf.convert(path, output_folder_path=made, output_signaturedefs=True, verbosity="error")
    written = made + "/" + os.path.basename(path)[:-5] + "_float32.tflite"
    return ai_edge_litert.interpreter.Interpreter(written).get_signature_runner()(x=x)["y"]


def mnn(path, x):
    """The converted file as a module; fed float32 for every float, as the documentation tells."""
    import _tools
    import MNN

    made = os.path.join(tempfile.mkdtemp(), "m.mnn")
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", path, "--MNNModel", made, "--bizCode", "MNN"])
    manager = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": 1, "precision": "high"},))
    module = MNN.nn.load_module_from_file(made, ["x"], ["y"], runtime_manager=manager)
    fed = x.astype("i4") if x.dtype.kind == "i" else x.astype("f4")
    kind = MNN.expr.int if x.dtype.kind == "i" else MNN.expr.float
    found = module.forward([MNN.expr.const(fed, fed.shape, MNN.expr.NCHW, kind)])
    return np.array(MNN.expr.convert(found[0], MNN.expr.NCHW).read())


def mxnet(path, x):
    """The symbol, whose weights must be graph inputs to be found."""
    import mxnet as mx
    import onnx
    from mxnet.contrib import onnx as onnx2mx

    model = onnx.load(path)
    for held in model.graph.initializer:
        model.graph.input.append(onnx.helper.make_tensor_value_info(held.name, held.data_type, list(held.dims)))
    listed = os.path.join(tempfile.mkdtemp(), "m.onnx")
    onnx.save(model, listed)
    symbol, arguments, states = onnx2mx.import_model(listed)
    arguments = dict(arguments, x=mx.nd.array(x, dtype=x.dtype))
    return symbol.bind(mx.cpu(), arguments, aux_states=states, grad_req="null").forward()[0].asnumpy()


def ncnn(path, x):
    """The network, fed as the script that pnnx writes shows."""
    import ncnn

    program = os.path.join(os.path.dirname(importlib.util.find_spec("pnnx").origin), "pnnx")
    made = tempfile.mkdtemp()
    shutil.copy(path, made + "/m.onnx")
    subprocess.run(
        [program, "m.onnx", "fp16=0"], cwd=made, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
    )
    with open(made + "/m_ncnn.py") as file:
        fed, taken = (int(n) for n in re.findall(r"batch_index=(\d+)", file.read()))
    net = ncnn.Net()
    net.load_param(made + "/m.ncnn.param")
    net.load_model(made + "/m.ncnn.bin")
    extractor = net.create_extractor()
    extractor.input("in0", ncnn.Mat(x.astype("i4"), batch_index=fed).clone())
    return np.array(extractor.extract("out0")[1].numpy(batch_index=taken))


def onnx2kerastl(path, x):
    """The Keras model, called; of an input of one axis it wants two."""
    import onnx
    import tensorflow as tf
    from onnx2kerastl import onnx_to_keras

    types = [tf.dtypes.as_dtype(x.dtype)]
    made = onnx_to_keras(onnx.load(path), ["x"], input_types=types, verbose=False, allow_partial_compilation=False)
    own = made.converted_model
    return own(tf.constant(x if x.ndim == len(own.inputs[0].shape) else x[None]), training=False).numpy()


def opencv(path, x):
    """The net, with the engine that it chooses."""
    import cv2

    net = cv2.dnn.readNetFromONNX(path)
    net.setInput(x, "x")
    return net.forward()


def tinygrad(path, x):
    """The runner."""
    from tinygrad.nn.onnx import OnnxRunner

    return OnnxRunner(path)({"x": x})["y"].numpy()


def held(got, expected, dtype):
    """What the numbers are."""
    if got.size != expected.size or not np.isfinite(got.astype("f8")).all():
        return WRONG
    steps = {"float16": 2**-10, "bfloat16": 2**-7, "float32": 2**-20, "float64": 2**-45}
    scale, error = abs(expected).max(), abs(got.astype("f8").reshape(expected.shape) - expected).max()
    return RIGHT if error <= steps[dtype] * scale else SINGLE if error <= 2**-20 * scale else WRONG


for name, given in sorted(GIVEN[tool].items()):
    case, dtype = np.load("%s/%s.npz" % (folder, name)), name.split("-")[-1]
    x = case["x"]
    if x.dtype.kind == "f" and dtype == "bfloat16" and tool != "mnn":
        import ml_dtypes

        x = x.astype(ml_dtypes.bfloat16)
    elif x.dtype.kind == "f" and dtype != "bfloat16":
        x = x.astype(dtype)
    try:
        got = globals()[tool]("%s/%s.onnx" % (folder, name), x)
    except Exception as error:
        got = None
        print(" ", str(error).strip().splitlines()[0][-110:])
    found = None if got is None else (str(got.dtype), held(got, case["expected"], dtype))
    print("%s: expected %s, %s %s" % (name, dtype, RIGHT, case["expected"].ravel()[:4]))
    print("  got", "an error" if got is None else "%s, %s %s" % (*found, got.ravel()[:4]))
    seen.append(found == given)
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
