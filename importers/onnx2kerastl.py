"""onnx2kerastl: the ONNX file as a functional Keras model, called eagerly."""

import onnx
import tensorflow as tf
from onnx2kerastl import onnx_to_keras

PACKAGES = ("onnx2kerastl", "tensorflow", "onnx")
UNSUPPORTED = (
    r"^UnsupportedLayer\b",
    r"to a TensorFlow DType",
    r"is not implemented",
    r"not supported",
    r"do not support",
    r"Unsupported params",
)

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def load(path, request):
    """The Keras model, whose inputs are in the order of the request, and the names of its outputs."""
    model = onnx.load(path)
    names = [i["name"] for i in request.inputs]
    types = [tf.dtypes.as_dtype(i["dtype"]) for i in request.inputs]
    made = onnx_to_keras(model, names, input_types=types, verbose=False, allow_partial_compilation=False)
    return made.converted_model, names, [value.name for value in model.graph.output]


def tensor_of(array):
    """An array as a tensor: of types that NumPy has not, as bfloat16, TensorFlow 2.12 has its own for NumPy."""
    own = array.dtype.isbuiltin == 2
    return tf.constant(array.view(tf.dtypes.as_dtype(array.dtype.name).as_numpy_dtype) if own else array)


def run(session, inputs):
    """All outputs by name.

    The Keras model of a graph with an input of one axis asks for two there, and works on the first row.
    """
    model, names, outputs = session
    arrays = [tensor_of(inputs[name]) for name in names]
    arrays = [array[None] if array.ndim < len(own.shape) else array for array, own in zip(arrays, model.inputs)]
    result = model(arrays if len(arrays) > 1 else arrays[0], training=False)
    # One may be given where there are more; a constant is an array of NumPy's.
    return dict(zip(outputs, result if isinstance(result, (list, tuple)) else [result]))
