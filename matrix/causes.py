"""Why numbers are wrong, as data: what `causes/<tool>.toml` says of the WRONG cells of a matrix.

A WRONG cell is one in which nobody raised an error and the numbers are not the truth. Each is laid to causes that were
found by hand. docs/causes.md is the user's side of this.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matrix.errors import UserError
from matrix.expect import bare, read_tables

FOLDER = Path(__file__).with_name("causes")
_FIELDS = {"what": str, "fault": str, "script": str, "targets": list, "cells": list}


@dataclass(frozen=True, eq=False)
class Cause:
    """One cause, and the patterns of the cells that are laid to it."""

    what: str
    """One sentence."""
    fault: str
    """Whose it is: the name of an exporter's or a runtime's project."""
    script: str
    """In docs/findings, shows it without the suite; "" where `what` says why there is none."""
    targets: tuple[str, ...]
    """Patterns of "target@environment"."""
    cells: tuple[str, ...]
    """Patterns of exports, "source/model/variant", with or without the environment of the source."""
    where: str
    """The file and the number of the cause in it, from 1."""


class Causes:
    """All that is known, looked up by the keys of cells."""

    def __init__(self, causes: Iterable[Cause]) -> None:
        self.causes = list(causes)
        self._matchers = [(cause, _any_of(cause.cells)) for cause in self.causes]
        self._of_target: dict[str, list[tuple[Cause, re.Pattern[str]]]] = {}

    def of(self, key: str) -> list[Cause]:
        """The causes to which the WRONG cell of that key, "source/model/variant/target@environment", is laid."""
        export, _, target = key.rpartition("/")
        if target not in self._of_target:
            self._of_target[target] = [
                (cause, cells)
                for cause, cells in self._matchers
                if any(fnmatch.fnmatchcase(target, t) for t in cause.targets)
            ]
        names = (export, bare(export))
        return [cause for cause, cells in self._of_target[target] if any(map(cells.fullmatch, names))]


@dataclass(frozen=True)
class Account:
    """How WRONG cells stand to what is known."""

    laid: Mapping[Cause, list[str]]
    """The keys of the cells of each cause."""
    open: list[str]
    """The keys of the cells that have none."""
    idle: list[str]
    """Each pattern that names none of the cells, with its place."""


def account(causes: Causes, keys: Iterable[str]) -> Account:
    """Lay WRONG cells to causes."""
    laid: dict[Cause, list[str]] = {cause: [] for cause in causes.causes}
    found = {key: causes.of(key) for key in keys}
    for key, own in found.items():
        for cause in own:
            laid[cause].append(key)
    return Account(laid, [key for key, own in found.items() if not own], list(_idle(laid)))


def _idle(laid: Mapping[Cause, list[str]]) -> Iterable[str]:
    for cause, keys in laid.items():
        split = [key.rpartition("/") for key in keys]
        exports = {name for export, _, _ in split for name in (export, bare(export))}
        targets = {target for _, _, target in split}
        for names, patterns in ((exports, cause.cells), (targets, cause.targets)):
            yield from (f"{cause.where}: {pattern}" for pattern in patterns if not fnmatch.filter(names, pattern))


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, patterns)))


def load(folder: Path = FOLDER) -> Causes:
    """The causes of a folder. Raises UserError, naming file and entry, for what is not as it should be."""
    files = [read_tables(path, "cause") for path in sorted(folder.glob("*.toml"))]
    return Causes(_cause(where, table) for tables in files for where, table in tables.items())


def _cause(where: str, table: dict[str, Any]) -> Cause:
    wrong = [name for name, kind in _FIELDS.items() if not isinstance(table.get(name), kind)]
    if wrong or len(table) != len(_FIELDS):
        needed = ", ".join(f"{name} ({kind.__name__})" for name, kind in _FIELDS.items())
        raise UserError(f"{where}: a cause has {needed}; look at {', '.join([*wrong, *(table.keys() - _FIELDS)])}")
    lists = {name: tuple(table[name]) for name in ("targets", "cells")}
    if not all(own and all(isinstance(p, str) for p in own) for own in lists.values()):
        raise UserError(f"{where}: targets and cells are lists of patterns, and not empty")
    return Cause(table["what"], table["fault"], table["script"], **lists, where=where)
