"""Which of a tool's versions is the usual one, and what is left of a matrix without the others."""

from __future__ import annotations

from made import cell, matrix

from matrix.dataset import marked, usual

A, B, T, U = "a@x1.9", "a@x1.10", "t@y1", "t@y2"


def test_the_usual_version_is_that_with_the_most_cells_the_newest_of_several() -> None:
    found = matrix([cell(A, "relu", T), cell(B, "relu", T), cell("b@z", "relu", T), cell("b@z", "elu", U)])
    assert [(e["name"], e["usual"]) for e in marked(found, "source")] == [(A, False), (B, True), ("b@z", True)]
    assert [(e["name"], e["usual"]) for e in marked(found, "target")] == [(T, True), (U, False)]


def test_what_is_of_the_usual_versions_is_left() -> None:
    whole = matrix([cell(A, "relu", T), cell(A, "elu", T), cell(B, "relu", T), cell(A, "relu", U)])
    left = usual(whole)
    assert left.cells.select("source", "model", "target").rows() == [(A, "relu", T), (A, "elu", T)]
    assert left.exports["source"].unique().to_list() == [A]
    assert [[e["name"] for e in left.about[end]] for end in ("sources", "targets")] == [[A], [T]]
    assert len(whole.about["sources"]) == 2


def test_a_matrix_of_one_version_of_each_is_itself() -> None:
    whole = matrix([cell(A, "relu", T)])
    assert usual(whole) is whole
