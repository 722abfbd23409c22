"""Names of sources and targets: "tool@environment", the environment's name being a family and a version."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

_ENVIRONMENT = re.compile(r"(?P<family>.*?)(?P<version>\d[\d.]*)?")


def tool_of(name: str) -> str:
    """A source's or target's name without its environment: what stays the same from version to version."""
    return name.partition("@")[0]


def version_of(name: str) -> str:
    """The version in the name of an environment, "" where it has none, as that of the host."""
    match = _ENVIRONMENT.fullmatch(name.rpartition("@")[2])
    return (match["version"] or "") if match else ""


def age(name: str) -> tuple[bool, tuple[int, ...], str]:
    """What sorts names by version, the newest last: 1.9 is before 1.23, and the host, which stands in, before all."""
    numbers = tuple(int(part) for part in version_of(name).split(".") if part)
    return bool(numbers), numbers, name


def by_age(names: Iterable[str]) -> list[str]:
    """Names, the oldest version first."""
    return sorted(names, key=age)


def tool(column: str) -> pl.Expr:
    """`tool_of` for a column."""
    return pl.col(column).str.split_exact("@", 1).struct.field("field_0").alias(column)
