"""Text from foreign tools and files, made fit to be shown: it may hold anything, of any length."""

from __future__ import annotations

import re
from typing import Any

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
#: Controls but for newline and tab; marks that turn the direction of text, or that nobody sees; separators of lines
#: and paragraphs; halves of surrogate pairs, which no encoding takes.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
#: What XML 1.0 has no place for, beyond that.
_NOT_XML = re.compile("[\ufffe\uffff]")


def printable(text: str, limit: int = 4000) -> str:
    """The text without colours, what cannot be shown as \\xNN or \\uNNNN, and of a longer one its length at the end.

    What is printable stays as it is, so that it does not matter how often a text comes by here.
    """
    shown = _UNFIT.sub(_escaped, _COLOURS.sub("", text[:limit]).replace("\r\n", "\n"))
    if len(text) <= limit and len(shown) <= limit:
        return shown
    tail = f"… ({len(text)} characters)"
    return shown[: max(0, limit - len(tail))] + tail


def headline(message: str) -> str:
    """The telling line of a message: its first, with those that it announces; of a traceback the last."""
    lines = [line.strip() for line in message.splitlines() if line.strip()] or [""]
    if "Traceback (most recent call last)" in lines[0]:
        return lines[-1]
    count = 1
    while count < min(4, len(lines)) and (lines[count - 1].endswith(":") or lines[count].startswith(">")):
        count += 1
    return " ".join(lines[:count])


def xml(text: str) -> str:
    """A text without what XML has no place for, as \\uNNNN; to be escaped all the same."""
    return _NOT_XML.sub(_escaped, printable(text, 100_000))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def shown(value: Any) -> Any:
    """JSON data with every text in it made printable, names of entries too."""
    if isinstance(value, dict):
        return {printable(name): shown(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [shown(entry) for entry in value]
    return printable(value) if isinstance(value, str) else value


def markdown(value: Any) -> str:
    """A value as the text of one cell of a Markdown table: nothing in it is a mark, an element or another cell."""
    text = printable(str(value)).replace("\n", " ").replace("\t", " ")
    return re.sub(r"[\\`*\[\]|<>&]", lambda match: f"&#{ord(match[0])};", text)
