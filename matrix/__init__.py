"""Plan, export, check, run, compare, record, publish: the host's side of the ONNX interop matrix."""

import os

# One worker per core is busy already; NumPy's own threads on top of that make everything slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
