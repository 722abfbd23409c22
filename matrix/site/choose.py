"""Help me choose: which runtime for models like these, or for this file."""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from matrix.dataset import Matrix, usual
from matrix.scores import wilson
from matrix.site import operators
from matrix.site.shown import share
from matrix.speed import speed

TITLE = "Help me choose"
LANGUAGES = ("Python", "C", "C++", "C#", "Java", "JavaScript", "Objective-C", "Rust", "Swift")
PLATFORMS = ("server CPU", "GPU", "browser", "Android", "iOS", "microcontroller")


def view(matrix: Matrix) -> dict[str, Any]:
    """What the template shows: the form, and the runtimes by what they made of all files. Usual versions only."""
    matrix = usual(matrix)
    facts = [facts_of(target["name"]) for target in matrix.about["targets"]]
    return {
        "frameworks": {
            name: name for name in sorted({s["framework"] for s in matrix.about["sources"]}, key=str.casefold)
        },
        "kinds": kinds(matrix),
        "precisions": operators.precisions(matrix),
        "languages": _offered(LANGUAGES, [item for own in facts for item in own.get("languages", ())]),
        "platforms": _offered(PLATFORMS, [item for own in facts for item in own.get("platforms", ())]),
        "licences": {name: name for name in sorted({own["licence"] for own in facts if own})},
        "rows": all_files(matrix),
        "reference": speed(matrix)["reference"],
        "obstacles": operators.obstacles(matrix.about),
        "facts": sorted(
            ((target, own) for target, own in zip(matrix.about["targets"], facts, strict=True) if own),
            key=lambda pair: (pair[0]["runtime"].casefold(), pair[0]["name"]),
        ),
    }


def data(matrix: Matrix, work: Path | None) -> Iterator[tuple[str, Any]]:
    """The script "choose": by target, in the order of about, its facts, and how long it takes to load."""
    found = speed(matrix)
    times = {row["name"]: loading(row) for row in found["targets"]}
    names = [target["name"] for target in matrix.about["targets"]]
    yield (
        "choose",
        {
            "facts": [facts_of(name) or None for name in names],
            "load": [times.get(name) for name in names],
            "reference": found["reference"],
        },
    )


def kinds(matrix: Matrix) -> dict[str, dict[str, list[str]]]:
    """The models that one may choose, by kind and family: those that frameworks build or bring along."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for model in matrix.about["models"]:
        if not (model["kind"] == "own" and model["family"] == "operators"):
            found[model["kind"]][model["family"]].append(model["name"])
    return {kind: dict(found[kind]) for kind in ("architecture", "layer", "own") if kind in found}


@cache
def runtimes() -> dict[str, dict[str, Any]]:
    """What runtimes.toml says, by name."""
    with Path(__file__).with_name("runtimes.toml").open("rb") as file:
        return tomllib.load(file)


def facts_of(target: str) -> dict[str, Any]:
    """What is known of a target; {} where there is nothing."""
    own = target.partition("@")[0]
    names = [name for name in runtimes() if own == name or own.startswith((f"{name}.", f"{name}+"))]
    return runtimes()[max(names, key=len)] if names else {}


def all_files(matrix: Matrix) -> list[dict[str, Any]]:
    """The targets with their share of all faithful files, the most trustworthy first."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (name, status), number in operators.by_target(matrix).items():
        found[name][status] += number
    rows = []
    for target in matrix.about["targets"]:
        own = share(found[target["name"]])
        if own["run"]:
            low, high = wilson(own["right"] / own["run"], own["run"])
            rows.append({**target, **own, "low": low, "high": high})
    return sorted(rows, key=lambda row: -row["low"])


def loading(row: Mapping[str, Any]) -> dict[str, float] | None:
    """Of a row of speed(): `times` as long to load as the reference, over the `of` files that both ran right."""
    own = row["shared"]
    return {"times": own["load"][0], "of": own["of"]} if own and own["load"] else None


def _offered(known: tuple[str, ...], offered: list[str]) -> dict[str, str]:
    return {name: name for name in known if name in offered}
