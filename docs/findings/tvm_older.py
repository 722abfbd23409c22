"""Apache TVM: what older versions give, without an error, and what later ones have mended; each line says what was got.

apache-tvm 0.25.0, onnx 1.23.2, numpy 2.4.6. Environment: tvm0.25.
    .tox/tvm0.25/bin/python docs/findings/tvm_older.py
"""

import os
import sys

os.environ["TVM_NUM_THREADS"] = "1"

import numpy as np
import tvm
from onnx import checker, parser
from onnx.reference import ReferenceEvaluator
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

seen = []


def case(finding, opset, signature, body, *inputs):
    """The last output. The reference evaluator says what is right."""
    model = parser.parse_model('<ir_version: 8, opset_import: ["" : %d]> g %s { %s }' % (opset, signature, body))
    checker.check_model(model, full_check=True)
    names = [output.name for output in model.graph.output]
    demanded = np.asarray(ReferenceEvaluator(model).run(names[-1:], dict(zip("xi", inputs, strict=False)))[0])
    machine = relax.VirtualMachine(tvm.compile(from_onnx(model), target="llvm"), tvm.cpu())
    result = machine["main"](*[tvm.runtime.tensor(array) for array in inputs])
    result = result if len(names) == 1 else result[len(names) - 1]
    got = result.numpy() if hasattr(result, "numpy") else result
    got = np.array([int(n) for n in got]) if isinstance(got, tvm.runtime.ShapeTuple) else got
    right = isinstance(got, np.ndarray) and got.dtype == demanded.dtype and got.shape == demanded.shape
    right = right and np.allclose(got, demanded, 1e-3, 1e-4)
    print("%s: expected %s %s" % (finding, demanded.dtype, demanded.tolist()))
    print(
        "  got", "%s %s" % (got.dtype, got.tolist()) if isinstance(got, np.ndarray) else got, "" if right else "(wrong)"
    )
    seen.append(not right)


x = np.array([[1, -2, 3]], "f4")
case(
    "GatherElements at -1",
    13,
    "(float[1,3] x, int64[1,1] i) => (float[1,1] y)",
    "y = GatherElements<axis=1>(x, i)",
    x,
    np.array([[-1]]),
)
case(
    "LpPool of negative numbers",
    18,
    "(float[1,1,3] x) => (float[1,1,2] y)",
    "y = LpPool<kernel_shape=[2], p=3>(x)",
    x[None],
)
case(
    "Places of TopK",
    13,
    "(float[1,3] x) => (float[1,2] v, int64[1,2] y)",
    "k = Constant<value=int64[1] {2}>() v, y = TopK(x, k)",
    x,
)
case(
    "Shape from 1 on",
    15,
    "(float[1,3] x) => (int64[1] y)",
    "y = Shape<start=1>(x)",
    x,
)

print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
