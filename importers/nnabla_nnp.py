"""NNabla: its own ONNX importer makes an .nnp of the file; NnpLoader builds the network for the batch of the feeds."""

import os
import tempfile

os.environ["OMP_NUM_THREADS"] = "1"  # read when the library is loaded

import nnabla as nn
from nnabla.utils.converter.nnabla import NnpExporter
from nnabla.utils.converter.onnx import OnnxImporter
from nnabla.utils.nnp_graph import NnpLoader

PACKAGES = ("nnabla", "nnabla-converter", "onnx")
ISOLATE = True  # parameters lie in one table of the process
UNSUPPORTED = (
    r"not supported",
    r"[Uu]nsupported",
    r"Only .* (is|are) (supported|allowed)",
    r"^RuntimeError: not_implemented",
)


class Session:
    """The .nnp that was made of a file, and its network for each batch size."""

    def __init__(self, path, names):
        with tempfile.TemporaryDirectory() as folder:
            saved = os.path.join(folder, "net.nnp")
            NnpExporter(OnnxImporter(path).execute(), -1).execute(saved)
            self.loader = NnpLoader(saved)
        self.names, self.networks = names, {}

    def network(self, batch):
        """The network built for this batch size."""
        if batch not in self.networks:
            self.networks[batch] = self.loader.get_network(self.loader.get_network_names()[0], batch_size=batch)
        return self.networks[batch]


def load(path, request):
    """The .nnp; its networks wait for the feeds, as NNabla's have fixed sizes."""
    return Session(path, request.outputs)


def run(session, inputs):
    """All outputs by name. NNabla's errors name the C++ function and line first; here the cause stands beside it."""
    try:
        return forwarded(session, inputs)
    except RuntimeError as error:
        raise RuntimeError(" ".join(line for line in str(error).splitlines() if line[:1] != "/")) from error


def forwarded(session, inputs):
    """All outputs by name."""
    network = session.network(next(iter(inputs.values())).shape[0])
    for name, array in inputs.items():
        network.inputs[name].d = array
    outputs = [network.variables[name] for name in session.names]  # those of `outputs` are not used by others
    nn.forward_all(outputs)
    return {name: output.d.copy() for name, output in zip(session.names, outputs)}
