"""What a run costs in which nothing has changed: wall-clock seconds and the host's memory.

    python benchmarks/second_run.py [options of onnx-interop run]

Starts `onnx-interop run` with these options twice in a process of its own. The first brings the journal up to date, the
second is measured, and must start no worker: its journal does not grow.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from matrix.catalogue import ROOT


def main() -> None:
    """Run twice, print the second."""
    with tempfile.TemporaryDirectory() as public:
        command = [sys.executable, "-m", "matrix", "run", *sys.argv[1:], "--public", public]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        journal = Path(ROOT / ".interop" / "cells.jsonl")
        size = journal.stat().st_size if journal.exists() else 0
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        grown = (journal.stat().st_size if journal.exists() else 0) - size
    code = os.waitstatus_to_exitcode(status)
    print(
        f"second run: {seconds:.2f} s, host {usage.ru_maxrss // 1024} MB, exit code {code}, journal grew by {grown} B"
    )


if __name__ == "__main__":
    main()
