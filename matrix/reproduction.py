"""The command that runs one cell again, alone."""

from __future__ import annotations

import shlex
from typing import Any


def reproduction(record: dict[str, Any]) -> str:
    """The command that runs a recorded cell (or export) again, alone."""
    return on_target(of_export(record), record.get("target", "reference"))


def of_export(record: dict[str, Any]) -> str:
    """That command without its target."""
    parts = ["onnx-interop", "run", "--refresh", "--sources", record["source"], "--models", record["model"]]
    parts += ["--variants", record["variant"]]
    parts += ["--opset", str(record["opset"])] if record.get("opset") else []
    parts += ["--size", "full"] if record.get("full") else []
    return shlex.join(parts)


def on_target(command: str, target: str) -> str:
    """The command of an export, with a target."""
    return f"{command} --targets {shlex.quote(target)}"
