"""Errors of the user and of the machine: what, where, what to do next. All else that escapes is a bug of ours."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """The user asked for something that cannot be; nothing was run."""


class MachineError(Exception):
    """The machine gave out, as when the disk is full: the run stops, what was recorded stays; exit code 3."""

    @classmethod
    def full(cls, place: object) -> MachineError:
        """The error for a folder on a disk that is full."""
        return cls(
            f"no space left at {place}: free some, or choose another --work; the same command then goes on from here"
        )


def unknown(what: str, given: str, known: Iterable[str], where: str) -> UserError:
    """The error for a name that does not exist: its near matches, or where to see them all."""
    names = sorted(set(known))
    near = difflib.get_close_matches(given, names, n=4, cutoff=0.5) or [n for n in names if given and given in n][:4]
    hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(names[:6])} …" if names else ""
    return UserError(f"no {what} {given!r}: {hint} (all of them: {where})")
