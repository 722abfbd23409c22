"""tract: of two classes told apart by one score, TreeEnsembleClassifier names the other one.

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
print("reproduced" if wrong else "not reproduced")
sys.exit(not wrong)
