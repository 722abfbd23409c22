"""What a person sees of a run: progress bars while it goes on, a table and the path of the page at its end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from matrix.records import Record

#: The closed set of statuses, as they are listed everywhere.
STATUSES = (
    *("PASS", "IMPRECISE", "WRONG", "UNSUPPORTED", "ERROR", "CRASH", "TIMEOUT", "MEMORY", "FLAKY"),
    *("NOT_EXPORTED", "NOT_RUN"),
)
TELL_SECONDS = 20.0
_BAD = ("WRONG", "ERROR", "CRASH", "TIMEOUT", "MEMORY", "FLAKY", "NOT_RUN")


class Bars:
    """A watcher with one progress bar for each step: redrawn in place, or printed now and then where no terminal is."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<13}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            speed_estimate_period=120,
        )
        self._console, self._told, self._lock = console, time.monotonic(), threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._counts: dict[str, Counter[str]] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def begin(self, step: str, total: int) -> None:
        """Show a bar for this step; a step of nothing shows none."""
        if total:
            self._tasks[step] = self._progress.add_task(step, total=total, note="")
            self._counts[step] = Counter()

    def advance(self, step: str, record: Record | None) -> None:
        """One more item; failing statuses are counted behind the bar."""
        if record is not None:
            self._counts[step][record["status"]] += 1
        note = "  ".join(f"{s.lower()} {self._counts[step][s]}" for s in _BAD if self._counts[step][s])
        self._progress.update(self._tasks[step], advance=1, note=note)
        if not self._console.is_terminal:
            self._tell()

    def tell(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _tell(self) -> None:
        """Print the bars as they stand, at most every TELL_SECONDS."""
        with self._lock:
            if time.monotonic() - self._told > TELL_SECONDS:
                self._told = time.monotonic()
                self._console.print(self._progress.get_renderable())


def summary(title: str, name: str, counts: dict[str, Counter[str]]) -> Table:
    """Counts of each status, one row per source or target."""
    shown = [status for status in STATUSES if any(c[status] for c in counts.values())]
    table = Table(title=title, title_justify="left")
    table.add_column(name)
    for status in shown:
        table.add_column(status, justify="right")
    for row, counter in counts.items():
        table.add_row(row, *(str(counter[status] or "") for status in shown))
    return table
