"""The most informative part of a plan that fits into a given time.

Whole models are taken, with all their sources and targets, so that what is made can be compared; those first that bring
the most layers not seen yet, and whose cells have disagreed before, for the time that they cost. What things cost is
what they cost last time, by the journal; a target that is new here counts as usual.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from matrix.errors import UserError
from matrix.plan import Cell, Export, Plan
from matrix.records import Journal, Record
from models.registry import ReferenceModel

USUAL_EXPORT, USUAL_CELL, USUAL_SLOW_CELL = 2.0, 0.2, 10.0
"""Seconds, where nothing is recorded."""
START = 6.0
"""Seconds until a worker of an environment is ready."""
GREATEST_SHARE = 3.0
"""No target gets more than so many times what each would get of the time for cells, or one would use it all."""


def seconds_of(text: str) -> float:
    """30m, 2h or 90s in seconds. Raises UserError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if not match or not float(match[1]):
        raise UserError(f"--budget {text!r} is no time such as 90s, 30m or 2h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


@dataclass
class Costs:
    """What exports and cells took in the past, and how often the cells of a model disagreed."""

    exports: dict[str, float]
    cells: dict[str, float]
    doubts: dict[str, float]

    @classmethod
    def of(cls, journal: Journal) -> Costs:
        """By the journal."""
        exports, cells = list(journal.all("export")), [r for r in journal.all("cell") if r["status"] != "NOT_EXPORTED"]
        passed: dict[str, list[bool]] = defaultdict(list)
        for record in cells:
            passed[record["model"]].append(record["status"] == "PASS")
        shares = {model: sum(marks) / len(marks) for model, marks in passed.items()}
        return cls(
            _medians(exports, "source"),
            _medians(cells, "target"),
            {model: 4 * share * (1 - share) for model, share in shares.items()},
        )

    def of_export(self, export: Export) -> float:
        """Seconds of an export."""
        return self.exports.get(export.source_name, USUAL_EXPORT)

    def of_cell(self, cell: Cell) -> float:
        """Seconds of a cell."""
        return self.cells.get(cell.target_name, USUAL_SLOW_CELL if cell.target.slow else USUAL_CELL)


def _medians(records: Iterable[Record], key: str) -> dict[str, float]:
    taken: dict[str, list[float]] = defaultdict(list)
    for record in records:
        if record.get("seconds"):
            taken[record[key]].append(sum(record["seconds"].values()))
    return {name: median(values) for name, values in taken.items()}


@dataclass(frozen=True)
class _Part:
    """All of a plan that belongs to one model."""

    model: ReferenceModel
    exports: list[Export]
    cells: list[Cell]
    layers: frozenset[str]
    cost: float


def within(plan: Plan, seconds: float, workers: int, costs: Costs) -> Plan:
    """The part of a plan that takes about so many seconds with so many workers, at least one model of it."""
    left = seconds * workers - START * len(plan.environments)
    share = GREATEST_SHARE * max(left, 0) / max(1, len({cell.target_name for cell in plan.cells}))
    chosen: set[str] = set()
    spent: dict[str, float] = defaultdict(float)
    for part in _in_order(_parts(plan, costs), costs):
        fitting = [c for c in part.cells if not chosen or spent[c.target_name] + costs.of_cell(c) <= share]
        exports = {cell.export.key: cell.export for cell in fitting}
        cost = sum(map(costs.of_export, exports.values())) + sum(map(costs.of_cell, fitting))
        if chosen and cost > left:
            continue
        left -= cost
        for cell in fitting:
            spent[cell.target_name] += costs.of_cell(cell)
        chosen.update(exports, (cell.key for cell in fitting))
    return Plan([e for e in plan.exports if e.key in chosen], [c for c in plan.cells if c.key in chosen])


def _parts(plan: Plan, costs: Costs) -> list[_Part]:
    exports: dict[str, list[Export]] = defaultdict(list)
    cells: dict[str, list[Cell]] = defaultdict(list)
    for export in plan.exports:
        exports[export.model.name].append(export)
    for cell in plan.cells:
        cells[cell.export.model.name].append(cell)
    return [
        _Part(
            own[0].model,
            own,
            cells[name],
            _layers(own[0].model),
            sum(map(costs.of_export, own)) + sum(map(costs.of_cell, cells[name])),
        )
        for name, own in exports.items()
    ]


def _layers(model: ReferenceModel) -> frozenset[str]:
    """What a model has that others may lack; of one that its source brings, the first words of its name."""
    if model.describe is None:
        return frozenset({"_".join(model.name.split("_")[:2])})
    return frozenset(node.op for node in model.graph().nodes)


def _in_order(parts: list[_Part], costs: Costs) -> Iterable[_Part]:
    """The parts, each time the one that tells most for its cost; when all layers were seen, they count again."""
    seen: set[str] = set()
    while parts:
        if not any(part.layers - seen for part in parts):
            seen = set()
        best = max(parts, key=lambda p: (len(p.layers - seen) + costs.doubts.get(p.model.name, 0.0)) / (p.cost + 0.01))
        parts = [part for part in parts if part is not best]
        seen |= best.layers
        yield best
