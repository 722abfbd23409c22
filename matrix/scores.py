"""Scores of a matrix (design section 8): one stable definition, over the fixed list of scores.toml.

- A source's *export score*: the share of models that it exports validly and faithfully.
- A source's *deployment score*: the share of its files' cells that come out right. A runtime's: the share of the valid,
  faithful files of all sources that it runs right.
- A framework's *ONNX score*, 0 to 2: its tier × the export score of its best source. Its *deployment rating*, and that
  of a runtime, 0 to 5: 5 × deployment score.
- A model's *interop score*: the share of its cells that come out right, on the target where that is least.

Families weigh the same. NOT_EXPORTED and NOT_RUN are in no denominator. The evaluator is the judge, and no place to
deploy to, so its cells are evidence only. A target whose canary failed has no score. Nor have other versions than the
usual one of a source or target, which were given fewer files; a runtime that was given `few` stands after the others.
"""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from math import sqrt
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import polars as pl

from matrix.blame import RIGHT
from matrix.catalogue import CANONICAL, EVALUATOR, SOURCES
from matrix.dataset import Matrix, usual
from models.layers import LAYERS

#: Of scores.json.
SCHEMA = 1
Z = 1.959964
"""Of a normal distribution, 95 % lie within ± Z."""
UNSCORED = ("NOT_EXPORTED", "NOT_RUN")
SLICE = 0.1
"""A target that was given less than this share of the listed files that another was given has run a slice of them."""
_FILE = ("source", "model", "variant")
_Families = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class ScoreList:
    """The models and variants that scores are taken over."""

    version: int
    families: dict[str, list[str]]
    dynamic: list[str]
    """Models that are scored in the dynamic variant too."""

    @property
    def files(self) -> pl.DataFrame:
        """Each model × variant, with its family."""
        rows = [
            (model, variant, family)
            for family, models in self.families.items()
            for model in models
            for variant in ("static", *(["dynamic"] if model in self.dynamic else []))
        ]
        return pl.DataFrame(rows, schema=["model", "variant", "family"], orient="row")


@cache
def score_list() -> ScoreList:
    """The list of scores.toml."""
    return ScoreList(**tomllib.loads(Path(__file__).with_name("scores.toml").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Score:
    """A share of what counts, with what it is made of."""

    families: _Families = field(default_factory=dict)
    """How many were right, of how many that count, by family."""
    reason: str = ""
    """Why there is no score, where there is none."""
    unjudged: int = 0
    """Files of which nobody can say whether they are right; they do not count."""

    @property
    def value(self) -> float | None:
        """The mean of the families' shares; None where nothing counts."""
        shares = [right / of for right, of in self.families.values()]
        return sum(shares) / len(shares) if shares else None

    @property
    def right(self) -> int:
        """How many were right."""
        return sum(right for right, _ in self.families.values())

    @property
    def of(self) -> int:
        """How many count."""
        return sum(of for _, of in self.families.values())

    @property
    def worth(self) -> float:
        """How many equally weighted cells would tell as much: families of few cells make it less than `of` (Kish)."""
        return len(self.families) ** 2 / sum(1 / of for _, of in self.families.values()) if self.families else 0.0

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the score lies with a confidence of 95 % (Wilson)."""
        return None if self.value is None else wilson(self.value, self.worth)

    def as_data(self, scale: float = 1.0) -> dict[str, Any]:
        """What scores.json has of it; value and interval on a scale from 0 to `scale`."""
        low, high = self.interval or (None, None)
        shown = {
            name: None if number is None else round(scale * number, 4)
            for name, number in (("value", self.value), ("low", low), ("high", high))
        }
        return {
            **shown, "right": self.right, "of": self.of, "worth": round(self.worth, 1), "unjudged": self.unjudged,
            "families": {name: list(pair) for name, pair in self.families.items()}, "reason": self.reason,
        }  # fmt: skip


def wilson(share: float, number: float) -> tuple[float, float]:
    """The 95 % score interval of a share of `number` trials (E. B. Wilson, 1927)."""
    middle = (share + Z**2 / (2 * number)) / (1 + Z**2 / number)
    reach = Z / (1 + Z**2 / number) * sqrt(share * (1 - share) / number + Z**2 / (4 * number**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)


# -- what counts -----------------------------------------------------------------------------------------------------


def listed(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows whose file is on the list, with its family: reference models, in default size, at the default opset."""
    of_zoos = [n for n in rows["source"].unique() if n and (s := SOURCES.get(n.partition("@")[0])) and s.family]
    usual = pl.col("opset").is_null() & ~pl.col("full").fill_null(value=False)
    own = pl.col("source").is_in(of_zoos)
    return rows.filter(usual & ~own).join(
        score_list().files, on=["model", "variant"], how="inner", maintain_order="left"
    )


def needed(matrix: Matrix) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The exports and the cells that are on the list, with the columns that scores are made of."""
    own = [*_FILE, "opset", "full", "status"]
    return listed(matrix.exports.select(*own, "stage")), listed(matrix.cells.select(*own, "target"))


def judged(exports: pl.DataFrame, cells: pl.DataFrame, file: Sequence[str] = _FILE) -> pl.DataFrame:
    """Exports with what their cells tell: how often `right` and `wrong` on runtimes, how `evaluated`, if `faithful`.

    file: the columns that name one, without nulls.
    """
    status, judge = pl.col("status"), is_judge()
    told = cells.group_by(file).agg(
        right=(status.is_in(RIGHT) & ~judge).sum().cast(pl.Int32),
        wrong=((status == "WRONG") & ~judge).sum().cast(pl.Int32),
        evaluated=status.filter(judge).first(),
    )
    known = exports.join(told, on=file, how="left", maintain_order="left")
    known = known.with_columns(pl.col("right", "wrong").fill_null(0))
    return known.with_columns(
        valid=status.is_in(RIGHT), faithful=faithful(pl.col("evaluated"), pl.col("right"), pl.col("wrong"))
    )


def is_judge() -> pl.Expr:
    """Whether a cell is the evaluator's."""
    return pl.col("target").str.starts_with(f"{EVALUATOR}@")


def faithful(evaluated: pl.Expr, right: pl.Expr, wrong: pl.Expr) -> pl.Expr:
    """Whether a file says what its framework computes (N≈E); null where the evidence does not tell.

    The evaluator says it, as long as it is right. Where it is wrong, it is one vote among those of the runtimes; where
    it raised an error, somebody else must get the numbers; where it gave none otherwise, the runtimes' majority stands
    in.
    """
    majority = pl.when(right > wrong).then(True).when(wrong > right).then(False)
    return (
        pl.when(evaluated.is_in(RIGHT).fill_null(value=False))
        .then(True)
        .when((evaluated == "WRONG").fill_null(value=False))
        .then(right > wrong + 1)
        .when((evaluated == "ERROR").fill_null(value=False) & (right == 0))
        .then(False)
        .otherwise(majority)
    )


def exports_that_count(files: pl.DataFrame) -> pl.DataFrame:
    """Of judged exports those that an export score is made of, and whether each is `good`, null where nobody can say.

    Where the framework's own run is off already, nobody can say whether its exporter kept the numbers.
    """
    unjudged = (pl.col("stage") == "native") & (pl.col("status") == "WRONG")
    good = (
        pl.when(unjudged.fill_null(value=False))
        .then(None)
        .when(pl.col("valid"))
        .then(pl.col("faithful"))
        .otherwise(False)
    )
    return files.filter(pl.col("status") != "NOT_RUN").with_columns(good=good)


def cells_that_count(cells: pl.DataFrame, failed: Iterable[str]) -> pl.DataFrame:
    """Cells that were run on a place to deploy to whose canary did not fail, and whether each is `good`."""
    run = ~pl.col("status").is_in(UNSCORED) & ~is_judge() & ~pl.col("target").is_in(list(failed))
    return cells.filter(run).with_columns(good=pl.col("status").is_in(RIGHT))


def cells_of_good_files(cells: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
    """Of cells that count those whose file is valid and, by the evidence of all others, faithful."""
    told = cells.join(
        files.select(*_FILE, "valid", "right", "wrong", "evaluated"), on=_FILE, how="inner", maintain_order="left"
    )
    others_right = pl.col("right") - pl.col("good").cast(pl.Int32)
    others_wrong = pl.col("wrong") - (pl.col("status") == "WRONG").cast(pl.Int32)
    return told.filter(pl.col("valid") & faithful(pl.col("evaluated"), others_right, others_wrong))


# -- scores ----------------------------------------------------------------------------------------------------------


def tally(rows: pl.DataFrame, by: str) -> dict[str, Score]:
    """The score of each value of a column, from rows with `family` and `good`."""
    counted = rows.group_by(by, "family", maintain_order=True).agg(
        right=pl.col("good").sum(), of=pl.col("good").count(), unjudged=pl.col("good").null_count()
    )
    families: dict[str, _Families] = defaultdict(dict)
    unjudged: Counter[str] = Counter()
    for name, family, right, of, unknown in counted.rows():
        unjudged[name] += unknown
        if of:
            families[name][family] = (right, of)
    order = list(score_list().families)
    return {
        name: Score(
            dict(sorted(families[name].items(), key=lambda pair: order.index(pair[0]))),
            "" if families[name] else "nobody can say of any of its files whether it is right",
            unjudged[name],
        )
        for name in unjudged
    }


@lru_cache(maxsize=1)
def scores(matrix: Matrix) -> dict[str, Any]:
    """All scores, as scores.json has them. Several pages ask for them: do not change what you get."""
    matrix = usual(matrix)
    own, about = score_list(), matrix.about
    failed = failed_canaries(matrix)
    exports, cells = needed(matrix)
    files = judged(exports, cells)
    run = cells_that_count(cells, failed)
    sources = _sources(matrix, tally(exports_that_count(files), "source"), tally(run, "source"))
    return {
        "schema": SCHEMA,
        "run": about["run"],
        "generated": about["generated"],
        "list": {"version": own.version, "families": own.families, "dynamic": own.dynamic, "files": own.files.height},
        "frameworks": frameworks(sources),
        "sources": sources,
        "runtimes": _runtimes(matrix, tally(cells_of_good_files(run, files), "target"), failed),
        "models": _models(run),
    }


def on_slice(matrix: Matrix) -> set[str]:
    """The targets that were given a SLICE of the files on the list: how well they do cannot be held beside the rest."""
    given = listed(matrix.cells.filter(~pl.col("status").is_in(UNSCORED))).group_by("target").len()
    return set(given.filter(pl.col("len") < SLICE * pl.col("len").max())["target"])


def failed_canaries(matrix: Matrix) -> dict[str, str]:
    """Targets that cannot be trusted with their cells, and why."""
    return {name: told["message"] for name, told in matrix.about["canaries"].items() if told["status"] != "PASS"}


def link(**state: str) -> str:
    """Where the site shows the cells that a score is made of."""
    return f"index.html#{urlencode(state)}"


def _sources(matrix: Matrix, export: Mapping[str, Score], deployment: Mapping[str, Score]) -> list[dict[str, Any]]:
    """Every source, the best export score first."""
    found = []
    for source in matrix.about["sources"]:
        name = source["name"]
        exported = export.get(name) or Score(reason=_why_none(matrix.exports.filter(pl.col("source") == name)))
        deployed = deployment.get(name) or Score(reason=exported.reason or "none of its files was run")
        found.append({
            "name": name, "framework": source["framework"], "tier": source["tier"], "yardstick": _is_canonical(name),
            "layers": {**source["layers"], "of": max(len(LAYERS), sum(source["layers"].values()))},
            "export": exported.as_data(), "deployment": deployed.as_data(), "cells": link(source=name),
        })  # fmt: skip
    return _ranked(found, lambda row: row["export"]["value"])


def _is_canonical(source: str) -> bool:
    return source.partition("@")[0] == CANONICAL


def _why_none(rows: pl.DataFrame) -> str:
    """Why a source or target with these exports or cells has no score."""
    on_list = listed(rows)
    if on_list.is_empty():
        return "it has no file that is on the list"
    ours = on_list.filter(pl.col("status") == "NOT_RUN")["message"].drop_nulls()
    if ours.is_empty():
        return "none of the cells on the list counts"
    return f"not run: {ours.value_counts(sort=True)['message'][0]}"


def frameworks(sources: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each framework with the scores of its best source: that of the highest tier × export score."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for source in sources:
        found[source["framework"]].append(source)
    rows = []
    for name, own in found.items():
        best = max(own, key=lambda source: source["tier"] * (source["export"]["value"] or 0.0))
        rows.append({
            "name": name, "source": best["name"], "sources": len(own), "tier": best["tier"],
            "yardstick": best["yardstick"],
            "onnx": _scaled(best["export"], best["tier"]), "rating": _scaled(best["deployment"], 5),
            "export": best["export"], "layers": best["layers"], "cells": best["cells"],
        })  # fmt: skip
    return _ranked(rows, lambda row: row["onnx"]["value"])


def _scaled(score: Mapping[str, Any], scale: float) -> dict[str, Any]:
    """A score on a scale from 0 to `scale`."""
    shown = {name: None if score[name] is None else round(scale * score[name], 4) for name in ("value", "low", "high")}
    return {**score, **shown}


def _runtimes(matrix: Matrix, found: Mapping[str, Score], failed: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every target, the best deployment score first; at the end those on a slice."""
    rows, few = [], on_slice(matrix)
    for target in matrix.about["targets"]:
        name = target["name"]
        if name in failed:
            score = Score(reason=f"its canary failed: {failed[name]}")
        elif name.partition("@")[0] == EVALUATOR:
            score = Score(reason="it is the judge of what a file says, and no place to deploy to")
        else:
            score = found.get(name) or Score(reason=_why_none(matrix.cells.filter(pl.col("target") == name)))
        data = score.as_data()
        rows.append({
            "name": name, "runtime": target["runtime"], "deployment": data, "rating": _scaled(data, 5),
            "few": name in few, "cells": link(target=name),
        })  # fmt: skip
    return sorted(_ranked(rows, lambda row: row["deployment"]["value"]), key=lambda row: bool(row["few"]))


def _models(run: pl.DataFrame) -> list[dict[str, Any]]:
    """Every model that was run, with the target that runs it worst, in the order of the list."""
    share = pl.col("right") / pl.col("of")
    counted = (
        run.group_by("family", "model", "target")
        .agg(right=pl.col("good").sum(), of=pl.len())
        .with_columns(targets=pl.len().over("model"), median=share.median().over("model"))
        # Of several that are worst, the one that was tried most tells most.
        .sort(share, -pl.col("of").cast(pl.Int64), "target")
        .unique("model", keep="first", maintain_order=True)
    )
    rows = {row["model"]: row for row in counted.to_dicts()}
    return [
        {
            "name": name, "family": family,
            "interop": Score({family: (rows[name]["right"], rows[name]["of"])}).as_data(),
            "target": rows[name]["target"], "targets": rows[name]["targets"], "median": round(rows[name]["median"], 4),
            "cells": link(model=name, target=rows[name]["target"]),
        }
        for family, models in score_list().families.items() for name in models if name in rows
    ]  # fmt: skip


def _ranked(rows: list[dict[str, Any]], value: Any) -> list[dict[str, Any]]:
    """Highest first; those without a score last."""
    return sorted(rows, key=lambda row: -1.0 if value(row) is None else value(row), reverse=True)
