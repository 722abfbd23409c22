"""tract: GlobalLpPool is the root of the mean of the powers, not of their sum, and of the powers of x, not of |x|.

tract 0.23.9, numpy 2.4.6. Environment: tract0.23, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/tract0.23/bin/python docs/findings/tract_global_lp_pool.py /tmp/findings
"""

import sys

import numpy as np
import tract

x = np.random.default_rng(0).normal(size=(1, 2, 3, 3)).astype("f4")
seen = []
for p in (1, 2, 3):
    runnable = tract.onnx().load(f"{sys.argv[1]}/GlobalLpPool-{p}.onnx").into_model().into_runnable()
    got = runnable.run([x])[0].to_numpy().ravel()
    expected = (np.abs(x) ** p).sum(axis=(2, 3)).ravel() ** (1 / p)
    with np.errstate(invalid="ignore"):
        mean = (x**p).mean(axis=(2, 3)).ravel() ** (1 / p)
    print(f"p={p}: expected {expected}\n  got {got}; the root of the mean of x**p is {mean}")
    seen.append(not np.allclose(got, expected, atol=1e-4))
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
