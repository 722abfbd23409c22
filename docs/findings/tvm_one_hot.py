"""Apache TVM: OneHot of float32 values comes out as float64.

apache-tvm 0.27.0.post1, onnx 1.23.2, numpy 2.4.6. Environment: tvm0.27.
    .tox/tvm0.27/bin/python docs/findings/tvm_one_hot.py
"""

import sys

import numpy as np
import tvm
from onnx import TensorProto, checker, helper, numpy_helper
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

held = [numpy_helper.from_array(np.array(3), "depth"), numpy_helper.from_array(np.array([0, 1], "f4"), "values")]
ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [2])
y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3])
graph = helper.make_graph([helper.make_node("OneHot", ["ids", "depth", "values"], ["y"])], "g", [ids], [y], held)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
checker.check_model(model, full_check=True)

machine = relax.VirtualMachine(tvm.compile(from_onnx(model), target="llvm"), tvm.cpu())
got = machine["main"](tvm.runtime.tensor(np.array([2, 0]))).numpy()
print("expected float32", np.eye(3)[[2, 0]].tolist())
print("got", got.dtype, got.tolist())

reproduced = got.dtype == np.float64
print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
