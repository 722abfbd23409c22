"""Apache TVM: float16 and bfloat16 sum in their own type, and BatchNormalization of them returns float32.

apache-tvm 0.27.0, onnx 1.23.2, numpy 2.4.6. Environment: tvm0.27.
    .tox/tvm0.27/bin/python docs/findings/tvm_half.py
"""

import os
import sys

os.environ["TVM_NUM_THREADS"] = "1"

import ml_dtypes
import numpy as np
import tvm
from onnx import checker, parser
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

seen = []


def run(signature, body, *inputs):
    model = parser.parse_model('<ir_version: 8, opset_import: ["" : 22]> g %s { %s }' % (signature, body))
    checker.check_model(model, full_check=True)
    machine = relax.VirtualMachine(tvm.compile(from_onnx(model), target="llvm"), tvm.cpu())
    return machine["main"](*[tvm.runtime.tensor(array) for array in inputs]).numpy()


for name, dtype in (("float16", np.float16), ("bfloat16", ml_dtypes.bfloat16)):
    flat, cube = np.ones((1, 8192), dtype), np.ones((1, 8192, 1, 1, 1), dtype)
    gemm = run("(%s[1,8192] x, %s[8192,1] w) => (%s[1,1] y)" % ((name,) * 3), "y = Gemm(x, w)", flat, flat.T.copy())
    conv = "(%s[1,8192,1,1,1] x, %s[1,8192,1,1,1] w) => (%s[1,1,1,1,1] y)" % ((name,) * 3)
    for operator, got in (("Gemm", gemm), ("Conv", run(conv, "y = Conv(x, w)", cube, cube))):
        print("%s of %s, the sum of 8192 ones: expected 8192, got %g" % (operator, name, got.item()))
        seen.append(got.item() in (2048, 256))
    norm = "(%s[1,2] x, %s[2] s, %s[2] b, %s[2] m, %s[2] v) => (%s[1,2] y)" % ((name,) * 6)
    y = run(norm, "y = BatchNormalization(x, s, b, m, v)", np.ones((1, 2), dtype), *[np.ones(2, dtype)] * 4)
    print("BatchNormalization of %s: expected %s, got %s" % (name, name, y.dtype))
    seen.append(y.dtype == np.float32)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
