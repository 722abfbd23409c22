"""Whether the slice of the matrix that CI made is sound: one record per cell, every framework right on ONNX Runtime.

python .ci/verdict.py public/matrix.json
"""

import json
import sys
from collections import Counter
from pathlib import Path

matrix = json.loads(Path(sys.argv[1]).read_text())
keys = Counter((c["source"], c["model"], c["variant"], c["opset"], c["target"]) for c in matrix["cells"])
planned = len(matrix["exports"]) * len(matrix["targets"])
problems = [f"{n} records of {key}" for key, n in keys.items() if n != 1]
if len(keys) != planned:
    problems.append(f"{len(keys)} cells have a record, {planned} were planned")
problems += [
    f"{c['source']} {c['model']} {c['variant']} on {c['target']}: {c['status']}: {c['message']}"
    for c in matrix["cells"]
    if c["status"] == "NOT_RUN" or c["blame"] == "builder"
]
for source in matrix["sources"]:
    right = sum(
        c["status"] in ("PASS", "IMPRECISE")
        for c in matrix["cells"]
        if c["source"] == source["name"] and c["target"].startswith("onnxruntime.all@")
    )
    if right < 12:
        problems.append(f"{source['name']}: only {right} files run right on ONNX Runtime")
print("\n".join(problems) or "the slice is sound")
print(f"{planned - len(problems)} passed, {len(problems)} failed")
sys.exit(bool(problems))
