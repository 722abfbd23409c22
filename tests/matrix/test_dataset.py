"""The data set's library and the host's process get on with each other."""

from __future__ import annotations

import subprocess
import sys

WAITING = """
import os, signal, threading, time
from concurrent.futures import ThreadPoolExecutor
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever this test was started with
import matrix.dataset
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
begun = time.monotonic()
with ThreadPoolExecutor(1) as pool:
    try:
        pool.submit(time.sleep, 5).result()
    except KeyboardInterrupt:
        print(time.monotonic() - begun)
"""


def test_an_interrupt_reaches_a_host_that_waits_for_its_workers() -> None:
    ended = subprocess.run([sys.executable, "-c", WAITING], capture_output=True, text=True, timeout=60, check=True)
    assert float(ended.stdout) < 4
