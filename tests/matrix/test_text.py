"""What strangers write, as it is shown."""

from __future__ import annotations

import json
import random

import pytest

from matrix.text import headline, markdown, printable, shown


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plain × text\n\tof two lines, 数", "plain × text\n\tof two lines, 数"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\r\nb\rc\0", "a\nb\\x0dc\\x00"),
        ("\x9b2J\x7f", r"\x9b2J\x7f"),
        ("\u202eevil\u2069\ufeff\u200b", r"\u202eevil\u2069\ufeff\u200b"),
        ("one\u2028line", r"one\u2028line"),
        ("half \ud800", r"half \ud800"),
    ],
)
def test_what_cannot_be_shown_is_written_out(text: str, told: str) -> None:
    assert printable(text) == told


def test_long_texts_are_clipped_and_say_so() -> None:
    assert printable("n" * 10_000, 30) == "n" * 10 + "… (10000 characters)"
    assert printable("n" * 30, 30) == "n" * 30
    assert printable("\0" * 20, 25) == r"\x00" * 2 + "… (20 characters)"
    assert printable("n" * 10_000, 3) == "… (10000 characters)"


@pytest.mark.parametrize("text", ["n" * 10_000, "\0" * 3999, "\x1b[31m" * 999])
def test_what_is_printable_stays_as_it_is(text: str) -> None:
    assert printable(printable(text)) == printable(text)


def test_any_text_can_be_encoded_and_leaves_no_controls() -> None:
    rng = random.Random(0)
    for _ in range(200):
        text = printable("".join(chr(rng.choice((rng.randrange(0x300), rng.randrange(0x110000)))) for _ in range(50)))
        text.encode("utf-8")
        assert not [c for c in text if c not in "\n\t" and (ord(c) < 32 or 127 <= ord(c) < 160)]


def test_json_data_are_shown_whole() -> None:
    data = {"a\x1b": ["\x07", {"b": None, "c": 1.5}], "d": True}
    assert shown(data) == {r"a\x1b": [r"\x07", {"b": None, "c": 1.5}], "d": True}
    json.dumps(shown(data))


def test_a_cell_of_markdown_stays_one_cell_of_text() -> None:
    told = markdown("a | b `c` <b>\n[x](y) *z*")
    assert not set(told) & set("|`<>[]*\n")
    assert told.startswith("a &#124; b &#96;c&#96; &#60;b&#62; ")


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("", ""),
        ("ValueError: no kernel\nwith details", "ValueError: no kernel"),
        ("Exception at core.cpp:84:\nCheck failed:\nrank\nmore", "Exception at core.cpp:84: Check failed: rank"),
        ("error: in function 'handleNode'\n> Node [Loop]\nmore", "error: in function 'handleNode' > Node [Loop]"),
        ("MXNetError: Traceback (most recent call last):\n  File x\nCheck failed\n", "Check failed"),
        ("AssertionError:", "AssertionError:"),
    ],
)  # fmt: skip
def test_the_headline_of_a_message_is_the_line_that_tells(message: str, line: str) -> None:
    assert headline(message) == line
