"""What exists: the sources and targets, one line each. Adding a framework or runtime adds its line here.

`environment` is the family of tox environments in which it runs (torch for torch2.13, torch2.12 …); "host" is the
suite's own Python. Tiers of ONNX support, after the Deep Learning Showdown: 2 built in, 1 community, 0 none.
"""

from __future__ import annotations

import ast
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.registry import ReferenceModel

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Source:
    """An exporter: `exporter` names the function in `module`'s EXPORTERS."""

    name: str
    framework: str
    module: str
    exporter: str
    environment: str
    tier: int
    opsets: tuple[int, int] | None = None
    """The lowest and the highest opset that it can be asked for; None where it takes no opset."""
    family: str = ""
    """Of the models that it brings itself, MODELS in its file; "": it builds the reference models."""
    on_host: bool = False
    """Runs on the host when no environment of its family is installed."""
    given: bool = False
    """Its models come with their inputs and outputs, and are named, a line each, in FILE/ENVIRONMENT.txt."""

    @property
    def path(self) -> Path:
        """The exporter's file."""
        return ROOT / "exporters" / self.module

    @property
    def files(self) -> list[Path]:
        """The exporter's file, those of its name in other languages, and the exporters beside it that it imports."""
        return _of_one_name(self.path) + _beside(self.path)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes in which it can write a model; the first is the one that the default matrix has."""
        return tuple(literal(self.path, "DTYPES")) or ("float32",)

    def own_models(self, environment: str) -> list[ReferenceModel]:
        """The models that it brings itself; what is given may differ from one environment to another."""
        if not self.family:
            return []
        names = literal(self.path, "MODELS")
        if self.given:
            file = self.path.with_suffix("") / f"{environment}.txt"
            names = file.read_text().split() if file.exists() else ()
        return [ReferenceModel(name, self.family, "own", None, dynamic=not self.given) for name in names]


@dataclass(frozen=True)
class Target:
    """An importer: `option` is handed to its `load`."""

    name: str
    runtime: str
    module: str
    option: str
    environment: str
    on_host: bool = False
    """Runs on the host when no environment of its family is installed."""
    slow: bool = False
    """Takes seconds over each file of some size: unless it is named, it gets a slice of the models (plan.SLICE,
    plan.QUICK)."""

    @property
    def path(self) -> Path:
        """The importer's file."""
        return ROOT / "importers" / self.module

    @property
    def files(self) -> list[Path]:
        """The importer's file, those of its name in other languages, and the importers beside it that it imports."""
        return _of_one_name(self.path) + _beside(self.path)


def _of_one_name(path: Path) -> list[Path]:
    return sorted(path.parent.glob(path.stem + ".*"))


def _beside(path: Path) -> list[Path]:
    names = re.findall(r"^from beside import (\w+)", path.read_text(), re.MULTILINE)
    return [path.with_name(f"{name}.py") for name in names]


SOURCES = {
    source.name: source
    for source in (
        Source("canonical", "ONNX", "canonical.py", "canonical", "host", 2, (13, 26)),
        Source("flax.nnx", "Flax NNX", "jax.py", "nnx", "jax", 1, opsets=(13, 26)),
        Source("gluon-zoo", "MXNet", "gluon_zoo.py", "gluon", "mxnet", 2, family="zoo"),
        Source("jax.jax2onnx", "JAX", "jax.py", "jax2onnx", "jax", 1, opsets=(13, 26)),
        Source(
            "keras-applications",
            "Keras on TensorFlow",
            "keras_applications.py",
            "export",
            "tensorflow",
            2,
            (6, 18),
            "zoo",
        ),
        Source("keras.jax", "Keras on JAX", "keras.py", "export", "kerasjax", 2, (9, 26)),
        Source("keras.tensorflow", "Keras on TensorFlow", "keras.py", "export", "tensorflow", 2, (6, 18)),
        Source("keras.torch", "Keras on PyTorch", "keras.py", "export", "kerastorch", 2, (18, 26)),
        Source("lightgbm.onnxmltools", "LightGBM", "lightgbm.py", "onnxmltools", "lightgbm", 1, family="classical"),
        Source("mindspore.export", "MindSpore", "mindspore_nn.py", "export", "mindspore", 2, opsets=(11, 11)),
        Source("mindspore.onnx", "MindSpore", "mindspore_nn.py", "onnx", "mindspore", 2, opsets=(11, 11)),
        Source("mxnet.gluon", "MXNet", "mxnet.py", "gluon", "mxnet", 2),
        Source("nnabla.converter", "NNabla", "nnabla_pf.py", "converter", "nnabla", 1, opsets=(6, 13)),
        Source("oneflow.onnx", "OneFlow", "oneflow_nn.py", "onnx", "oneflow", 1, opsets=(6, 18)),
        Source("onnx.node", "ONNX", "onnx_node.py", "node", "onnx", 2, family="operators", given=True, on_host=True),
        Source("onnxruntime.qdq", "ONNX Runtime", "ort_qdq.py", "qdq", "host", 2, (13, 23)),
        Source("paddle-vision", "PaddlePaddle", "paddle_vision.py", "onnx", "paddle", 2, (7, 21), "zoo"),
        Source("paddle.onnx", "PaddlePaddle", "paddle_nn.py", "onnx", "paddle", 2, opsets=(7, 21)),
        Source("pytorch.dynamo", "PyTorch", "pytorch.py", "dynamo", "torch", 2, (18, 25)),
        Source("pytorch.torchscript", "PyTorch", "pytorch.py", "torchscript", "torch", 2, (9, 20)),
        Source("sklearn.skl2onnx", "scikit-learn", "sklearn.py", "skl2onnx", "sklearn", 1, family="classical"),
        Source("tensorflow.function", "TensorFlow", "keras.py", "function", "tensorflow", 1, (6, 18)),
        Source("tensorflow.keras", "TensorFlow", "keras.py", "keras", "tensorflow", 1, (6, 18)),
        Source("tensorflow.savedmodel", "TensorFlow", "keras.py", "savedmodel", "tensorflow", 1, (6, 18)),
        Source("tensorflow.tflite", "TensorFlow Lite", "tflite.py", "tflite", "tensorflow", 1, (6, 18)),
        Source("tfjs.layers", "TensorFlow.js", "tfjs.py", "layers", "tfjs", 1, (9, 18)),
        Source("torchzoo.dynamo", "timm, transformers", "torch_zoo.py", "dynamo", "torchzoo", 2, (18, 25), "zoo"),
        Source(
            "torchzoo.torchscript", "timm, transformers", "torch_zoo.py", "torchscript", "torchzoo", 2, (9, 20), "zoo"
        ),
        Source("xgboost.onnxmltools", "XGBoost", "xgboost.py", "onnxmltools", "xgboost", 1, family="classical"),
    )
}

TARGETS = {
    target.name: target
    for target in (
        Target("iree", "IREE", "iree.py", "default", "iree", slow=True),
        Target("jaxonnxruntime.default", "jaxonnxruntime", "jaxonnxruntime.py", "default", "jaxonnxruntime", slow=True),
        Target(
            "jaxonnxruntime.sizes",
            "jaxonnxruntime, sizes computed",
            "jaxonnxruntime.py",
            "sizes",
            "jaxonnxruntime",
            slow=True,
        ),
        Target("litert", "LiteRT through onnx2tf", "litert.py", "default", "litert", slow=True),
        Target(
            "litert+channels-first",
            "LiteRT, outputs put channels first",
            "litert.py",
            "channels-first",
            "litert",
            slow=True,
        ),
        Target("mnn", "MNN", "mnn.py", "default", "mnn"),
        Target("mxnet", "MXNet", "mxnet.py", "default", "mxnet"),
        Target("mxnet+inputs-listed", "MXNet, initializers listed as inputs", "mxnet.py", "inputs-listed", "mxnet"),
        Target("ncnn", "ncnn through pnnx", "ncnn.py", "default", "ncnn", slow=True),
        Target("nnabla", "NNabla", "nnabla_nnp.py", "default", "nnabla"),
        Target("onnx2kerastl", "Keras through onnx2kerastl", "onnx2kerastl.py", "default", "onnx2kerastl"),
        Target("onnx2torch", "PyTorch through onnx2torch", "onnx2torch.py", "default", "onnx2torch"),
        Target("onnxruntime-node", "ONNX Runtime for Node.js", "onnxruntime_js.py", "node", "onnxruntimenode"),
        Target("onnxruntime-web.node", "ONNX Runtime WASM, Node.js", "onnxruntime_js.py", "web.node", "onnxruntimeweb"),
        Target("onnxruntime-web.wasm", "ONNX Runtime WASM", "onnxruntime_js.py", "web.wasm", "onnxruntimeweb"),
        Target(
            "onnxruntime-web.webgpu",
            "ONNX Runtime WebGPU",
            "onnxruntime_js.py",
            "web.webgpu",
            "onnxruntimeweb",
            slow=True,
        ),
        Target("onnxruntime.all", "ONNX Runtime", "onnxruntime.py", "all", "onnxruntime", on_host=True),
        Target("onnxruntime.none", "ONNX Runtime, no optimisation", "onnxruntime.py", "none", "onnxruntime"),
        Target("onnxruntime.openvino", "ONNX Runtime on OpenVINO", "ortopenvino.py", "default", "ortopenvino"),
        Target("onnxtf", "TensorFlow through onnx-tf", "onnxtf.py", "default", "onnxtf"),
        Target("opencv", "OpenCV", "opencv.py", "default", "opencv"),
        Target("openvino.default", "OpenVINO, default precision", "openvino.py", "default", "openvino"),
        Target("openvino.f32", "OpenVINO", "openvino.py", "f32", "openvino"),
        Target("reference", "ONNX reference evaluator", "reference.py", "default", "host"),
        Target("tinygrad", "tinygrad", "tinygrad.py", "default", "tinygrad", slow=True),
        Target("tract", "tract", "tract.py", "default", "tract"),
        Target("tvm", "Apache TVM", "tvm.py", "default", "tvm"),
        Target(
            "x2paddle.inference", "Paddle Inference through X2Paddle", "x2paddle.py", "inference", "x2paddle", slow=True
        ),
        Target("x2paddle.jit", "PaddlePaddle through X2Paddle", "x2paddle.py", "jit", "x2paddle", slow=True),
    )
}

#: The source that writes each reference model as the suite itself defines it.
CANONICAL = "canonical"
#: The source of ONNX's own operator cases.
CASES = "onnx.node"
#: The target whose results are the E of design section 5.
EVALUATOR = "reference"


@cache
def literal(path: Path, name: str) -> Any:
    """What module-level `name` is set to in a Python file, read without running it.

    A tuple of strings for tuples, the string keys for a dict; () when it is not there.
    """
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            if isinstance(node.value, ast.Dict):
                return tuple(k.value for k in node.value.keys if isinstance(k, ast.Constant))
            with suppress(ValueError):  # it is computed
                return ast.literal_eval(node.value)
    return ()
