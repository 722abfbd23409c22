"""WHO writes ONNX: one file per framework, run by matrix/worker.py inside that framework's own environment."""
