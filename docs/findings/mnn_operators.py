"""MNN: what its Less, OneHot, GRU, GELU, reductions, convolutions and a Loop give; and a crash.

MNN 3.6.1, numpy 2.4.6. Environment: mnn3.6, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/mnn3.6/bin/python docs/findings/mnn_operators.py /tmp/findings
"""

import math
import os
import sys
import tempfile

import _tools
import MNN
import numpy as np

folder = sys.argv[1]
seen = []


def forward(name, x, outputs=("y",), winograd=3):
    """The outputs, run as the documentation does; an empty list where MNN gives up. winograd: 0 is none, 3 as usual."""
    made = os.path.join(tempfile.mkdtemp(), "model.mnn")
    given = ["-f", "ONNX", "--modelFile", f"{folder}/{name}.onnx", "--MNNModel", made, "--bizCode", "MNN"]
    _tools.mnnconvert(["mnnconvert", *given])
    manager = MNN.nn.create_runtime_manager(({"backend": "CPU", "numThread": 1, "precision": "high"},))
    manager.set_hint(3, winograd)
    module = MNN.nn.load_module_from_file(made, ["x"], list(outputs), runtime_manager=manager)
    found = module.forward([MNN.expr.const(x, x.shape, MNN.expr.NCHW, MNN.expr.float)])
    return [np.array(MNN.expr.convert(v, MNN.expr.NCHW).read()) for v in found]


def case(finding, got, expected, wrong=True):
    """Compares; `wrong` is what we claim."""
    same = got.shape == expected.shape
    right = same and np.allclose(got, expected, atol=1e-4)
    few = got.size <= 8
    said = f"error {np.abs(got - expected).max():.1e}" if same else ""
    print(f"## {finding}: expected {expected if few else expected.shape}, got {got if few else got.shape} {said}")
    seen.append(wrong != right)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def gru(x, w, r, before):
    """All states (time, 1, batch, units): the reset gate applied before the matrix of the candidate, or behind it."""
    (wz, wr, wh), (rz, rr, rh) = np.split(w[0], 3), np.split(r[0], 3)
    h, states = np.zeros((x.shape[1], 3)), []
    for step in x:
        z, reset = sigmoid(step @ wz.T + h @ rz.T), sigmoid(step @ wr.T + h @ rr.T)
        hidden = (reset * h) @ rh.T if before else reset * (h @ rh.T)
        h = (1 - z) * np.tanh(step @ wh.T + hidden) + z * h
        states.append(h)
    return np.array(states)[:, None]


rng = np.random.default_rng(1)
case("-1, -1, -3, 2 < 1, -2, -2, 1", forward("Less", np.array([-1, -1, -3, 2], "f4"))[0], np.array([1, 0, 1, 0]))

ids = np.array([[0, 1, 2], [4, 3, 2]], "f4")
hot = np.eye(5)[ids.astype(int)]
case("OneHot, axis not given (-1)", forward("OneHot", ids)[0], hot)
case("  the same with axis 0", forward("OneHot", ids)[0], np.moveaxis(hot, -1, 0), wrong=False)

x = rng.normal(size=(7, 2, 4)).astype("f4")
weights = dict(np.load(f"{folder}/gru.npz"))
y = forward("GRU-forward-both", x, ("y", "h"))[0]
case("GRU, linear_before_reset=0", y, gru(x, **weights, before=True))
case("  the same as linear_before_reset=1", y, gru(x, **weights, before=False), wrong=False)

one = np.full((2, 4, 12), 0.05, "f4")
inner = forward("Conv-1d-Tanh", one)[0]
y = forward("Conv-1d", one)[0]
print("## Conv of 1 dimension as the output: expected (2, 6, 12), got", y.shape, "and with Tanh behind it", inner.shape)
seen.append(y.shape == (2, 6, 12, 1) and inner.shape == (2, 6, 12))
case("  the values", y[..., 0], np.arctanh(inner), wrong=False)

block = rng.normal(size=(1, 2, 3, 4, 3)).astype("f4")
plain, biased = forward("Transposed-3d", block)[0], forward("Transposed-3d-bias", block)[0]
case("ConvTranspose of 3 dimensions, bias 100 and 200", biased, plain + np.array([100, 200]).reshape(1, 2, 1, 1, 1))
print("## what was added:", np.unique((biased - plain).round(3)))

many = len(forward("MatMul-vector", np.ones((2, 5, 3), "f4")))
print("## MatMul (2, 5, 3) with a vector: expected 1 output, got", many)
seen.append(many == 0)

x, w = rng.normal(size=(1, 8, 32, 24)).astype("f4"), np.load(f"{folder}/conv.npz")["w"]
windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), (2, 3))
true = np.einsum("nchwij,ocij->nohw", windows.astype("f8"), w.astype("f8"))
simple = np.einsum("nchwij,ocij->nohw", windows, w)
errors = [np.abs(y - true).max() for y in (simple, forward("Conv-3x3", x)[0], forward("Conv-3x3", x, winograd=0)[0])]
strided = np.abs(forward("Conv-3x3-strides", x)[0] - true[:, :, ::2, ::2]).max()
print("## Conv of 3 x 3: error of NumPy {:.1e}, of MNN {:.1e}, without Winograd {:.1e}".format(*errors), end="")
print(f", with strides {strided:.1e}")
seen.append(errors[1] > 5 * errors[0] and max(errors[2], strided) < 3 * errors[0])

state = rng.normal(size=(2, 8)).astype("f4")
many = [len(forward(f"Loop-{name}", state)) for name in ("product", "state")]
print("## Loop until the product is great: expected 1 output, got", many[0], "and where the state is compared", many[1])
seen.append(many == [0, 1])

x = rng.normal(size=(2, 7)).astype("f4")
exact, approximate = x * (1 + np.vectorize(math.erf)(x / 2**0.5)) / 2, forward("Gelu-tanh", x)[0]
for name in ("none", "half-last", "half-first"):
    y = forward(f"Gelu-{name}", x)[0]
    off, same = np.abs(y - exact).max(), np.abs(y - approximate).max()
    print(f"## GELU, {name}: error {off:.1e}, difference to the approximation by tanh {same:.1e}")
    seen.append(off < 1e-6 if name == "half-first" else off > 1e-4 and same < 1e-6)

x = np.abs(rng.normal(size=(2, 3, 4))).astype("f4")
truths = {"ReduceL1": lambda axis: x.sum(axis, keepdims=True)}
truths["ReduceLogSumExp"] = lambda axis: np.log(np.exp(x).sum(axis, keepdims=True))
for op, truth in truths.items():
    case(f"{op} over axis 1, an input (opset 18)", forward(f"{op}-18", x)[0], truth(1))
    case("  the same over all axes", forward(f"{op}-18", x)[0], truth(None), wrong=False)
    case("  axis 1, an attribute (opset 17)", forward(f"{op}-17", x)[0], truth(1), wrong=False)

x = rng.normal(size=(2, 8, 5, 4)).astype("f4")
case("constant (1, 1, 1, 1) + MaxPool", forward("MaxPool-Add-first", x)[0], x + 1)
case("  MaxPool + constant", forward("MaxPool-Add-second", x)[0], x + 1, wrong=False)

many = len(forward("Pow-int64", np.ones((2, 3), "f4")))
print("## Pow to an int64 of shape (1): expected 1 output, got", many)
seen.append(many == 0)

numbers = np.arange(64, dtype="f4").reshape(1, 1, 4, 4, 4)
maxima = numbers.reshape(2, 2, 2, 2, 2, 2).max((1, 3, 5))[None, None]
sys.stdout.flush()
child = os.fork()
if not child:
    right = np.array_equal(forward("MaxPool-3d", numbers)[0], maxima)
    os._exit(0 if right else 1)
status = os.waitpid(child, 0)[1]
died = os.WTERMSIG(status) if os.WIFSIGNALED(status) else "none"
print("## MaxPool of 3 dimensions: expected its maxima, got signal", died, "exit", os.WEXITSTATUS(status))
seen.append(status != 0)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
