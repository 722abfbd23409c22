"""ONNX's operator cases on ONNX Runtime: the suite, beside onnx's own runner under pytest.

    python benchmarks/operators.py [--rounds 3] [--onnx 1.22.0] [--onnxruntime 1.31.1]

Both run the same cases of the same onnx package, which lie there as files, on the same onnxruntime, in turn. The
suite's time is the whole process: planning, workers in their fence, comparison with metrics, blame, journal, page. Its
exports are made before, as the cases of the other lie in their package before; what that took is printed. Needs the
environments onnx1.22 and onnxruntime1.31 of tox.ini, and makes one for the runner in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

from matrix.catalogue import ROOT
from matrix.environments import environments, install

RUNNER = """
import onnx.backend.test
import onnxruntime.backend
globals().update(onnx.backend.test.BackendTest(onnxruntime.backend, __name__).enable_report().test_cases)
"""
NODES = "OnnxBackendNodeModelTest and cpu"


def runner_environment(folder: Path, onnx: str, onnxruntime: str) -> Path:
    """The Python of an environment for onnx's own runner."""
    subprocess.check_call([sys.executable, "-m", "venv", folder])
    python = folder / "bin" / "python"
    packages = [f"onnx=={onnx}", f"onnxruntime=={onnxruntime}", "pytest", "tabulate"]
    subprocess.check_call([python, "-m", "pip", "install", "--quiet", *packages])
    return python


def official(python: Path, folder: Path) -> tuple[float, str]:
    """Seconds of onnx's runner, and its own summary."""
    (folder / "test_backend.py").write_text(RUNNER)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_backend.py", "-k", NODES, "--tb=no"]
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return time.perf_counter() - begun, done.stdout.strip().splitlines()[-1]


def node_cases(python: Path, folder: Path) -> list[str]:
    """The names of the cases that the runner collects."""
    (folder / "test_backend.py").write_text(RUNNER)
    command = [python, "-m", "pytest", "-q", "--collect-only", "test_backend.py", "-k", NODES]
    listed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    return sorted(set(re.findall(r"::(test_\w+)_cpu$", listed, re.M)))


def suite(work: Path, source: str, target: str, cases: list[str]) -> float:
    """Seconds of the suite's whole process."""
    command = [sys.executable, "-m", "matrix", "run", "--sources", source, "--targets", target, "--work", str(work)]
    command += ["--public", str(work / "public"), "--models", ",".join(cases)]
    begun = time.perf_counter()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def forget_cells(work: Path) -> None:
    """Leave nothing but the exports in the journal."""
    journal = work / "cells.jsonl"
    kept = [line for line in journal.read_text().splitlines() if json.loads(line)["kind"] in ("export", "environment")]
    journal.write_text("".join(f"{line}\n" for line in kept))


def main() -> None:
    """Print the times of both, round by round, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--onnx", default="1.22.0")
    parser.add_argument("--onnxruntime", default="1.31.1")
    options = parser.parse_args()
    versions = {"onnx": options.onnx, "onnxruntime": options.onnxruntime}
    names = [family + ".".join(version.split(".")[:2]) for family, version in versions.items()]
    for name in names:
        environment = environments()[name]
        if not environment.installed and (reason := install(environment)):
            sys.exit(f"{name} cannot be installed: {reason}")
    source, target = f"onnx.node@{names[0]}", f"onnxruntime.all@{names[1]}"
    with tempfile.TemporaryDirectory(prefix="operators-") as place:
        folder, work = Path(place), Path(place) / "work"
        python = runner_environment(folder / "venv", options.onnx, options.onnxruntime)
        cases = node_cases(python, folder)
        known = set((ROOT / "exporters" / "onnx_node" / f"{names[0]}.txt").read_text().split())
        ours = [case for case in cases if case in known]
        print(f"{len(cases)} cases, {len(ours)} of them in the suite (the others draw their outputs at random)")
        print(
            f"{os.cpu_count()} cores; made ready once, with the first cells: {suite(work, source, target, ours):.1f} s"
        )
        ratios = []
        for number in range(options.rounds):
            forget_cells(work)
            theirs, summary = official(python, folder)
            own = suite(work, source, target, ours)
            ratios.append(own / theirs)
            print(f"round {number + 1}: runner {theirs:.1f} s ({summary}), suite {own:.1f} s, ratio {ratios[-1]:.2f}")
        cells = json.loads((work / "public" / "matrix.json").read_text())["cells"]
        print("the suite's statuses:", dict(Counter(cell["status"] for cell in cells)))
        print(f"ratio: median {median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
