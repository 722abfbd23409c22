"""Where a number comes from: what a run, and an environment, was."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from matrix import fence
from matrix.catalogue import ROOT
from matrix.environments import Environment
from matrix.plan import Plan
from matrix.process import Limits
from matrix.records import Record


def of_run(plan: Plan, limits: Limits, workers: int, repeat: int, cpus: list[str] | None = None) -> Record:
    """How a run is made: command, suite, machine (`cpus`: those of a cluster), size."""
    return {
        "arguments": sys.argv[1:],
        "suite": metadata.version("onnx-interop"),
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": ", ".join(cpus or [cpu()]),
        "bubblewrap": fence.available(),
        "workers": workers,
        "limits": asdict(limits),
        "repeat": repeat,
        "planned": {"exports": len(plan.exports), "cells": len(plan.cells)},
    }


def of_environment(environment: Environment) -> Record:
    """What an environment holds, and where it runs."""
    return {"name": environment.name, "packages": environment.packages, "platform": platform.platform(), "cpu": cpu()}


def _commit() -> str:
    """The commit of the suite's checkout, with a "+" where it was changed; "" where there is none."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def cpu() -> str:
    """The processor of this machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
