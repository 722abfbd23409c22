"""NNabla's importer on ONNX's own operator cases: what it gives, without an error, instead of what ONNX demands.

nnabla 1.39, onnx 1.13.1, numpy 1.26.4. Environment: nnabla1.39, after make_case_files.py.
    python docs/findings/make_case_files.py /tmp/findings/cases
    .tox/nnabla1.39/bin/python docs/findings/nnabla_onnx_cases.py /tmp/findings/cases
"""

import os
import sys
import tempfile

import numpy as np
from nnabla.utils.converter.nnabla import NnpExporter
from nnabla.utils.converter.onnx import OnnxImporter
from nnabla.utils.nnp_graph import NnpLoader
from onnx import load, save

folder = sys.argv[1]
seen = []
GIVEN = {  # dtype, shape and values of the last output; None: it is missing
    "And": ("float32", (1,), [1]),
    "Less": ("float32", (1,), [1]),
    "Div-integers": ("float32", (2,), [3.5, -3.5]),
    "MatMul-vector": ("float32", (1, 1, 1), [11]),
    "NonZero": ("uint64", (2, 0), []),  # the declared length, which is not known, is 0
}


def forward(name, inputs, outputs):
    """The last output. NNabla reads IR versions to 8; nothing of a newer one is in the files."""
    model = load("%s/%s.onnx" % (folder, name))
    model.ir_version = 8
    with tempfile.TemporaryDirectory() as place:
        save(model, os.path.join(place, "net.onnx"))
        saved = os.path.join(place, "net.nnp")
        NnpExporter(OnnxImporter(os.path.join(place, "net.onnx")).execute(), -1).execute(saved)
        loader = NnpLoader(saved)
    network = loader.get_network(loader.get_network_names()[0], batch_size=next(iter(inputs.values())).shape[0])
    for key, array in inputs.items():
        network.inputs[key].d = array
    variable = network.variables["y"]
    variable.forward()
    return variable.d.copy()


def same(got, dtype, shape, values):
    """Whether an output is just that."""
    return (str(got.dtype), got.shape) == (dtype, shape) and np.allclose(got.ravel(), np.ravel(values), 1e-3, 1e-4)


for name, given in sorted(GIVEN.items()):
    case = np.load("%s/%s.npz" % (folder, name))
    expected = case["expected"]
    got = forward(name, {key[3:]: case[key] for key in case if key.startswith("in_")}, len(case["names"]))
    print("%s: expected %s %s %s" % (name, expected.dtype, expected.shape, expected.ravel()[:8]))
    print("  got", "nothing" if got is None else "%s %s %s" % (got.dtype, got.shape, got.ravel()[:8]))
    right = got is not None and same(got, str(case["dtype"]), expected.shape, expected)
    seen.append(not right and (got is None if given is None else got is not None and same(got, *given)))
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
