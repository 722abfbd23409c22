"""What a worker does: export a reference model, run an ONNX file, or check one.

Runs in every environment, so: the standard library and NumPy only, Python 3.6 syntax. Arrays of several input sets
lie in one file; number 2 of input `x` is called "2/x".
"""

import json
import os
import shutil
import tempfile
import zlib
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
    except NotImplementedError:
        raise  # what the environment lacks is told as such
    except Exception as error:
        raise OurTroubleError("%s: %s: %s" % (what, type(error).__name__, error)) from error


class Graph:
    """A reference model in one precision, as an exporter sees it.

    dtype: of its floating-point weights and inputs
    inputs: objects with name, dtype and shape (strings are dynamic axes; see sizes)
    nodes: objects with op, layer, inputs, outputs, attributes (dict), weights (dict of arrays of that dtype by short
        name) and shapes (of the outputs, at the export sizes); nodes with the same `layer` share their weights
    outputs: objects with name, value (the name of a node's output) and dtype
    sizes: the length of each dynamic axis at export
    """

    def __init__(self, folder, dtype="float32"):
        with open(os.path.join(folder, "model.json")) as file:
            data = json.load(file)
        with np.load(os.path.join(folder, "weights.npz")) as weights:
            arrays = {name: in_dtype(weights[name], dtype) for name in weights.files}
        self.dtype = dtype
        self.name = data["name"]
        self.sizes = data["input_sets"][0]
        self.inputs = [SimpleNamespace(**i) for i in data["inputs"]]
        self.outputs = [SimpleNamespace(**o) for o in data["outputs"]]
        self.nodes = [SimpleNamespace(**n) for n in data["nodes"]]
        for node in self.nodes:
            node.weights = {short: arrays[name] for short, name in node.weights.items()}


def dtype_of(name):
    """The NumPy dtype of that name; NotImplementedError for one that neither NumPy nor an installed ml_dtypes has."""
    try:
        return np.dtype(name)
    except TypeError:
        pass
    try:
        import ml_dtypes
    except ImportError:
        raise NotImplementedError("this environment has no ml_dtypes, and so no %s in NumPy" % name) from None
    if not hasattr(ml_dtypes, name):
        raise NotImplementedError("ml_dtypes %s of this environment has no %s" % (ml_dtypes.__version__, name))
    return np.dtype(getattr(ml_dtypes, name))


def in_dtype(array, name):
    """The array in that dtype if it holds floating-point numbers, else as it is."""
    return array.astype(dtype_of(name)) if array.dtype.kind == "f" and array.dtype.name != name else array


def dtype_name(value):
    """What a value is made of: NumPy's name of the dtype, "string" for texts, "" for what is no array."""
    if not isinstance(value, np.ndarray):
        return ""
    return "string" if value.dtype.kind in "OSU" else value.dtype.name


ALIGNMENT = 64


class _Writer:
    """Takes values apart into arrays, which it keeps, and what JSON can say of the rest."""

    def __init__(self):
        self.arrays = []

    def tree(self, name, value):
        """What stands for a value: [dtype, shape] for an array, an object for a sequence or map, null for nothing."""
        if value is None:
            return None
        if isinstance(value, dict):
            return {"map": [[key, self.tree(name, item)] for key, item in value.items()]}
        if isinstance(value, (list, tuple)):
            return {"sequence": [self.tree(name, item) for item in value]}
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        if array.dtype.kind in "OSU":
            texts = [t.decode() if isinstance(t, bytes) else t for t in array.ravel().tolist()]
            if not all(isinstance(text, str) for text in texts):
                raise ValueError("%s holds Python objects (dtype %s)" % (name, array.dtype))
            self.arrays.append(np.frombuffer(json.dumps(texts).encode(), np.uint8))
            return ["string", array.shape, self.arrays[-1].size]
        self.arrays.append(array)
        return [_dtype_name(array.dtype), array.shape]


def write_arrays(path, values):
    """Write named values: a line of JSON, {name: tree}, then the bytes of their arrays, each begun at a multiple of 64.

    A value is an array, of numbers or of texts, or a list or dict of values, or None: ONNX's tensors, sequences, maps
    and empty optionals. A cell reads and writes a handful of small arrays, and npz takes longer over that than a
    runtime over the cell. Raises ValueError for an array of Python objects, of which there are no bytes, and
    OurTroubleError where the file cannot be written.
    """
    writer = _Writer()
    header = json.dumps({name: writer.tree(name, value) for name, value in values.items()}).encode()
    with ours("the arrays cannot be written"), open(path, "wb") as file:
        file.write(header + b"\n")
        for array in writer.arrays:
            file.write(array.tobytes() + bytes(-array.nbytes % ALIGNMENT))


def _dtype_name(dtype):
    """What dtype_of understands: dtypes that are not NumPy's own have a name only."""
    return dtype.name if dtype.isbuiltin == 2 else dtype.str


class _Reader:
    """Puts values together again from the bytes of their arrays, in the order in which they were written."""

    def __init__(self, data):
        self.data, self.start = data, 0

    def value(self, tree):
        """The value that a tree stands for."""
        if tree is None:
            return None
        if isinstance(tree, dict):
            if "map" in tree:
                return {key: self.value(item) for key, item in tree["map"]}
            return [self.value(item) for item in tree["sequence"]]
        if tree[0] == "string":
            texts = json.loads(self.array(np.dtype(np.uint8), [tree[2]]).tobytes().decode())
            return np.array(texts, object).reshape(tree[1])
        return self.array(dtype_of(tree[0]), tree[1])

    def array(self, dtype, shape):
        """The next array."""
        count = int(np.prod(shape, dtype=np.int64))
        found = np.frombuffer(self.data, dtype, count, self.start).reshape(shape) if count else np.empty(shape, dtype)
        self.start += -(-found.nbytes // ALIGNMENT) * ALIGNMENT
        return found


def read_arrays(path):
    """The named values of a file of write_arrays, or the arrays of an npz file. Raises ValueError for a damaged one."""
    if str(path).endswith(".npz"):
        with np.load(path) as arrays:
            return {name: arrays[name] for name in arrays.files}
    with open(path, "rb") as file:
        header, reader = json.loads(file.readline().decode()), _Reader(bytearray(file.read()))
    return {name: reader.value(tree) for name, tree in header.items()}


def model_file(folder, name):
    """A file of a model's folder: the suite writes npz files, a source that brings its model may need more types."""
    path = os.path.join(str(folder), name)
    return path + (".npz" if os.path.exists(path + ".npz") else ".arrays")


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
    outputs = plain(module.run(model, inputs))
    wanted = [output.name for output in graph.outputs]
    if sorted(outputs) != sorted(wanted):
        raise ValueError("the native model returned %s, not %s" % (sorted(outputs), sorted(wanted)))
    return outputs


def plain(outputs):
    """Outputs by name, with arrays for whatever is no sequence, map or empty optional."""
    return {
        name: value if value is None or isinstance(value, (list, dict)) else np.asarray(value)
        for name, value in outputs.items()
    }


def export(module, job, stage):
    """Build the model, run it natively, write out/model.onnx and out/native.arrays.

    Returns how the file's graph inputs and outputs stand to the model's, or None when they have its names or order.
    """
    request = SimpleNamespace(**{name: job[name] for name in ("opset", "dtype", "quantised", "exporter")})
    graph, model = (own_model if job["own"] else reference_model)(module, job, request, stage)
    with ours("the reference model cannot be read"):
        inputs = sets_in_dtype(job, "inputs")
    stage("native")
    # Where no framework stands behind a source, its native run is the model's own, rounded behind each layer.
    native = hasattr(module, "run")
    values = [native_outputs(module, model, graph, x) for x in inputs] if native else sets_in_dtype(job, "rounded")
    write_sets(os.path.join(job["out"], "native.arrays"), job["sets"], values)
    stage("export")
    return module.EXPORTERS[job["exporter"]](model, inputs[0], request, os.path.join(job["out"], "model.onnx"))


def sets_in_dtype(job, file):
    """The arrays of the job's input sets in a file of its model, in the job's dtype."""
    sets = read_sets(model_file(job["model"], file), job["sets"])
    if job["own"]:
        return sets
    return [{name: in_dtype(array, job["dtype"]) for name, array in arrays.items()} for arrays in sets]


def dynamic_axes(job, inputs):
    """{input: {axis: symbol}}, without axes where the job wants fixed sizes."""
    return {i.name: {k: n for k, n in enumerate(i.shape) if isinstance(n, str) and job["dynamic"]} for i in inputs}


def reference_model(module, job, request, stage):
    """A model of the suite: its layer graph, and what the exporter builds of it."""
    with ours("the reference model cannot be read"):
        graph = Graph(job["model"], job["dtype"])
    stage("build")
    known = set(module.LAYERS) | set(getattr(module, "COMPOSED", ()))
    lacking = sorted({node.op for node in graph.nodes} - known)
    if lacking:
        raise NotImplementedError("no layer %s" % ", ".join(lacking))
    request.graph, request.dynamic = graph, dynamic_axes(job, graph.inputs)
    return graph, module.build(graph, request)


# -- models that a source brings itself -------------------------------------------------------------------------------


def own_model(module, job, request, stage):
    """A model of the source's own; what the others' folders hold is written for it, the truth by the framework.

    The module's MODELS names it; build(name, request) makes it; interface(model) gives inputs (name, dtype, shape, in
    which strings are dynamic axes) and the sizes of those axes in each input set; draw(model, generator, sizes) the
    inputs; truth(model, inputs) the outputs, computed in float64; tolerance(model), where there is one, that of the
    outputs. Without `run`, inputs and outputs are given, and belong together.
    """
    stage("build")
    model = module.build(job["own"], request)
    inputs, sizes = module.interface(model)
    request.dynamic = dynamic_axes(job, [SimpleNamespace(**i) for i in inputs])
    feeds = [module.draw(model, _generator(job["own"], n), sizes[n]) for n in job["sets"]]
    stage("truth")
    truths = [module.truth(model, values) for values in feeds]
    given = None if hasattr(module, "run") else "float64"
    if not given:
        refuse_vacuous(truths)
    outputs = [_described(name, value, given or job["dtype"]) for name, value in truths[0].items()]
    description = {
        "name": job["own"],
        "inputs": inputs,
        "outputs": outputs,
        "nodes": [],
        "input_sets": sizes,
        "tolerance": module.tolerance(model) if hasattr(module, "tolerance") else None,
    }
    with ours("the model cannot be written"):
        os.makedirs(job["model"], exist_ok=True)  # a first attempt may have died behind it
        with open(os.path.join(job["model"], "model.json"), "w") as file:
            json.dump(description, file)
        for file, sets in (("inputs", feeds), ("truth", truths), ("rounded", truths)):
            write_sets(os.path.join(job["model"], file + ".arrays"), job["sets"], sets)
    return SimpleNamespace(outputs=[SimpleNamespace(**o) for o in outputs]), model


def _described(name, value, dtype):
    """An output; float64 is the truth's precision, not the model's."""
    own = dtype_name(value)
    return {"name": name, "value": name, "dtype": dtype if own == "float64" else own}


def _generator(name, which):
    return np.random.RandomState(zlib.crc32(("%s/%d" % (name, which)).encode()))


LEAST_SPREAD = 0.02
"""Of a floating-point output, its standard deviation over its greatest magnitude; and its change with the inputs."""


def refuse_vacuous(truths):
    """Refuse a model whose random weights make it say next to nothing, so that everybody would agree with it."""
    for name, array in truths[0].items():
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.size < 2:
            continue
        scale, spread = float(np.abs(array).max()), float(array.std())
        other = truths[1][name]
        change = float(np.abs(array - other).max()) if other.shape == array.shape else scale
        if not scale > 0 or min(spread, change) < LEAST_SPREAD * scale:
            numbers = "scale %.3g, spread %.3g, change %.3g" % (scale, spread, change)
            raise OurTroubleError("vacuous: output %s hardly varies (%s)" % (name, numbers))


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
        write_sets(job["out"], job["sets"], [plain(outputs) for outputs in values])
        return module.describe(session) if hasattr(module, "describe") else None


def check(module, job, stage):
    """Hand a job of the host's own to a module that works in the host's environment."""
    return module.check(job, stage)
