"""What is recorded in a work folder, chosen by name and put in order: what can be published without running anything.

Nothing of it need be installed here, nor be known to this version of the suite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from matrix.catalogue import SOURCES, TARGETS
from matrix.dataset import recorded
from matrix.environments import environments
from matrix.errors import unknown
from matrix.names import tool_of
from matrix.plan import EACH, VARIANTS
from matrix.records import Journal, Record
from models.catalogue import all_models

_OF_EXPORTS = ("sources", "models", "variants")
_WHERE = "what is recorded: onnx-interop publish without patterns"


def chosen(
    journal: Journal, patterns: Mapping[str, Sequence[str]], opsets: Sequence[int | str] = ()
) -> dict[str, list[str]]:
    """The keys of the exports that match, each with those of its cells, in the order of the suite's tables.

    patterns: by "sources", "targets", "models", "variants" and "environments"; none, or an empty list, leaves out
    nothing. A source or target is named with its environment or without; an environment stands for the sources and the
    targets in it. opsets: those asked for, as numbers, or EACH for every export that one was asked of.

    Raises UserError, with the near matches, for a pattern that matches nothing that is recorded.
    """
    keys = recorded(journal)
    exports = {key: record for key in keys if (record := journal.get("export", key))}
    cells = {key: [(own, own.rpartition("/")[2]) for own in keys[key]] for key in exports}
    every = {
        "sources": _each(record["source"] for record in exports.values()),
        "targets": _each(target for own in cells.values() for _, target in own),
        "models": _each(record["model"] for record in exports.values()),
        "variants": _each(record["variant"] for record in exports.values()),
    }
    every["environments"] = _each(name.partition("@")[2] for end in ("sources", "targets") for name in every[end])
    named = {kind: _matching(kind, patterns.get(kind) or (), known) for kind, known in every.items()}
    _check_opsets(opsets, exports.values())
    order, found = _Order(every), {}
    for key in sorted(exports, key=order.of_export(exports)):
        record = exports[key]
        if not _is_asked(record, opsets) or any(record[what[:-1]] not in named[what] for what in _OF_EXPORTS):
            continue
        there = record["source"].partition("@")[2] in named["environments"]
        own = [
            (cell, target)
            for cell, target in cells[key]
            if target in named["targets"] and (there or target.partition("@")[2] in named["environments"])
        ]
        # An export without cells is news of its source, unless targets were asked for.
        if own or (there and not patterns.get("targets")):
            found[key] = [cell for cell, _ in sorted(own, key=lambda pair: order.targets[pair[1]])]
    return found


def lost(journal: Journal) -> list[str]:
    """What of a journal cannot be published, in words: lines that do not count, and cells without their export."""
    exports = set(journal.keys("export"))
    orphans = [key for key in journal.keys("cell") if key.rpartition("/")[0] not in exports]
    told = [
        f"{journal.path}: {count} lines {what}, and are left out (lines {', '.join(map(str, journal.left_out))} …)"
        for count, what in ((journal.damaged, "are damaged"), (journal.outdated, "were written by another version"))
        if count
    ]
    if orphans:
        told.append(
            f"{len(orphans)} cells have no record of their export, and are left out: {', '.join(orphans[:3])} …"
        )
    return told


def _each(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _matching(kind: str, patterns: Sequence[str], known: Sequence[str]) -> set[str]:
    """The names that match a pattern, with or without the environment; all where there is none."""
    found = set() if patterns else set(known)
    for pattern in patterns:
        matching = {name for name in known if fnmatchcase(name, pattern) or fnmatchcase(tool_of(name), pattern)}
        if not matching:
            raise unknown(kind[:-1], pattern, {*known, *map(tool_of, known)}, _WHERE)
        found |= matching
    return found


def _check_opsets(opsets: Sequence[int | str], exports: Iterable[Record]) -> None:
    known = {record.get("opset") for record in exports} - {None}
    for opset in opsets:
        if opset != EACH and opset not in known:
            raise unknown("opset", str(opset), map(str, known), _WHERE)


def _is_asked(record: Record, opsets: Sequence[int | str]) -> bool:
    own = record.get("opset")
    return not opsets or own in opsets or (EACH in opsets and own is not None)


class _Order:
    """Places of names: first those of the suite's tables, in their order, then what is unknown, by name."""

    def __init__(self, every: Mapping[str, Sequence[str]]) -> None:
        places = list(environments())
        self.sources, self.targets = (
            _places(every[end], [f"{tool}@{place}" for tool in table for place in places])
            for end, table in (("sources", SOURCES), ("targets", TARGETS))
        )
        self.models = _places(every["models"], list(all_models()))
        self.variants = _places(every["variants"], list(VARIANTS))

    def of_export(self, exports: Mapping[str, Record]) -> Any:
        """What sorts keys of exports."""

        def place(key: str) -> tuple[int, int, int, int, bool]:
            record = exports[key]
            tables = ((self.sources, "source"), (self.models, "model"), (self.variants, "variant"))
            source, model, variant = (table[record[name]] for table, name in tables)
            return source, model, variant, record.get("opset") or 0, bool(record.get("full"))

        return place


def _places(names: Iterable[str], table: Sequence[str]) -> dict[str, int]:
    rank = {name: place for place, name in enumerate(table)}
    return {name: place for place, name in enumerate(sorted(names, key=lambda name: (rank.get(name, len(rank)), name)))}
