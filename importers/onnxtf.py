"""onnx-tf: the ONNX file back in TensorFlow, as a tf.Module that is traced when it first sees a shape."""

import re

import onnx
import tensorflow as tf
from onnx_tf.backend import prepare
from onnx_tf.handlers.backend.rnn_mixin import RNNMixin

PACKAGES = ("onnx-tf", "tensorflow-cpu", "onnx")
UNSUPPORTED = (
    r"is not implemented",
    r"not supported",
    r"Cannot set non-1",
    r"ir_version is higher than the checker's",
)

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def load(path, request):
    """onnx-tf's representation of the file, converted as a new process would.

    onnx-tf keeps the cell of the first recurrent node of each kind on the class, and uses it for all others. Those of
    the same file stay wrong; files that this process converted before must not matter.
    """
    for handler in RNNMixin.__subclasses__():
        handler.rnn_cell = None
    return prepare(onnx.load(path))


def run(session, inputs):
    """All outputs by name. TensorFlow's errors begin with its way through the code; here the cause stands first."""
    try:
        return dict(zip(session.outputs, session.run(inputs)))
    except tf.errors.OpError as error:
        cause = re.split(r"\nNode: .*\n", error.message)[-1]
        raise type(error)(error.node_def, error.op, "%s\n%s" % (cause, error.message)) from error
    except Exception as error:
        if hasattr(error, "ag_error_metadata"):
            cause = error.ag_error_metadata.cause_message.split(": ", 1)[-1]
            error.args = ("%s\n%s" % (cause, error),)
        raise
