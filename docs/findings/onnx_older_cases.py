"""ONNX 1.16: the case test_adam_multiple is computed with an epsilon of 0.01, and its node leaves epsilon out (1e-6).

onnx 1.16.2, numpy 1.26.4; 1.22 has the attribute. Environment: onnx1.16.
    .tox/onnx1.16/bin/python docs/findings/onnx_older_cases.py
"""

import sys
import warnings

import numpy as np
from onnx import helper
from onnx.backend.test.case.node import collect_testcases
from onnx.reference import ReferenceEvaluator

warnings.simplefilter("ignore")
case = next(c for c in collect_testcases(None) if c.name == "test_adam_multiple")
node = case.model.graph.node[0]
inputs, expected = case.data_sets[0]
right = []
for epsilon in (None, 0.01):
    if epsilon:
        node.attribute.append(helper.make_attribute("epsilon", epsilon))
    got = ReferenceEvaluator(case.model).run(None, dict(zip(node.input, inputs)))
    print("epsilon", epsilon or "as in the case", ": expected", expected[0], "got", got[0])
    right.append(np.allclose(got[0], expected[0], atol=1e-5))
print("reproduced" if right == [False, True] else "not reproduced")
sys.exit(right != [False, True])
