"""Apache TVM: a Reshape that does not fit is not refused at run time: the numbers, then the first again.

apache-tvm 0.27.0.post1, onnx 1.23.2, numpy 2.4.6. Environment: tvm0.27.
    .tox/tvm0.27/bin/python docs/findings/tvm_reshape.py
"""

import sys

import numpy as np
import tvm
from onnx import TensorProto, checker, helper, numpy_helper
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

held = [numpy_helper.from_array(np.array([7, 4]), "to")]
x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [7, 4])
graph = helper.make_graph([helper.make_node("Reshape", ["x", "to"], ["y"])], "g", [x], [y], held)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
checker.check_model(model, full_check=True)

machine = relax.VirtualMachine(tvm.compile(from_onnx(model), target="llvm"), tvm.cpu())
print("Reshape of 20 numbers, 0 to 19, to (7, 4): expected an exception")
try:
    got = machine["main"](tvm.runtime.tensor(np.arange(20, dtype="f4").reshape(5, 4))).numpy()
    print("got", got.shape, got.ravel().astype(int).tolist())
    reproduced = got.shape == (7, 4)
except Exception as error:
    print("got", type(error).__name__, str(error).splitlines()[0][:120])
    reproduced = False

print("reproduced" if reproduced else "not reproduced")
sys.exit(not reproduced)
