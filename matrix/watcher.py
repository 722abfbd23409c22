"""How a run is watched: by progress bars, by pytest, or by nobody."""

from __future__ import annotations

from typing import Protocol

from matrix.records import Record


class Watcher(Protocol):
    """Whoever shows a run's progress; every method is called from several threads."""

    def begin(self, step: str, total: int) -> None:
        """A step of so many items begins."""

    def advance(self, step: str, record: Record | None) -> None:
        """One item of it is done."""

    def tell(self, text: str) -> None:
        """Something that the person should know."""


class Silence:
    """A watcher that shows nothing."""

    def begin(self, step: str, total: int) -> None:
        """Nothing."""

    def advance(self, step: str, record: Record | None) -> None:
        """Nothing."""

    def tell(self, text: str) -> None:
        """Nothing."""
