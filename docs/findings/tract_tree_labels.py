"""tract: of two classes told apart by one score, TreeEnsembleClassifier names the other one; a column loses its axis.

ArrayFeatureExtractor with a scalar index, as skl2onnx and onnxmltools write it, is (4) for a column of (4, 3); ONNX
Runtime and the reference evaluator give (4, 1), tract too for an index of shape (1). Rows without a name are refused.

tract 0.23.9, numpy 2.4.6. Environment: tract0.23, after make_files.py.
    python docs/findings/make_files.py /tmp/findings
    .tox/tract0.23/bin/python docs/findings/tract_tree_labels.py /tmp/findings
"""

import sys

import numpy as np
import tract

model = tract.onnx().load(f"{sys.argv[1]}/Tree-two-classes.onnx").into_model().into_runnable()
labels, probabilities = [value.to_numpy() for value in model.run([np.array([[-1], [1], [2]], "f4")])]
print("expected labels [0 1 1], as ONNX Runtime and the reference evaluator have it")
print("got", labels, "with probabilities", probabilities.tolist())
wrong = labels.tolist() == [1, 0, 0] and (probabilities.argmax(1) == [0, 1, 1]).all()
x, shapes = np.arange(12, dtype="f4").reshape(4, 3), {}
for name in ("scalar", "vector"):
    column = tract.onnx().load(f"{sys.argv[1]}/Extractor-{name}.onnx").into_model().into_runnable()
    shapes[name] = column.run([x])[0].to_numpy().shape
print("one column of (4, 3): expected (4, 1), got", shapes)
wrong = wrong and shapes == {"scalar": (4,), "vector": (4, 1)}
try:
    tract.onnx().load(f"{sys.argv[1]}/Add-nameless.onnx").into_model()
    said = "nothing"
except Exception as error:
    said = str(error)
print("rows without a name: refused,", [line.strip() for line in said.splitlines() if "Help" in line])
model = tract.onnx().load(f"{sys.argv[1]}/Add-nameless.onnx")
model.set_input_fact(0, "batch,6,f32")
named = model.into_model().into_runnable().run([np.ones((5, 6), "f4")])[0].to_numpy()
print("  with a name that is given", named.shape)
wrong = wrong and "explicit input facts" in said and named.shape == (5, 6)
print("reproduced" if wrong else "not reproduced")
sys.exit(not wrong)
