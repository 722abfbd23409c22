"""An importer that really runs the file, and then does to the outputs what its option says.

The canaries, whose files have other names, it runs right: these faults are found in the matrix, not before it. Only an
option that begins with "canary" spoils them too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from onnx.reference import ReferenceEvaluator

PACKAGES = ("onnx",)


def _crash(y: Any) -> Any:
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang(y: Any) -> Any:
    time.sleep(60)


def _leave(y: Any, own_session: bool) -> Any:
    subprocess.Popen(["sleep", "60"], start_new_session=own_session)
    return y


def _slow(y: Any) -> Any:
    time.sleep(0.1)
    return y


def _late(y: Any) -> Any:
    time.sleep(1)
    return y


def _stick(y: Any) -> Any:
    """Hangs, deaf to TERM, and so does what it has started in a session of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "300"], start_new_session=True)
    time.sleep(300)


def _raise(y: Any) -> Any:
    print("about to fail")
    raise RuntimeError("no such <kernel>")


SPOIL: dict[str, Callable[[Any], Any]] = {
    "crashing": _crash,
    "hanging": _hang,
    "late": _late,
    "leaving": lambda y: _leave(y, own_session=False),
    "leaving+session": lambda y: _leave(y, own_session=True),
    "off": lambda y: y + 1,
    "raising": _raise,
    "right": lambda y: y,
    "slow": _slow,
    "stuck": _stick,
    "unsteady": lambda y: y * np.float32(1 + (time.time_ns() // 1000 % 1000) * 1e-9),
}


def _alternates(path: str) -> Callable[[Any], Any]:
    """Right and wrong by turns, in fresh processes too: a file beside the model keeps count."""
    marker = Path(path).with_name("marker")
    if marker.exists():
        marker.unlink()
        return SPOIL["off"]
    marker.touch()
    return SPOIL["right"]


class _Anything:
    """Takes every file for a model of one output."""

    output_names = ("y",)

    def run(self, names: Any, inputs: dict[str, Any]) -> list[Any]:
        return list(inputs.values())


def load(path: str, request: Any) -> tuple[Any, Callable[[Any], Any]]:
    option = request.option.split()[-1]
    spoiled = os.path.basename(path) == "model.onnx" or request.option.startswith("canary")
    if option == "alternating" and spoiled:
        return ReferenceEvaluator(path), _alternates(path)
    if option == "accepting" and path.endswith("corrupt.onnx"):
        return _Anything(), SPOIL["right"]
    return ReferenceEvaluator(path), SPOIL.get(option if spoiled else "right", SPOIL["right"])


def run(session: tuple[Any, Callable[[Any], Any]], inputs: dict[str, Any]) -> dict[str, Any]:
    evaluator, spoil = session
    return {name: spoil(y) for name, y in zip(evaluator.output_names, evaluator.run(None, inputs), strict=True)}
