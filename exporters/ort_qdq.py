"""ONNX Runtime's static quantiser: the file of the source `canonical`, with QuantizeLinear and DequantizeLinear.

int8: weights and activations; int4: weights, with activations in 8 bits; float8: both, as E4M3.

Weights are quantised symmetrically for each channel, activations asymmetrically by the greatest values of many
random batches. The native run is ONNX Runtime itself on the quantised file, without graph optimisations: every pair of
QuantizeLinear and DequantizeLinear computed as it stands.
"""

import os
import tempfile

from beside import canonical

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

PACKAGES = ("onnxruntime", "onnx", "numpy")
DTYPES = ("int8", "int4", "float8")
#: (weights, activations)
TYPES = {
    "int8": (QuantType.QInt8, QuantType.QUInt8),
    "int4": (QuantType.QInt4, QuantType.QUInt8),
    "float8": (QuantType.QFLOAT8E4M3FN, QuantType.QFLOAT8E4M3FN),
}
BATCHES = 128
OPSET = 21
"""Unless another is asked for: the first in which the two operators take blocks and all integer types."""
LAYERS = canonical.LAYERS


class Batches(CalibrationDataReader):
    """Random inputs, drawn as the model's are."""

    def __init__(self, graph):
        generator = np.random.RandomState(0)
        self.batches = iter([{i.name: drawn(i, graph.sizes, generator) for i in graph.inputs} for _ in range(BATCHES)])

    def get_next(self):
        """The next batch, None at the end."""
        return next(self.batches, None)


def drawn(entry, sizes, generator):
    """Numbers for one input, from its own range."""
    shape = [sizes.get(n, n) for n in entry.shape]
    if entry.dtype == "int64":
        return generator.randint(int(entry.low), int(entry.high), shape).astype(np.int64)
    if entry.dtype == "bool":
        return generator.rand(*shape) < 0.5
    if entry.low == entry.high:
        return generator.randn(*shape).astype(np.float32)
    return generator.uniform(entry.low, entry.high, shape).astype(np.float32)


def build(graph, request):
    """The quantised file, as ONNX's protobuf."""
    folder = tempfile.mkdtemp()
    plain, prepared, path = (os.path.join(folder, name + ".onnx") for name in ("plain", "prepared", "quantised"))
    request.opset = request.opset or OPSET
    canonical.EXPORTERS["canonical"](canonical.build(graph, request), None, request, plain)
    weights, activations = TYPES[request.quantised]
    # float8 has no zero point to calibrate: its scale follows the spread of the values, not their greatest.
    spread = request.quantised == "float8"
    quant_pre_process(plain, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        path,
        Batches(graph),
        quant_format=QuantFormat.QDQ,
        per_channel=not spread,
        activation_type=activations,
        weight_type=weights,
        calibrate_method=CalibrationMethod.Distribution if spread else CalibrationMethod.MinMax,
    )
    model = onnx.load(path)
    if not any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        raise NotImplementedError("ONNX Runtime's quantiser finds nothing to quantise")
    return model


def run(model, inputs):
    """The outputs of the quantised file in ONNX Runtime, as it is written."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs)))


def qdq(model, inputs, request, path):
    """Write the file."""
    onnx.save(model, path)


EXPORTERS = {"qdq": qdq}
