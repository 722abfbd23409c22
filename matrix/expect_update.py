"""Rewriting the expectations from a run: what still fails stays, what is mended goes, what is new comes in.

What the run did not try (other cells, NOT_RUN, NOT_EXPORTED) says nothing, so its entries stay as they are.
"""

from __future__ import annotations

import calendar
import difflib
import itertools
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase, translate
from pathlib import Path
from typing import Any

import tomli_w

from matrix.catalogue import SOURCES, TARGETS
from matrix.dataset import read
from matrix.environments import environments
from matrix.errors import unknown
from matrix.expect import DECLARABLE, Entry, Head, Index, bare, cell_key, is_exact, load
from matrix.plan import runs_in
from matrix.progress import STATUSES

REASON_LENGTH = 200
#: Messages that agree so far are of one kind: matrix.json cuts long ones at a place that depends on their paths.
_ALIKE_LENGTH = 120
_MONTHS = 6
#: An export's key and the environment of the target: a cell of one target.
Place = tuple[str, str]
_HEADER = """\
# Known failures of {target}: docs/expectations.md says how to read and change them.
# `onnx-interop expectations update` rewrites this file, and keeps no other comments.

"""


@dataclass(frozen=True)
class Outcome:
    """How one cell of a target ended in the run."""

    export: str
    """The export's key, with the environment of its source."""
    environment: str
    status: str
    message: str

    @property
    def place(self) -> Place:
        """What names the cell within its target."""
        return self.export, self.environment


@dataclass(frozen=True)
class Change:
    """One file as it is and as it is to be; an empty text is no file."""

    path: Path
    before: str
    after: str
    counts: tuple[int, int]
    """Entries before and after."""

    def diff(self) -> str:
        """What changes, as `diff -u` would show it."""
        names = (str(self.path) if self.before else "/dev/null", str(self.path) if self.after else "/dev/null")
        lines = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), *names, lineterm="")
        return "\n".join(lines)

    def write(self) -> None:
        """Write the file whole, or take it away."""
        if not self.after:
            self.path.unlink()
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.path.with_name(self.path.name + ".new")
        scratch.write_text(self.after, encoding="utf-8")
        os.replace(scratch, self.path)


def changes(run: Path, folder: Path, today: date) -> list[Change]:
    """The files of `folder` that change when they are brought up to a published run. Raises UserError."""
    versions, outcomes = _read_run(run)
    known = load(folder)
    found = []
    for target in versions:
        before = known.entries.get(target, [])
        after = updated(target, before, outcomes[target], versions[target], today)
        if {e.head: set(e.cells) for e in before} != after:
            path = folder / f"{target}.toml"
            old = path.read_text(encoding="utf-8") if before else ""
            found.append(Change(path, old, _text(target, after), (len(before), len(after))))
    return found


def _read_run(place: Path) -> tuple[dict[str, dict[str, str]], dict[str, list[Outcome]]]:
    """By target: the versions in each of its environments, and how its cells ended, in the order of the run."""
    matrix = read(place)
    versions: dict[str, dict[str, str]] = defaultdict(dict)
    for row in matrix.about["targets"]:
        name, _, environment = row["name"].partition("@")
        told = ", ".join(f"{package} {version}" for package, version in row["packages"].items())
        versions[name][environment] = told or environment
    for name in versions:
        if name not in TARGETS:
            raise unknown("target", name, TARGETS, "onnx-interop environments")
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    columns = ("source", "model", "variant", "opset", "full", "target", "status", "message")
    for row in matrix.cells.select(columns).iter_rows(named=True):
        export, _, target = cell_key(row).rpartition("/")
        name, _, environment = target.partition("@")
        outcomes[name].append(Outcome(export, environment, row["status"], row["message"]))
    return versions, outcomes


# -- what is to be known ---------------------------------------------------------------------------------------------


def updated(
    target: str, entries: Iterable[Entry], outcomes: Iterable[Outcome], versions: dict[str, str], today: date
) -> dict[Head, set[str]]:
    """The entries that this run leaves of a target: what each says, and of which cells.

    versions: what to write as `seen`, by environment of the target.
    """
    tried = [outcome for outcome in outcomes if outcome.status not in ("NOT_RUN", "NOT_EXPORTED")]
    rewriting = _Rewriting(target, tried)
    for entry in entries:
        rewriting.confirm(entry, today)
    rewriting.add(versions, today)
    return rewriting.entries()


class _Rewriting:
    """The entries of one target while they are brought up to a run."""

    def __init__(self, target: str, tried: list[Outcome]) -> None:
        self._target, self._tried = target, tried
        self._by_place = {outcome.place: outcome for outcome in tried}
        self._by_name: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in tried:
            for name in {outcome.export, bare(outcome.export)}:
                self._by_name[name].append(outcome)
        self._kept: dict[Head, set[str]] = defaultdict(set)
        self._covered: set[Outcome] = set()
        self._exactly: dict[Outcome, Head] = {}
        """The entries of cells that no pattern names any more, or none ever did."""
        self._environments = environments().values()

    def confirm(self, entry: Entry, today: date) -> None:
        """Keep the patterns whose cells all fail as declared, and of the others the cells that do."""
        hits = {pattern: self._matched(pattern, entry.head.environment) for pattern in entry.cells}
        confirmed = any(entry.head.holds(o.status) for found in hits.values() for o in found)
        overdue = today > entry.head.question_after
        head = replace(entry.head, question_after=_later(today)) if confirmed and overdue else entry.head
        for pattern, found in hits.items():
            still = [outcome for outcome in found if head.holds(outcome.status)]
            if len(still) == len(found):
                self._kept[head].add(pattern)
                self._covered.update(still)
            else:
                self._exactly.update(dict.fromkeys(still, head))

    def _matched(self, pattern: str, environment: str) -> list[Outcome]:
        if is_exact(pattern):
            found = self._by_name.get(pattern, [])
        else:
            matches = re.compile(translate(pattern)).match
            found = [o for o in self._tried if matches(o.export) or matches(bare(o.export))]
        return [outcome for outcome in found if fnmatchcase(outcome.environment, environment or "*")]

    def add(self, versions: dict[str, str], today: date) -> None:
        """Take up the failures that no entry knows, one new entry for each kind of message."""
        kinds: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
        for outcome in self._tried:
            if outcome.status in DECLARABLE and outcome not in self._covered and outcome not in self._exactly:
                kinds[outcome.status, alike(outcome.message)].append(outcome)
        for (status, _), found in kinds.items():
            seen = "; ".join(dict.fromkeys(versions[outcome.environment] for outcome in found))
            head = Head(status, reason([o.message for o in found]), "", seen, "", _later(today))
            self._exactly.update(dict.fromkeys(found, head))

    def entries(self) -> dict[Head, set[str]]:
        """What is kept, and the rest in exact names."""
        kept = Index(Entry(head, tuple(patterns), "") for head, patterns in self._kept.items())
        found = {head: set(patterns) for head, patterns in self._kept.items()}
        named: set[Place] = set()
        for outcome, head in self._exactly.items():
            if outcome not in self._covered and outcome.place not in named:
                name, environment, meant = self._shortest(outcome, head, kept, named)
                named |= meant
                found.setdefault(replace(head, environment=environment), set()).add(name)
        return found

    def _shortest(self, outcome: Outcome, head: Head, kept: Index, named: set[Place]) -> tuple[str, str, set[Place]]:
        """The shortest name and environment for a cell, and all cells that they mean.

        None of those is otherwise in the run, nor in an entry that is kept or already made.
        """
        short, own = bare(outcome.export), outcome.environment
        for name, environment in ((short, head.environment), (short, own), (outcome.export, head.environment)):
            meant = {
                (export, target)
                for export, target in self._places(short)
                if name in (short, export) and fnmatchcase(target, environment or "*")
            }
            if meant.isdisjoint(named) and all(self._may_be(p, head) and not kept.find(*p) for p in meant):
                return name, environment, meant
        return outcome.export, own, {outcome.place}

    def _places(self, short: str) -> Iterator[Place]:
        """Every cell of this target that may have this short name: in the run, or by the tables."""
        source, _, rest = short.partition("/")
        here, target = self._by_name[short], TARGETS[self._target]
        sources = [e.name for e in self._environments if source in SOURCES and runs_in(SOURCES[source], e)]
        targets = [e.name for e in self._environments if runs_in(target, e)]
        exports = {*(f"{source}@{e}/{rest}" for e in sources), *(o.export for o in here)}
        return itertools.product(exports, {*targets, *(o.environment for o in here)})

    def _may_be(self, place: Place, head: Head) -> bool:
        """Whether the run says nothing else of that cell than this."""
        return place not in self._by_place or self._exactly.get(self._by_place[place]) == head


def _later(today: date) -> date:
    """Half a year on, the last of the month where it is shorter."""
    years, month = divmod(today.month - 1 + _MONTHS, 12)
    year, month = today.year + years, month + 1
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))


# -- messages --------------------------------------------------------------------------------------------------------

_PATH = re.compile(r"[^\s'\"`(\[]*/[^\s'\"`)\]]*")
_QUOTED = re.compile(r"(?<!\w)(['\"`])(?:(?!\1).)*\1")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)*(?:e[+-]?\d+)?")
_FOLDERS = re.compile(r"(?<![\w.])/(?:[^\s/'\"]+/)+")


def alike(message: str) -> str:
    """A message's first line without what differs between failures of one kind: paths, quoted names, numbers."""
    for pattern, stands in ((_PATH, "/"), (_QUOTED, "''"), (_NUMBER, "0")):
        message = pattern.sub(stands, message)
    return message.split("\n")[0][:_ALIKE_LENGTH]


def reason(messages: list[str]) -> str:
    """The first of these messages of one kind in one short line, without the folders of this machine."""
    others = len(set(messages)) - 1
    tail = f" (and {others} alike)" if others else ""
    line = _FOLDERS.sub("…/", (messages[0].strip() or "no message").split("\n")[0])
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    room = REASON_LENGTH - len(tail)
    return (line if len(line) <= room else line[: room - 1].rstrip() + "…") + tail


# -- files -----------------------------------------------------------------------------------------------------------


def _text(target: str, entries: dict[Head, set[str]]) -> str:
    """The file of a target; "" for one without entries."""
    heads = sorted(entries, key=lambda head: (STATUSES.index(head.status), head, min(entries[head])))
    tables = [_table(head, sorted(entries[head])) for head in heads]
    return _HEADER.format(target=target) + tomli_w.dumps({"known": tables}) if tables else ""


def _table(head: Head, cells: list[str]) -> dict[str, Any]:
    """An entry in the order in which it is written; `cells` keep it from being written as an inline table."""
    names = ("status", "reason", "seen", "link", "question_after", "environment")
    values = {name: getattr(head, name) for name in names}
    return {**{name: value for name, value in values.items() if value or name == "link"}, "cells": cells}
