"""WHO runs ONNX: one file per runtime, run by matrix/worker.py inside that runtime's own environment."""
