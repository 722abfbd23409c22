"""Plan, export, check, run, compare, record, publish: the host's side of the ONNX interop matrix."""
