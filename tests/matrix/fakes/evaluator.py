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
from typing import Any

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


def _raise(y: Any) -> Any:
    print("about to fail")
    raise RuntimeError("no such <kernel>")


SPOIL: dict[str, Callable[[Any], Any]] = {
    "crashing": _crash,
    "hanging": _hang,
    "leaving": lambda y: _leave(y, own_session=False),
    "leaving+session": lambda y: _leave(y, own_session=True),
    "off": lambda y: y + 1,
    "raising": _raise,
    "right": lambda y: y,
    "slow": _slow,
}


def load(path: str, request: Any) -> tuple[Any, Callable[[Any], Any]]:
    option = request.option.split()[-1]
    spoiled = os.path.basename(path) == "model.onnx" or request.option.startswith("canary")
    return ReferenceEvaluator(path), SPOIL[option if spoiled else "right"]


def run(session: tuple[Any, Callable[[Any], Any]], inputs: dict[str, Any]) -> dict[str, Any]:
    evaluator, spoil = session
    return {name: spoil(y) for name, y in zip(evaluator.output_names, evaluator.run(None, inputs), strict=True)}
