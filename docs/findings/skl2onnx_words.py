"""skl2onnx: CountVectorizer and TfidfVectorizer cut texts into other words than scikit-learn, and nothing is said.

scikit-learn's default, (?u)\\b\\w\\w+\\b, is written as [a-zA-Z0-9_]+ (the converter's docstring says so): words of one
letter are words now, so that the bigram across them is another; letters beyond English cut a word in two.

scikit-learn 1.9.1, skl2onnx 1.20.0, onnx 1.23.2. Environment: sklearn1.9. The tokenizer is ONNX Runtime's own, which is
not there: words are found by the file's expression, and counted by the file's TfIdfVectorizer. With a folder, the files
are written there; the suite's own Python then runs them whole.
    .tox/sklearn1.9/bin/python docs/findings/skl2onnx_words.py /tmp/findings
    python docs/findings/skl2onnx_words.py /tmp/findings
"""

import os
import re
import sys

import numpy as np
from onnx import TensorProto, helper, load, save
from onnx.reference import ReferenceEvaluator

CASES = {  # texts to learn, a text to count
    "right": (["good film", "not good film"], "not good film"),
    "bigram across one letter": (["good film", "not a good film"], "not a good film"),
    "letters of other alphabets": (["café noir", "noir"], "café noir"),
}
folder = sys.argv[1] if len(sys.argv) > 1 else None


def made(name, texts, text):
    """The file, and the counts by scikit-learn."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import StringTensorType
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(ngram_range=(1, 2)).fit(texts)
    options = {id(counter): {"locale": "C"}}
    model = convert_sklearn(counter, initial_types=[("x", StringTensorType([None, 1]))], options=options)
    expected = counter.transform([text]).toarray()[0]
    if folder:
        os.makedirs(folder, exist_ok=True)
        model.graph.doc_string = " ".join(map(str, expected))
        save(model, "%s/%s.onnx" % (folder, name.replace(" ", "-")))
    print("%s: %r has %s" % (name, text, dict(zip(counter.get_feature_names_out(), expected.tolist()))))
    return model, expected


def counted(model, text):
    """The counts by the file: its expression by Python's `re`, its TfIdfVectorizer by the reference evaluator."""
    nodes = {node.op_type: node for node in model.graph.node}
    (expression,) = [a.s.decode() for a in nodes["Tokenizer"].attribute if a.name == "tokenexp"]
    words = re.findall(expression, text.lower())
    node = nodes["TfIdfVectorizer"]
    inputs = [helper.make_tensor_value_info(node.input[0], TensorProto.STRING, [1, None])]
    outputs = [helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)]
    graph = helper.make_graph([node], "g", inputs, outputs)
    part = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)])
    print("  by %s: words %s" % (expression, words))
    return ReferenceEvaluator(part).run(None, {node.input[0]: np.array([words])})[0].ravel()


def run(name, text):
    """The counts by the whole file, in ONNX Runtime, and those by scikit-learn that the file was told."""
    import onnxruntime

    path = "%s/%s.onnx" % (folder, name.replace(" ", "-"))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    print("%s, ONNX Runtime" % name)
    expected = np.array(load(path).graph.doc_string.split(), "f4")
    return session.run(None, {"x": np.array([[text]], object)})[0].ravel(), expected


seen = []
for name, (texts, text) in CASES.items():
    try:
        model, expected = made(name, texts, text)
        got = counted(model, text)
    except ImportError:
        got, expected = run(name, text)
    print("  expected %s, got %s" % (expected.tolist(), got.astype(int).tolist()))
    seen.append((got.tolist() == expected.tolist()) == (name == "right"))
print("reproduced" if all(seen) else "not reproduced")
sys.exit(not all(seen))
