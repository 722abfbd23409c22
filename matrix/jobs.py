"""What a worker does: export a reference model, run an ONNX file, or check one.

Runs in every environment, so: the standard library and NumPy only, Python 3.6 syntax. Arrays of several input sets
lie in one file; number 2 of input `x` is called "2/x".
"""

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np


class OurTroubleError(Exception):
    """Something of the suite's own failed, so the job says nothing about the tool."""

    ours = True


@contextmanager
def ours(what):
    """Around what is the suite's own: no failure of it is the tool's."""
    try:
        yield
    except Exception as error:
        raise OurTroubleError("%s: %s: %s" % (what, type(error).__name__, error)) from error


class Graph:
    """A reference model, as an exporter sees it.

    inputs: objects with name, dtype and shape (strings are dynamic axes; see sizes)
    nodes: objects with op, layer, inputs, outputs, attributes (dict), weights (dict of float32 arrays by short name)
        and shapes (of the outputs, at the export sizes); nodes with the same `layer` share their weights
    outputs: objects with name, value (the name of a node's output) and dtype
    sizes: the length of each dynamic axis at export
    """

    def __init__(self, folder):
        with open(os.path.join(folder, "model.json")) as file:
            data = json.load(file)
        with np.load(os.path.join(folder, "weights.npz")) as weights:
            arrays = {name: weights[name] for name in weights.files}
        self.name = data["name"]
        self.sizes = data["input_sets"][0]
        self.inputs = [SimpleNamespace(**i) for i in data["inputs"]]
        self.outputs = [SimpleNamespace(**o) for o in data["outputs"]]
        self.nodes = [SimpleNamespace(**n) for n in data["nodes"]]
        for node in self.nodes:
            node.weights = {short: arrays[name] for short, name in node.weights.items()}


ALIGNMENT = 64


def write_arrays(path, arrays):
    """Write named arrays: a line of JSON, {name: [dtype, shape]}, then their bytes, each begun at a multiple of 64.

    A cell reads and writes a handful of small arrays, and npz takes longer over that than a runtime over the cell.
    Raises ValueError for an array of Python objects, of which there are no bytes, and OurTroubleError where the file
    cannot be written.
    """
    arrays = {name: np.ascontiguousarray(array).reshape(np.shape(array)) for name, array in arrays.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise ValueError("%s holds Python objects (dtype %s)" % (name, array.dtype))
    header = json.dumps({name: [array.dtype.str, array.shape] for name, array in arrays.items()}).encode()
    with ours("the arrays cannot be written"), open(path, "wb") as file:
        file.write(header + b"\n")
        for array in arrays.values():
            file.write(array.tobytes() + bytes(-array.nbytes % ALIGNMENT))


def read_arrays(path):
    """The named arrays of a file of write_arrays, or of an npz file. Raises ValueError for a damaged one."""
    if str(path).endswith(".npz"):
        with np.load(path) as arrays:
            return {name: arrays[name] for name in arrays.files}
    with open(path, "rb") as file:
        header, data, start, found = json.loads(file.readline().decode()), bytearray(file.read()), 0, {}
    for name, (dtype, shape) in header.items():
        count = int(np.prod(shape, dtype=np.int64))
        found[name] = np.frombuffer(data, dtype, count, start).reshape(shape) if count else np.empty(shape, dtype)
        start += -(-found[name].nbytes // ALIGNMENT) * ALIGNMENT
    return found


def read_sets(path, sets):
    """The arrays of the numbered input sets in a file: one dict for each."""
    found = {str(n): {} for n in sets}
    for name, array in read_arrays(path).items():
        which, short = name.split("/", 1)
        if which in found:
            found[which][short] = array
    return [found[str(n)] for n in sets]


def write_sets(path, sets, values):
    """Write one dict of arrays for each numbered input set."""
    write_arrays(path, {"%d/%s" % (n, name): a for n, arrays in zip(sets, values) for name, a in arrays.items()})


def native_outputs(module, model, graph, inputs):
    """The framework's own outputs for one input set; raises ValueError unless every output is there."""
    outputs = {name: np.asarray(array) for name, array in module.run(model, inputs).items()}
    wanted = [output.name for output in graph.outputs]
    if sorted(outputs) != sorted(wanted):
        raise ValueError("the native model returned %s, not %s" % (sorted(outputs), sorted(wanted)))
    return outputs


def export(module, job, stage):
    """Build the model, run it natively, write out/model.onnx and out/native.arrays.

    Returns how the file's graph inputs and outputs stand to the model's, or None when they have its names or order.
    """
    with ours("the reference model cannot be read"):
        graph = Graph(job["model"])
        inputs = read_sets(os.path.join(job["model"], "inputs.npz"), job["sets"])
    stage("build")
    known = set(module.LAYERS) | set(getattr(module, "COMPOSED", ()))
    lacking = sorted({node.op for node in graph.nodes} - known)
    if lacking:
        raise NotImplementedError("no layer %s" % ", ".join(lacking))
    dynamic = {
        i.name: {axis: n for axis, n in enumerate(i.shape) if isinstance(n, str)} if job["dynamic"] else {}
        for i in graph.inputs
    }
    request = SimpleNamespace(graph=graph, opset=job["opset"], dynamic=dynamic, exporter=job["exporter"])
    model = module.build(graph, request)
    stage("native")
    if hasattr(module, "run"):
        values = [native_outputs(module, model, graph, arrays) for arrays in inputs]
    else:
        # No framework stands behind this source: its native run is the graph in float32 NumPy.
        values = read_sets(os.path.join(job["model"], "rounded.npz"), job["sets"])
    write_sets(os.path.join(job["out"], "native.arrays"), job["sets"], values)
    stage("export")
    return module.EXPORTERS[job["exporter"]](model, inputs[0], request, os.path.join(job["out"], "model.onnx"))


@contextmanager
def readable(module, path):
    """The model file; for a module that says so, a copy in a folder that it may write to while it is at work."""
    if not getattr(module, "WRITES_BESIDE_MODEL", False):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        with ours("the case cannot be read"):
            path = shutil.copy(path, folder)
        yield path


def run(module, job, stage):
    """Load the ONNX file and run each input set; write every output to the file job["out"]."""
    with ours("the case cannot be read"):
        feeds = read_sets(job["feeds"], job["sets"])
    request = SimpleNamespace(option=job["option"], inputs=job["inputs"], outputs=job["outputs"])
    with readable(module, job["model"]) as path:
        session = module.load(path, request)
        stage("run")
        values = [module.run(session, arrays) for arrays in feeds]
        stage("compare")
        write_sets(job["out"], job["sets"], [{k: np.asarray(v) for k, v in outputs.items()} for outputs in values])
        return module.describe(session) if hasattr(module, "describe") else None


def check(module, job, stage):
    """Hand a job of the host's own to a module that works in the host's environment."""
    return module.check(job, stage)
