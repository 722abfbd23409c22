"""tract: GlobalLpPool as a root of means, Celu without its factor, Pad whose mode is dropped, RNN whose activation is,
recurrent layers in reverse that run forward, and a quantised Softmax that is 1 everywhere, its logarithm 0.

tract 0.23.9, numpy 2.4.6. Environment: tract0.23, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/tract0.23/bin/python docs/findings/tract_operators.py /tmp/findings
"""

import sys

import numpy as np
import tract

folder = sys.argv[1]
rng = np.random.default_rng(0)
seen = []


def run(name, x):
    """The first output of FOLDER/name.onnx."""
    return tract.onnx().load(f"{folder}/{name}.onnx").into_model().into_runnable().run([x])[0].to_numpy()


def case(name, x, expected, wrong=True):
    """Compares what tract makes of FOLDER/name.onnx."""
    got = run(name, x)
    right = got.shape == expected.shape and np.allclose(got, expected, atol=1e-4)
    print(f"{name}: expected {expected.ravel()[:4]}\n  got {got.ravel()[:4]}")
    seen.append(right != wrong)


x = rng.normal(size=(1, 2, 3, 3)).astype("f4")
for p in (1, 2, 3):  # the mean is taken instead of the sum, and of x**p instead of |x|**p
    case(f"GlobalLpPool-{p}", x, (np.abs(x) ** p).sum(axis=(2, 3), keepdims=True) ** (1 / p))

x = np.linspace(-3, 2, 6).astype("f4")
for alpha in (1, 2):
    case(f"Celu-{alpha}", x, np.maximum(x, 0) + np.minimum(0, alpha * np.expm1(x / alpha)), wrong=alpha != 1)

x = rng.normal(size=(4, 5)).astype("f4")
for mode in ("edge", "reflect"):
    for value in ("without", "with"):  # a constant_value, which only the mode "constant" uses
        case(f"Pad-{mode}-{value}", x, np.pad(x, [(1, 1), (2, 2)], mode=mode), wrong=value == "with")

x = rng.normal(size=(7, 2, 4)).astype("f4")
weights = np.load(f"{folder}/rnn.npz")
for activation, function in (("Tanh", np.tanh), ("Relu", lambda a: np.maximum(a, 0))):
    states = [np.zeros((2, 3), "f4")]
    for at in x:
        states.append(function(at @ weights["w"][0].T + states[-1] @ weights["r"][0].T))
    case(f"RNN-{activation}", x, np.stack(states[1:])[:, None], wrong=activation == "Relu")

for op in ("LSTM", "GRU"):  # in reverse: as the forward layer on the steps turned round, whose answer is turned round
    backward = run(f"{op}-forward-y", x[::-1].copy())[::-1]
    case(f"{op}-reverse-y", x, backward)
    print("  as forward:", np.allclose(run(f"{op}-reverse-y", x), run(f"{op}-forward-y", x)))

x = np.array([[-2, -1, -0.5, 0.5, 1, 2]], "f4")  # quantised with a step of 0.02 before the operator, others behind
parts = np.exp(x) / np.exp(x).sum()
case("Softmax-quantised", x, np.rint(255 * parts) / 255)
case("LogSoftmax-quantised", x, np.rint(51 * np.log(parts)) / 51)
case("Sigmoid-quantised", x, np.rint(255 / (1 + np.exp(-x))) / 255, wrong=False)
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
