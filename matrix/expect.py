"""Known failures as data: what `expectations/<target>.toml` says of a cell, and whether the cell keeps to it.

A cell is named by its key, "source@environment/model/variant/target@environment". Only the status that an entry
declares is known; everything else that fails is new. docs/expectations.md is the user's side of this.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase, translate
from pathlib import Path
from typing import Any

from matrix.blame import RIGHT
from matrix.catalogue import SOURCES, TARGETS
from matrix.environments import environments
from matrix.errors import UserError, unknown
from matrix.plan import VARIANTS, export_key, runs_in
from matrix.progress import STATUSES
from models.catalogue import all_models

FOLDER = Path(__file__).with_name("expectations")
UPDATE = "onnx-interop expectations update"
#: What a cell may be known to fail with: never our own trouble, nor what was not there to run.
DECLARABLE = tuple(status for status in STATUSES if status not in (*RIGHT, "NOT_EXPORTED", "NOT_RUN"))
_FIELDS = {
    "status": str, "reason": str, "environment": str, "seen": str, "link": str, "question_after": date, "cells": list,
}  # fmt: skip
_SAID = ("status", "reason", "seen", "link", "question_after")
_KINDS = {str: "string", date: "date such as 2027-05-21", list: "list"}
_SUFFIX = re.compile(r"full|(full-)?opset[1-9]\d*")


@dataclass(frozen=True, order=True)
class Head:
    """What an entry says of its cells."""

    status: str
    reason: str
    environment: str
    """Pattern of the target's environments in which it holds; "" for all."""
    seen: str
    """The versions that showed it."""
    link: str
    question_after: date

    def holds(self, status: str) -> bool:
        """Whether a cell that ends so keeps to it; what is FLAKY ends now this way, now that."""
        return self.status in (status, "FLAKY")


@dataclass(frozen=True, eq=False)
class Entry:
    """One known failure; `cells` are patterns of exports, "source/model/variant"."""

    head: Head
    cells: tuple[str, ...]
    where: str
    """The file and the number of the entry in it, from 1."""


@dataclass(frozen=True)
class Verdict:
    """What a cell's status is in the light of the expectations."""

    word: str
    """"known", "new", "unexpected pass", or "" where there is nothing to expect."""
    text: str = ""
    """For a person: the reason of what is known, what was expected instead of what is new."""


class Expectations:
    """The entries of all files, by target."""

    def __init__(self, entries: Mapping[str, list[Entry]]) -> None:
        self.entries = dict(entries)
        self._indexes = {target: Index(own) for target, own in self.entries.items()}

    def entry(self, key: str) -> Entry | None:
        """The entry that holds for a cell. Raises UserError when two do."""
        export, _, place = key.rpartition("/")
        target, _, environment = place.partition("@")
        found = self._indexes[target].find(export, environment) if target in self._indexes else []
        if len(found) > 1:
            raise UserError(f"{found[0].where} and {found[1].where} both name {key}: leave it to one of them")
        return found[0] if found else None

    def check(self, keys: Iterable[str]) -> None:
        """Raise UserError when two entries name one of these cells."""
        for key in keys:
            self.entry(key)

    def verdict(self, key: str, status: str) -> Verdict:
        """What it means that the cell of that key ended with that status."""
        if status in ("NOT_EXPORTED", "NOT_RUN"):
            return Verdict("")
        entry = self.entry(key)
        if entry is None:
            return Verdict("" if status in RIGHT else "new")
        head, told = entry.head, f"{entry.where}: {entry.head.reason}"
        if head.holds(status):
            return Verdict("known", " ".join(filter(None, (f"{status}: {head.reason}", head.link))))
        if status in RIGHT:
            text = f"expected {head.status}, got {status} ({told}); if it is mended: {UPDATE}"
            return Verdict("unexpected pass", text)
        return Verdict("new", f"expected {head.status}, got {status} ({told})")

    def questioned(self, today: date, keys: Iterable[str] | None = None) -> list[str]:
        """The entries whose date has passed, of those that name one of these cells; each with what to do."""
        used = [e for own in self.entries.values() for e in own] if keys is None else map(self.entry, keys)
        return [
            f"{entry.where}: questioned since {entry.head.question_after}: look again, then {UPDATE}"
            for entry in dict.fromkeys(used)
            if entry and today > entry.head.question_after
        ]

    def unmatched(self) -> list[str]:
        """Every file, pattern and environment that names nothing that could ever be planned, with the near names."""
        possible = _Possible()
        return [text for target, entries in self.entries.items() for text in possible.complaints(target, entries)]


class Index:
    """The entries of one target: exact names looked up, patterns tried one after the other."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._exact: dict[str, list[Entry]] = defaultdict(list)
        self._patterns: list[tuple[re.Pattern[str], Entry]] = []
        for entry in entries:
            for cell in entry.cells:
                if is_exact(cell):
                    self._exact[cell].append(entry)
                else:
                    self._patterns.append((re.compile(translate(cell)), entry))

    def find(self, export: str, environment: str) -> list[Entry]:
        """The entries that name this export on the target in this environment."""
        names = (export, bare(export))
        found = [entry for name in names for entry in self._exact.get(name, ())]
        found += [entry for pattern, entry in self._patterns if any(map(pattern.match, names))]
        return [e for e in dict.fromkeys(found) if fnmatchcase(environment, e.head.environment or "*")]


def is_exact(pattern: str) -> bool:
    """Whether a pattern can match nothing but itself."""
    return not any(character in pattern for character in "*?[")


def bare(export: str) -> str:
    """An export's key without the environment of its source."""
    source, _, rest = export.partition("/")
    return f"{source.partition('@')[0]}/{rest}"


def cell_key(row: Mapping[str, Any]) -> str:
    """The key of a cell of matrix.json."""
    full = bool(row.get("full"))  # not in files of before there were expectations
    return f"{export_key(row['source'], row['model'], row['variant'], row['opset'], full)}/{row['target']}"


#: Where nothing is known, every failure is new.
NOTHING = Expectations({})


# -- reading ---------------------------------------------------------------------------------------------------------


def load(folder: Path = FOLDER) -> Expectations:
    """The expectations of a folder. Raises UserError, naming file and entry, for what is not as it should be."""
    return Expectations({path.stem: _read(path) for path in sorted(folder.glob("*.toml"))})


def read_tables(path: Path, name: str) -> dict[str, dict[str, Any]]:
    """The tables of a file that has those of one name alone, by "file, entry number". Raises UserError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    tables = data.pop(name, [])
    if data or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UserError(f"{path}: only [[{name}]] tables belong here{''.join(f', not {other!r}' for other in data)}")
    return {f"{path.name}, entry {number}": table for number, table in enumerate(tables, 1)}


def _read(path: Path) -> list[Entry]:
    entries = [_entry(where, table) for where, table in read_tables(path, "known").items()]
    _refuse_doubles(entries)
    return entries


def _entry(where: str, table: dict[str, Any]) -> Entry:
    try:
        return Entry(_head(table), _cells(table["cells"]), where)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _head(table: dict[str, Any]) -> Head:
    """What a table says of its cells. Raises UserError that does not say where."""
    for name in table:
        if name not in _FIELDS:
            raise unknown("field", name, _FIELDS, "docs/expectations.md")
    for name, kind in _FIELDS.items():
        if name not in table and name != "environment":
            raise UserError(f"{name} is missing")
        if name in table and type(table[name]) is not kind:  # not isinstance: a time is a date to Python
            raise UserError(f"{name} is no {_KINDS[kind]}: {table[name]!r}")
        if table.get(name) == "" and name != "link":
            raise UserError(f"{name} is empty")
    if table["status"] not in DECLARABLE:
        raise UserError(f"{table['status']!r} is no status to expect: {', '.join(DECLARABLE)}")
    return Head(environment=table.get("environment", ""), **{name: table[name] for name in _SAID})


def _cells(patterns: list[Any]) -> tuple[str, ...]:
    if not patterns:
        raise UserError("cells is empty: an entry without cells says nothing")
    for pattern in patterns:
        if not isinstance(pattern, str) or pattern.count("/") != 2 or not all(pattern.split("/")):
            raise UserError(f"{pattern!r} is no pattern of a cell, source/model/variant")
    return tuple(patterns)


def _refuse_doubles(entries: list[Entry]) -> None:
    """Raise UserError when two entries name the same cell; Expectations.check sees it of patterns that overlap."""
    named: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        for cell in entry.cells:
            first = named.setdefault((cell, entry.head.environment), entry)
            if first is not entry:
                raise UserError(f"{first.where} and {entry.where} both name {cell}: leave it to one of them")


# -- what could be planned -------------------------------------------------------------------------------------------


class _Possible:
    """Every cell that could ever be planned: all of the tables, in all environments of tox.ini, installed or not."""

    def __init__(self) -> None:
        self._environments = list(environments().values())
        placed = [(s.name, e.name) for s in SOURCES.values() for e in self._environments if runs_in(s, e)]
        self._sources = dict.fromkeys(name for source, e in placed for name in (source, f"{source}@{e}"))
        own = {
            m.name: m
            for source in SOURCES.values()
            for e in self._environments
            if runs_in(source, e)
            for m in source.own_models(e.name)
        }
        self._models = {**all_models(), **own}

    def complaints(self, target: str, entries: list[Entry]) -> Iterator[str]:
        """What is wrong with the entries of a target, a sentence each."""
        if target not in TARGETS:
            yield f"{target}.toml: {unknown('target', target, TARGETS, 'onnx-interop environments')}"
            return
        placed = [e.name for e in self._environments if runs_in(TARGETS[target], e)]
        for entry in entries:
            if not _matching(placed, entry.head.environment or "*"):
                error = unknown("environment", entry.head.environment, placed, "onnx-interop environments")
                yield f"{entry.where} matches no cell: {error}"
            for pattern in entry.cells:
                if complaint := self._complaint(pattern):
                    yield f"{entry.where}: {pattern} matches no cell: {complaint}"

    def _complaint(self, pattern: str) -> UserError | None:
        source, model, variant = pattern.split("/")
        models = [self._models[name] for name in _matching(self._models, model)]
        if not _matching(self._sources, source):
            return unknown("source", source, self._sources, "onnx-interop environments")
        if not models:
            return unknown("model", model, self._models, "onnx-interop models")
        variants = [v.name for v in VARIANTS.values() if not v.dynamic or any(m.dynamic for m in models)]
        if not any(_is_variant(variant, name) for name in variants):
            return unknown("variant", variant, variants, "onnx-interop models")
        return None


def _matching(names: Collection[str], pattern: str) -> list[str]:
    return [pattern] if pattern in names else [name for name in names if fnmatchcase(name, pattern)]


def _is_variant(pattern: str, variant: str) -> bool:
    """Whether a pattern can match a variant: alone, or with what size and opset add to it ("static-full-opset13")."""
    name, _, suffix = pattern.partition("-")
    can_be = not is_exact(suffix) or _SUFFIX.fullmatch(suffix)
    return fnmatchcase(variant, pattern) or bool(can_be and fnmatchcase(variant, name))
