"""pytest's side of the matrix: its options, one test per cell, and the run behind them.

What pytest selects (-k, --lf, names) is what is run: as one run in the background, for whose records the tests wait.
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from typing import cast

import pytest

from matrix.cli import add_run_options, add_selection, expectations_of, run_of, selection_of, tell_of_journal
from matrix.dataset import of_plan
from matrix.errors import UserError
from matrix.expect import Expectations
from matrix.plan import Cell, Plan, make_plan
from matrix.publish import publish
from matrix.records import Record
from matrix.workshop import Workshop

PLAN = pytest.StashKey[Plan]()
TOLD = pytest.StashKey[list[str]]()
EXPECTATIONS = pytest.StashKey[Expectations]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `onnx-interop run`."""
    group = parser.getgroup("interop", "the ONNX interop matrix")
    add_selection(group.addoption)
    add_run_options(group.addoption)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per cell of the selection; a mistake in it ends the session with exit code 2."""
    if not {"cell", "background_run"} <= set(metafunc.fixturenames):
        return
    try:
        plan = make_plan(selection_of(metafunc.config.option), installed_only=True)
        expectations = expectations_of((cell.key for cell in plan.cells), metafunc.config.option)
    except UserError as error:
        raise pytest.UsageError(f"onnx-interop: {error}") from None
    metafunc.config.stash[PLAN] = plan
    metafunc.config.stash[TOLD] = []
    metafunc.config.stash[EXPECTATIONS] = expectations
    metafunc.parametrize("cell", plan.cells, ids=[cell.key for cell in plan.cells])


class BackgroundRun:
    """A run of the selected cells, and a way to wait for the record of one."""

    def __init__(
        self, plan: Plan, workshop: Workshop, options: argparse.Namespace, expectations: Expectations, told: list[str]
    ) -> None:
        self._run = run_of(plan, workshop, self, options)
        self._public, self._expectations, self._told = options.public, expectations, told
        self._records: dict[str, Record] = {}
        self._news = threading.Condition()
        self._error: BaseException | None = None
        tell_of_journal(workshop, self)
        self._thread = threading.Thread(target=self._carry_out)
        self._thread.start()

    def _carry_out(self) -> None:
        error: BaseException | None = None
        try:
            self._run.carry_out()
        except BaseException as raised:
            error = raised
        with self._news:
            self._error = error or RuntimeError("the run ended without a record of this cell")
            self._news.notify_all()

    def begin(self, step: str, total: int) -> None:
        """Nothing to show: pytest shows its own progress."""

    def advance(self, step: str, record: Record | None) -> None:
        """Let the test of this record go on."""
        if record is not None:
            with self._news:
                self._records[record["key"]] = record
                self._news.notify_all()

    def tell(self, text: str) -> None:
        """Keep it for the end."""
        self._told.append(text)

    def wait_for(self, cell: Cell) -> Record:
        """The record of a cell, as soon as it is there."""
        with self._news:
            self._news.wait_for(lambda: cell.key in self._records or self._error)
            if cell.key not in self._records and self._error:
                raise self._error
            return self._records[cell.key]

    def end(self, plan: Plan) -> None:
        """Stop what is still running, and publish all that is recorded of the whole plan."""
        self._run.stop()
        self._thread.join()
        publish(
            of_plan(plan, self._run.workshop.journal, self._run.id, self._expectations),
            self._public,
            self._run.workshop.folder,
        )


@pytest.fixture(scope="session")
def expectations(request: pytest.FixtureRequest) -> Expectations:
    """What is known of this session's cells."""
    return request.config.stash[EXPECTATIONS]


@pytest.fixture(scope="session")
def background_run(request: pytest.FixtureRequest, expectations: Expectations) -> Iterator[BackgroundRun]:
    """The run of all cells that are selected in this session."""
    whole: Plan = request.config.stash[PLAN]
    functions = [item for item in request.session.items if isinstance(item, pytest.Function)]
    own = [function for function in functions if request.fixturename in function.fixturenames]
    cells: list[Cell] = [cast("Cell", function.callspec.params["cell"]) for function in own]
    exports = list(dict.fromkeys(cell.export for cell in cells))
    options, told = request.config.option, request.config.stash[TOLD]
    with ExitStack() as stack:
        try:
            workshop = stack.enter_context(Workshop.alone(options.work))
        except UserError as error:
            pytest.exit(f"onnx-interop: {error}", 2)
        run = BackgroundRun(Plan(exports, cells), workshop, options, expectations, told)
        yield run
        run.end(whole)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which expectations are questioned, and where the page is."""
    if PLAN in config.stash and not config.option.collectonly:
        for text in config.stash[TOLD]:
            terminalreporter.write_line(text)
        keys = (cell.key for cell in config.stash[PLAN].cells)
        for line in config.stash[EXPECTATIONS].questioned(date.today(), keys):
            terminalreporter.write_line(line, yellow=True)
        terminalreporter.write_line(f"the page: {config.option.public / 'index.html'}")
