"""ONNX's own cases, from onnx.backend.test: operators, small models, light real networks, with inputs and outputs.

Up to onnx 1.22 they lie in the package as files; from 1.23 on the package's code makes all but the networks. A plan is
made without running this, so the names of each version's cases are in onnx_node/ENVIRONMENT.txt, which
`python exporters/onnx_node.py` writes in its environment.
"""

import glob
import os
import re
import warnings

import numpy as np
import onnx
from onnx import numpy_helper

PACKAGES = ("onnx", "numpy")
LAYERS = {}
FILES = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")
#: Their outputs are drawn at random, so that there is nothing to compare.
RANDOM = re.compile(r"test_bernoulli.*|test_training_dropout(_default)?(_mask)?")
#: Tolerances of narrow dtypes, absolute by scale and relative: docs/tolerances.md.
WIDE = {"bfloat16": (5e-2, 1e-1), "float16": (1e-2, 2e-2)}
#: ONNX's names of types that NumPy has through ml_dtypes alone.
NARROW = {
    "BFLOAT16": "bfloat16",
    "FLOAT8E4M3FN": "float8_e4m3fn",
    "FLOAT8E4M3FNUZ": "float8_e4m3fnuz",
    "FLOAT8E5M2": "float8_e5m2",
    "FLOAT8E5M2FNUZ": "float8_e5m2fnuz",
    "INT4": "int4",
    "UINT4": "uint4",
}
KINDS = ("node", "simple", "pytorch-operator", "pytorch-converted")


class Case:
    """A file, its inputs and expected outputs by name, and ONNX's tolerance for them."""

    def __init__(self, model, inputs, outputs, rtol=1e-3, atol=1e-7):
        self.model, self.rtol, self.atol = model, rtol, atol
        constants = {tensor.name for tensor in model.graph.initializer}
        infos = [value for value in model.graph.input if value.name not in constants]
        self.inputs = {info.name: in_its_type(value_of(item), info) for info, item in zip(infos, inputs)}
        self.outputs = {info.name: in_its_type(value_of(item), info) for info, item in zip(model.graph.output, outputs)}


def value_of(item):
    """An array, or a list of them, or None: what the cases hold as such, as scalars or as protobuf messages."""
    if isinstance(item, onnx.TensorProto):
        return numpy_helper.to_array(item)
    if isinstance(item, onnx.SequenceProto):
        return [value_of(element) for element in numpy_helper.to_list(item)]
    if isinstance(item, onnx.OptionalProto):
        found = numpy_helper.to_optional(item)
        return None if found is None else value_of(found)
    if isinstance(item, list):
        return [value_of(element) for element in item]
    return None if item is None else np.asarray(item)


def in_its_type(value, info):
    """An array in the type that the graph declares: of the narrow ones, an old onnx gives bits or float32."""
    name = NARROW.get(onnx.TensorProto.DataType.Name(info.type.tensor_type.elem_type))
    if name is None or value.dtype.name == name:
        return value
    import ml_dtypes

    dtype = np.dtype(getattr(ml_dtypes, name))
    return value.view(dtype) if value.dtype.name == "uint16" else value.astype(dtype)


def message(path, info):
    """The protobuf message in a file of test data, of the type that the graph declares."""
    kinds = {"sequence_type": onnx.SequenceProto, "optional_type": onnx.OptionalProto}
    found = kinds.get(info.type.WhichOneof("value"), onnx.TensorProto)()
    with open(path, "rb") as file:
        found.ParseFromString(file.read())
    return found


def from_folder(folder):
    """A case whose model and first data set lie in a folder."""
    model = onnx.load(os.path.join(folder, "model.onnx"))
    constants = {tensor.name for tensor in model.graph.initializer}
    sides = {"input": [i for i in model.graph.input if i.name not in constants], "output": model.graph.output}
    data = os.path.join(folder, "test_data_set_0")
    values = {
        side: [message(os.path.join(data, "%s_%d.pb" % (side, n)), info) for n, info in enumerate(infos)]
        for side, infos in sides.items()
    }
    return Case(model, values["input"], values["output"])


def light(path):
    """A real network whose weights are one number each, on the ramp that onnx's own runner feeds it."""
    model = onnx.load(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    (info,) = [value for value in model.graph.input if value.name not in constants]
    shape = [dim.dim_value or 1 for dim in info.type.tensor_type.shape.dim]
    ramp = (np.arange(np.prod(shape)).reshape(shape) / np.prod(shape)).astype(np.float32)
    return Case(model, [ramp], [message(path.replace(".onnx", "_output_0.pb"), model.graph.output[0])])


def catalogue():
    """{name: function() -> Case}."""
    found = {}
    for kind in KINDS:
        for folder in sorted(glob.glob(os.path.join(FILES, kind, "test_*"))):
            found[os.path.basename(folder)] = lambda folder=folder: from_folder(folder)
    for case in () if any("node" in path for path in glob.glob(os.path.join(FILES, "node*"))) else generated():
        inputs, outputs = case.data_sets[0]
        found[case.name] = lambda c=case, i=inputs, o=outputs: Case(c.model, i, o, c.rtol, c.atol)
    for path in sorted(glob.glob(os.path.join(FILES, "light", "light_*.onnx"))):
        found[os.path.basename(path)[: -len(".onnx")]] = lambda path=path: light(path)
    return {name: found[name] for name in sorted(found) if not RANDOM.fullmatch(name)}


def generated():
    """The cases that code makes."""
    from onnx.backend.test.case.model import collect_testcases as models
    from onnx.backend.test.case.node import collect_testcases as nodes

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # infinities are meant
        return [case for case in list(nodes(None)) + list(models()) if case.data_sets]


CASES = catalogue()


def build(name, request):
    """The case of that name."""
    return CASES[name]()


def interface(case):
    """Inputs as the case feeds them, and no dynamic axis."""
    kinds = {value.name: value.type.WhichOneof("value") for value in case.model.graph.input}
    found = []
    for name, value in case.inputs.items():
        tensor = isinstance(value, np.ndarray) and kinds[name] == "tensor_type"
        dtype = value.dtype.name if tensor else ""
        shape = list(np.shape(value)) if tensor else []
        found.append({"name": name, "dtype": "string" if dtype == "object" else dtype, "shape": shape})
    return found, [{}]


def draw(case, generator, sizes):
    """The inputs that the case comes with."""
    return case.inputs


def truth(case, inputs):
    """The outputs that the case comes with, in its own precision."""
    return case.outputs


def tolerance(case):
    """ONNX's is strict: rtol of each value, also where the right one is 0 but for its rounding, integers too.

    What is within the tolerance of the dtypes of the outputs, but not within that, is not called wrong.
    """
    names = {array.dtype.name for array in case.outputs.values() if isinstance(array, np.ndarray)}
    absolute, relative = next((WIDE[name] for name in WIDE if name in names), (1e-5, 1e-3))
    return {
        "epsilon": 2.0**-23,
        "relative": max(relative, case.rtol),
        "absolute": absolute,
        "clean": 0.0,
        "least": case.atol,
        "strict": case.rtol,
    }


def node(case, inputs, request, path):
    """The file itself."""
    onnx.save(case.model, path)


EXPORTERS = {"node": node}

if __name__ == "__main__":
    print("\n".join(CASES))
