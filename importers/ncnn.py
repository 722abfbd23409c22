"""ncnn: the ONNX file converted by pnnx, in float32, and run on the CPU.

pnnx writes beside the network a script that shows how to feed it: the dtypes, and which axis, if any, ncnn takes as the
batch (its arrays have that apart from their axes). A user reads it, and so does this module, which keeps to it. Files
with dynamic axes are converted with two examples of their sizes, as the documentation of pnnx tells. The script's own
names stand in the order of the graph inputs and outputs.
"""

import importlib.util
import os
import re
import subprocess
import tempfile

import ncnn
import numpy as np

PACKAGES = ("ncnn", "pnnx", "numpy")
UNSUPPORTED = (
    r"not exists or registered",
    # What the ONNX Runtime in pnnx, and pnnx itself, say of a file before they run it.
    r"Unsupported model IR version",
    r"ONNX Runtime only \*guarantees\* support",
    r"Could not find an implementation for",
    r"is not a registered function/op",
    r"No Op registered for",
    r"tensor type 0 is not supported",
    r"dtype=null",
    r"does not support",
    r"Unrecognized attribute",
    r"Support only elemsize [^;]*; but given [1-9]",
    r"only dims <=4 support",
)
ISOLATE = True  # a layer that lacks a parameter may end the process

#: The program in pnnx's wheel. Its Python package is not imported: it wants PyTorch, which ONNX files do not need.
PNNX = os.path.join(os.path.dirname(importlib.util.find_spec("pnnx").origin), "pnnx")
DTYPES = {"half": "float16", "float": "float32", "double": "float64", "int": "int32", "short": "int16"}
DTYPES.update({"int8": "int8", "uint8": "uint8"})
KINDS = {"float32": "f32", "int64": "i64", "int32": "i32", "bool": "bool"}
EXAMPLES = ({"batch": 2}, 8), ({"batch": 3}, 9)
"""Lengths of dynamic axes to convert with: of those by name, and of all others."""


def load(path, request):
    """The network, its inputs as (its name, ours, dtype, batch axis), and its outputs as (our name, batch axis)."""
    folder = tempfile.mkdtemp()
    script = convert(path, folder, shapes(request.inputs))
    net = ncnn.Net()
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_packed", "use_bf16_storage"):
        setattr(net.opt, option, False)
    net.opt.num_threads = 1
    for step, name in ((net.load_param, "model.ncnn.param"), (net.load_model, "model.ncnn.bin")):
        failed = complaint(step, os.path.join(folder, name))
        if failed is not None:
            raise RuntimeError("%s failed: %s" % (step.__name__, failed))
    return (net,) + usage(script, request)


def shapes(inputs):
    """What to tell pnnx of the inputs: nothing when all sizes are known, else two examples."""
    if any(i["shape"] is None for i in inputs):
        raise NotImplementedError("ncnn takes tensors alone, no sequences")
    if not any(isinstance(n, str) for i in inputs for n in i["shape"]):
        return []
    said = []
    for key, (named, other) in zip(("inputshape", "inputshape2"), EXAMPLES):
        sizes = [[named.get(n, other) if isinstance(n, str) else n for n in i["shape"]] for i in inputs]
        texts = ["[%s]%s" % (",".join(map(str, s)), KINDS[i["dtype"]]) for i, s in zip(inputs, sizes)]
        said.append("%s=%s" % (key, ",".join(texts)))
    return said


def convert(path, folder, arguments):
    """Let pnnx write its files to the folder; the script that it writes, as text."""
    model = os.path.join(folder, "model.onnx")
    os.symlink(path, model)
    command = [PNNX, model, "fp16=0"] + arguments
    done = subprocess.run(command, check=False, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    log = done.stdout.decode(errors="replace")
    print(log)
    if done.returncode != 0 or not os.path.exists(os.path.join(folder, "model_ncnn.py")):
        last = [line for line in log.splitlines() if line.strip()] or [""]
        raise RuntimeError("pnnx ended with %d: %s" % (done.returncode, last[-1]))
    with open(os.path.join(folder, "model_ncnn.py")) as file:
        return file.read()


def complaint(function, *arguments):
    """What a call writes to stderr when it does not return 0, else None: ncnn says nowhere else why it fails."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            failed = function(*arguments)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        return " ".join(file.read().decode(errors="replace").split()) if failed else None


def usage(script, request):
    """What pnnx's script says of the inputs and of the outputs."""
    if "dtype=null" in script:
        raise RuntimeError("pnnx has no dtype for an input: dtype=null")
    dtypes = dict(re.findall(r"(in\d+) = torch\.\w+\(.*dtype=torch\.(\w+)\)", script))
    fed = dict(re.findall(r'ex\.input\("(in\d+)", .*batch_index=(\d+)', script))
    taken = dict(re.findall(r"(out\d+)\.numpy\(.*batch_index=(\d+)", script))
    places = [("in%d" % n, i["name"]) for n, i in enumerate(request.inputs)]
    # What a network that is constant has no use for is not in it.
    inputs = [(place, name, DTYPES[dtypes[place]], int(fed[place])) for place, name in places if place in fed]
    outputs = [(name, int(taken["out%d" % n])) for n, name in enumerate(request.outputs)]
    return inputs, outputs


def run(session, inputs):
    """All outputs by name."""
    net, feeds, wanted = session
    with net.create_extractor() as extractor:
        for place, name, dtype, batch in feeds:
            array = np.ascontiguousarray(inputs[name], dtype)
            if extractor.input(place, ncnn.Mat(array, batch_index=batch).clone()) != 0:
                raise RuntimeError("the network does not take %s" % place)
        return {name: extract(extractor, "out%d" % n, batch) for n, (name, batch) in enumerate(wanted)}


def extract(extractor, name, batch):
    """One output of the network."""
    failed, result = extractor.extract(name)
    if failed:
        raise RuntimeError("extract of %s failed with %d" % (name, failed))
    return np.array(result.numpy(batch_index=batch))
