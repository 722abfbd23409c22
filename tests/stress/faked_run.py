"""`onnx-interop`, with fakes in its tables, that notes in a file in which phase it is.

    python tests/stress/faked_run.py PHASES run …

Each line of PHASES is a moment (seconds of the monotonic clock) and the phase that begins then.
"""

from __future__ import annotations

import functools
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "matrix"))

from fakery import fake_source, fake_target

from matrix import cli
from matrix.batch import Service
from matrix.catalogue import SOURCES, TARGETS
from matrix.run import Run
from matrix.workshop import Workshop

FAKE_SOURCES = ("broken", "crashing")
FAKE_TARGETS = ("off", "raising", "crashing", "hanging", "leaving+session")


class Phases:
    """The phase in hand, as a file tells it."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._now = "start"

    def enter(self, phase: str) -> str:
        """A phase begins; returns the last one."""
        last, self._now = self._now, phase
        os.write(self._file, f"{time.monotonic()} {phase}\n".encode())
        return last

    def note(self, owner: Any, name: str, phase: str = "", afterwards: str = "") -> None:
        """Let a function tell when it begins and ends. Without a name the phase is its last argument."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def noted(*arguments: Any, **named: Any) -> Any:
            last = self.enter(phase or str(arguments[-1]))
            try:
                return function(*arguments, **named)
            finally:
                self.enter(afterwards or last)

        setattr(owner, name, noted)


def main() -> int:
    """Fill the tables, watch the steps, run."""
    phases = Phases(sys.argv.pop(1))
    phases.note(Workshop, "models", "models")
    phases.note(Run, "_export", "exports")
    phases.note(Service, "ask", "checks", "exports")  # several threads ask, so "the last phase" would not do
    phases.note(Run, "_cells")
    phases.note(Run, "_complaints", "canaries")
    phases.note(cli, "publish", "publishing", "end")
    for name in FAKE_SOURCES:
        SOURCES[f"fake.{name}"] = fake_source(name)
    for name in FAKE_TARGETS:
        TARGETS[f"fake.{name}"] = fake_target(name)
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
