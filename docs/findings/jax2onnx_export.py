"""jax2onnx: padding of nnx pools that is lost in silence, shapes left behind in the file, and what it cannot write.

jax2onnx 0.17.1, jax 0.10.2, flax 0.12.8, onnx 1.23.2. Environment: jax0.10.
    .tox/jax0.10/bin/python docs/findings/jax2onnx_export.py
"""

import math
import os
import sys

os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnx.reference
from flax import nnx
from jax import lax
from jax2onnx import to_onnx

x = np.arange(1, 17, dtype=np.float32).reshape(1, 4, 4, 1)
sequence = np.ones((2, 7, 5), np.float32)
missed = []


def check(expected, got, reproduced):
    print("    expected", expected)
    print("    got     ", got)
    if not reproduced:
        missed.append(expected)


def pool(what, function):
    """A pool whose file pads nothing: the checker accepts it, and its output has another shape than JAX's."""
    print("%s with padding ((1, 1), (1, 1)): the file is written without a word" % what)
    want = np.asarray(function(jnp.asarray(x)))
    proto = to_onnx(function, [jax.ShapeDtypeStruct(x.shape, x.dtype)])
    onnx.checker.check_model(proto, full_check=True)
    session = onnx.reference.ReferenceEvaluator(proto)
    (got,) = session.run(None, {session.input_names[0]: x})
    told = [want.shape, want.ravel().tolist()], [got.shape, got.ravel().tolist()]
    check(*told, reproduced=want.shape != got.shape)


def stale_shapes():
    """Batch normalisation between two transposed convolutions: transpositions go, the shapes they led to stay."""
    options = {"strides": (2, 2), "padding": "SAME", "rngs": nnx.Rngs(0)}
    one, two = nnx.ConvTranspose(8, 6, (5, 5), **options), nnx.ConvTranspose(6, 4, (5, 5), **options)
    norm = nnx.BatchNorm(6, use_running_average=True, rngs=nnx.Rngs(0))
    print("nnx.BatchNorm and relu between two nnx.ConvTranspose")
    proto = to_onnx(lambda x: two(nnx.relu(norm(one(x)))), [(2, 4, 3, 8)])
    try:
        onnx.checker.check_model(proto, full_check=True)
        check("a file that the checker refuses", "one that it accepts", reproduced=False)
    except Exception as error:
        told = str(error).splitlines()[0]
        check("a file that the checker accepts", told[-120:], reproduced="existing shape differ" in told)


def gelu():
    """Of float64, and as exact as float32."""
    at = np.linspace(-3, 3, 13)
    options = {"enable_double_precision": True}
    proto = to_onnx(lambda x: jax.nn.gelu(x, approximate=False), [jax.ShapeDtypeStruct(at.shape, at.dtype)], **options)
    session = onnx.reference.ReferenceEvaluator(proto)
    (got,) = session.run(None, {session.input_names[0]: at})
    error = np.abs(got - [v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in at]).max()
    print("jax.nn.gelu of float64, enable_double_precision=True")
    check("an error below 1e-14", "an error of %.1e, output %s" % (error, got.dtype), reproduced=error > 1e-9)


def layer_norm():
    """Made for float32, its weights then set to bfloat16, as a checkpoint is loaded."""
    norm = nnx.LayerNorm(8, rngs=nnx.Rngs(0))
    norm.scale.set_value(norm.scale.astype("bfloat16"))
    norm.bias.set_value(norm.bias.astype("bfloat16"))
    told = jax.ShapeDtypeStruct((2, 3, 8), jnp.bfloat16)
    declared = to_onnx(norm, [told]).graph.output[0].type.tensor_type.elem_type
    native, written = jax.eval_shape(norm, told).dtype, onnx.TensorProto.DataType.Name(declared).lower()
    print("nnx.LayerNorm with weights of bfloat16, param_dtype=float32")
    check(native, written, reproduced=(native, written) == (jnp.bfloat16, "float"))


def refused(what, function, *shapes):
    """An export that raises, where JAX computes."""
    print(what)
    try:
        to_onnx(function, list(shapes))
        check("an exception", "a file", reproduced=False)
    except Exception as error:
        check("a file", "%s: %s" % (type(error).__name__, str(error).splitlines()[0][:150]), reproduced=True)


pads = ((1, 1), (1, 1))
sizes = {"window_shape": (2, 2), "strides": (2, 2), "padding": pads}
pool("nnx.max_pool", lambda x: nnx.max_pool(x, **sizes))
pool("nnx.avg_pool", lambda x: nnx.avg_pool(x, **sizes))

stale_shapes()
gelu()
layer_norm()
refused("nnx.max_pool with its window by position", lambda x: nnx.max_pool(x, (2, 2)), x.shape)

print("lax.reduce_window over the space of an image")
proto = to_onnx(lambda x: lax.reduce_window(x, -np.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"), [(1, 3, 4, 4)])
ranks = [len(n.attribute[0].ints) for n in proto.graph.node if n.op_type == "MaxPool"]
check("a MaxPool over 2 axes", "a MaxPool over %s axes, batch and channels among them" % ranks, ranks == [4])

kernel = jnp.ones((2, 3, 3, 3, 3))


def volume(x):
    return lax.conv_general_dilated(x, kernel, (1, 1, 1), "VALID")


refused("lax.conv_general_dilated of a volume", volume, (1, 3, 5, 5, 5))


def sums(x):
    return lax.scan(lambda total, now: (total + now, total), jnp.zeros((2, 5)), jnp.swapaxes(x, 0, 1), reverse=True)[0]


refused("lax.scan(reverse=True)", sums, sequence.shape)
refused("nnx.RNN", nnx.RNN(nnx.LSTMCell(5, 4, rngs=nnx.Rngs(0))), sequence.shape)
refused("nnx.make_causal_mask, time dynamic", lambda x: nnx.make_causal_mask(x[..., 0]), ("batch", "time", 5))
print("a function that returns its input, with names for both")
try:
    to_onnx(lambda x: x, [x.shape], input_names=["x"], output_names=["y"])
    check("an exception", "a file", reproduced=False)
except ValueError as error:
    check("a file", str(error), reproduced=True)

print("not reproduced" if missed else "reproduced")
sys.exit(bool(missed))
