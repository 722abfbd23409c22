"""`onnx-interop`: environments, models, run, publish, show, expectations.

Exit codes: 0 done; 1 --strict and something could not be run, or is not as expected; 2 the user's mistake; 3 the
machine gave out (disk full); 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from matrix.budget import Costs, seconds_of, within
from matrix.catalogue import ROOT, SOURCES, TARGETS, Source, Target
from matrix.dataset import Matrix, of_plan
from matrix.environments import Environment, environments, obstacle
from matrix.errors import MachineError, UserError, unknown
from matrix.expect import FOLDER, Expectations, load
from matrix.expect_report import tell_files, tell_run
from matrix.expect_update import changes
from matrix.plan import EACH, VARIANTS, Plan, Selection, make_plan, runs_in
from matrix.process import Limits
from matrix.progress import Bars, summary
from matrix.publish import counts, publish
from matrix.reproduction import reproduction
from matrix.run import Run
from matrix.text import printable, shown
from matrix.watcher import Watcher
from matrix.workshop import Workshop
from models.catalogue import all_models

OPTIONS_OF_SELECTION = ("sources", "targets", "models", "variants", "environments")


class _Parser(argparse.ArgumentParser):
    """argparse, but its errors are ours: near matches for what is misspelt, exit code 2 from one place."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but a stranger among the options of a command is that command's to answer."""
        parsed, strangers = super().parse_known_args(args, namespace)
        if strangers:
            raise unknown("option", strangers[0].split("=")[0], self._option_string_actions, f"{self.prog} --help")
        return parsed, strangers

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        raise UserError(f"{message} (see {self.prog} --help)")


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def add_selection(add: Any) -> None:
    """Declare the options that select cells; `add` is argparse's add_argument, or pytest's addoption."""
    for name in OPTIONS_OF_SELECTION:
        add(f"--{name}", type=_names, default=[], metavar="NAMES", help=f"{name}, by name or pattern, with commas")
    told = "opsets to ask for, or `each`: every exporter's lowest, highest, 13, 17, 21 (default: the exporter's own)"
    add("--opset", type=_numbers, default=[], metavar="NUMBERS", help=told)
    add("--size", choices=("default", "full"), default="default", help="full: the published widths")
    add("--all-versions", action="store_true", help="older and newer versions too, not the default ones alone")
    add("--extras", action="store_true", help="the frameworks and runtimes too big or slow for the default, too")
    add("--quick", dest="scope", action="store_const", const="quick", default="default", help="a dozen models")
    add("--all", dest="scope", action="store_const", const="all", help="every attribute set, every variant")
    told = "what the published matrix has: the default models, precisions, opsets, sources' own models, and the extras"
    add("--published", dest="scope", action="store_const", const="published", help=told)


def _numbers(text: str) -> list[int | str]:
    if text == EACH:
        return [EACH]
    if not all(number.isdecimal() and int(number) for number in _names(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of opset numbers such as 13,17, nor `{EACH}`")
    return [int(number) for number in _names(text)]


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return int(text)


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return Path(text)


def selection_of(options: argparse.Namespace) -> Selection:
    """The selection that these options describe."""
    named = {name: getattr(options, name) for name in OPTIONS_OF_SELECTION}
    more = {name: getattr(options, name) for name in ("size", "scope", "all_versions", "extras")}
    return Selection(**named, **more, opsets=options.opset)


def add_run_options(add: Any) -> None:
    """Declare the options of how to run."""
    add("--work", type=Path, default=ROOT / ".interop", metavar="FOLDER", help="work folder (default: .interop)")
    add("--public", type=Path, default=ROOT / "public", metavar="FOLDER", help="where the site goes (default: public)")
    add("--workers", type=_positive, default=0, metavar="N", help="worker processes (default: one per core)")
    add("--timeout", type=_positive, default=Limits.seconds, metavar="SECONDS", help="for each stage of a cell")
    add("--memory", type=_positive, default=Limits.memory_mb, metavar="MB", help="for each worker")
    add("--refresh", action="store_true", help="run again what is already recorded")
    add("--repeat", type=_positive, default=1, metavar="N", help="run each cell N times, each in a fresh process")
    add("--nice", type=_positive, default=0, metavar="N", help="lower the priority of the workers by so much, up to 19")
    add("--expectations", type=_folder, default=FOLDER, metavar="FOLDER", help="known failures (default: the suite's)")


def run_of(plan: Plan, workshop: Workshop, watcher: Watcher, options: argparse.Namespace) -> Run:
    """The run that these options describe."""
    limits = Limits(seconds=options.timeout, memory_mb=options.memory, nice=options.nice)
    return Run(plan, workshop, limits, watcher, options.workers, options.refresh, options.repeat)


def _parser() -> _Parser:
    parser = _Parser(prog="onnx-interop", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    commands.add_parser("environments", help="the tox environments: state, versions, size")
    commands.add_parser("models", help="the reference models")
    run = commands.add_parser("run", help="make the matrix, then publish it")
    run.add_argument("--install", action="store_true", help="install the environments that are missing")
    run.add_argument(
        "--strict", action="store_true", help="exit with 1 when a cell ends as NOT_RUN, or not as expected"
    )
    told = "such as 30m: the most informative part of the selection that fits, by what it took before"
    run.add_argument("--budget", type=seconds_of, default=0, metavar="TIME", help=told)
    again = commands.add_parser("publish", help="write public/ from what is recorded")
    for command in (run, again):
        add_selection(command.add_argument)
        add_run_options(command.add_argument)
    show = commands.add_parser("show", help="a cell's record, its log, and the command that runs it alone")
    show.add_argument("cell", metavar="CELL", help="source@env/model/variant/target@env, as a run prints it")
    show.add_argument("--work", type=Path, default=ROOT / ".interop", metavar="FOLDER", help="work folder")
    known = commands.add_parser("expectations", help="the known failures; `expectations update` takes them from a run")
    known.add_argument("action", nargs="?", choices=["update"], help="rewrite the files from a published run")
    known.add_argument(
        "--from", dest="run", type=Path, metavar="RUN", help="matrix.json or its folder (default: public)"
    )
    known.add_argument("--dry-run", action="store_true", help="show what would change, write nothing")
    known.add_argument("--expectations", type=Path, default=FOLDER, metavar="FOLDER", help="where they are")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    console = Console()
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        if given and not given[0].startswith("-") and given[0] not in _COMMANDS:
            raise unknown("command", given[0], _COMMANDS, "onnx-interop --help")
        options = _parser().parse_args(given)
        return int(_COMMANDS[options.command](options, console))
    except (UserError, MachineError) as error:
        print(f"onnx-interop: {error}", file=sys.stderr)
        return 2 if isinstance(error, UserError) else 3


def _environments(options: argparse.Namespace, console: Console) -> int:
    everything: list[Source | Target] = [*SOURCES.values(), *TARGETS.values()]
    table = Table(
        Column("environment", no_wrap=True), Column("Python", no_wrap=True), "state", "MB", "by default", "runs"
    )
    for environment in environments().values():
        own = [item.name for item in everything if runs_in(item, environment)]
        default = "" if not environment.default else "--extras" if environment.extra else "yes"
        row = (environment.name, environment.base_python, _state(environment), _size(environment), default)
        table.add_row(*row, ", ".join(dict.fromkeys(own)))
    console.print(table)
    console.print("Install one with: tox run --notest -e NAME, or let `onnx-interop run --install` do it.")
    console.print("What is not run by default: --environments NAME, --targets TARGET@NAME, --extras, --all-versions.")
    return 0


def _state(environment: Environment) -> str:
    reason = obstacle(environment)
    if reason:
        return escape(printable(f"cannot be installed here: {reason}"))
    return "installed" if environment.installed else "not installed"


def _size(environment: Environment) -> str:
    """In MB: measured where it is installed, else about what tox.ini says."""
    if environment.family == "host":
        return ""
    if environment.installed:
        return str(_megabytes(environment))
    return f"~{environment.size_mb}" if environment.size_mb else ""


def _megabytes(environment: Environment) -> int:
    files = (path.lstat() for path in environment.folder.rglob("*"))
    return sum(status.st_blocks * 512 for status in files) // 2**20


def _models(options: argparse.Namespace, console: Console) -> int:
    table = Table("model", "kind", "family", "variants", "in the default matrix", "after")
    for model in all_models().values():
        variants = [variant.name for variant in VARIANTS.values() if model.dynamic or not variant.dynamic]
        shown = "yes" if model.default else ""
        table.add_row(model.name, model.kind, model.family, ", ".join(variants), shown, model.paper)
    console.print(table)
    return 0


def _run(options: argparse.Namespace, console: Console) -> int:
    plan = make_plan(selection_of(options), installed_only=not options.install)
    expectations = expectations_of(plan, options)
    with Workshop.alone(options.work) as workshop:
        with Bars(console) as bars:
            tell_of_journal(workshop, bars)
            run = run_of(plan, workshop, bars, options)
            if options.budget:
                plan = run.plan = _fitted(plan, run, options.budget, bars)
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            try:
                reasons = run.install() if options.install else {}
                run.carry_out(reasons)
            except KeyboardInterrupt:
                print("interrupted: what is done is kept, the same command goes on from here", file=sys.stderr)
                return 130
        matrix = of_plan(plan, workshop.journal, run.id, expectations)
        publish(matrix, options.public, options.work)
    _tell(matrix, reasons, console)
    surprised = tell_run(matrix.cells, expectations, console)
    console.print(f"the page: {options.public / 'index.html'}", soft_wrap=True)
    return int(options.strict and (surprised or "NOT_RUN" in matrix.cells["status"]))


def _fitted(plan: Plan, run: Run, seconds: float, watcher: Watcher) -> Plan:
    """The part of a plan that fits; the run is stopped when the time is over all the same."""
    fitting = within(plan, seconds, run.workers, Costs.of(run.workshop.journal))
    models = [len({export.model.name for export in p.exports}) for p in (fitting, plan)]
    cells = [len(p.cells) for p in (fitting, plan)]
    watcher.tell("budget: {} of {} models, {} of {} cells".format(*models, *cells))
    timer = threading.Timer(seconds, run.stop)
    timer.daemon = True
    timer.start()
    return fitting


def tell_of_journal(workshop: Workshop, watcher: Watcher) -> None:
    """Say which records of the journal do not count."""
    journal = workshop.journal
    for count, what in ((journal.damaged, "are damaged"), (journal.outdated, "were written by another version")):
        if count:
            watcher.tell(f"{journal.path}: {count} lines {what}: they are left out and done again")


def _tell(matrix: Matrix, reasons: dict[str, str], console: Console) -> None:
    console.print(summary("Exports", "source", counts(matrix.exports, "source")))
    console.print(summary("Cells", "target", counts(matrix.cells, "target")))
    spreads = [spread for spread in matrix.cells["spread"].drop_nulls() if spread]
    if spreads:
        console.print(f"{len(spreads)} cells gave other numbers when they were repeated, by up to {max(spreads):.2g}")
    for name, reason in reasons.items():
        console.print(f"{name} could not be installed: {printable(reason)}", markup=False, soft_wrap=True)


def expectations_of(plan: Plan, options: argparse.Namespace) -> Expectations:
    """The expectations, once it is clear that they say one thing of each planned cell."""
    expectations = load(options.expectations)
    expectations.check(cell.key for cell in plan.cells)
    return expectations


def _publish(options: argparse.Namespace, console: Console) -> int:
    plan: Plan = make_plan(selection_of(options), installed_only=True)
    expectations = expectations_of(plan, options)
    matrix = of_plan(plan, Workshop(options.work).journal, "", expectations)
    if matrix.cells.is_empty():
        raise UserError(f"nothing is recorded in {options.work} for this selection: onnx-interop run first")
    publish(matrix, options.public, options.work)
    _tell(matrix, {}, console)
    tell_run(matrix.cells, expectations, console)
    console.print(f"the page: {options.public / 'index.html'}", soft_wrap=True)
    return 0


def _show(options: argparse.Namespace, console: Console) -> int:
    workshop = Workshop(options.work)
    journal = workshop.journal
    record = next((r for kind in ("cell", "export", "canary") if (r := journal.get(kind, options.cell))), None)
    if record is None:
        known = [key for kind in ("cell", "export") for key in journal.keys(kind)]
        raise unknown("cell", options.cell, known, f"the keys in {journal.path}")
    console.print_json(json.dumps(shown(record)))
    for what, key in (("environment", record.get("environment")), ("run", record.get("run"))):
        if key and (found := journal.get(what, key)):
            console.rule(what)
            console.print_json(json.dumps(shown(found)))
    if record.get("log") and (log := workshop.folder / record["log"]).exists():
        console.rule("log")
        told = log.read_text(errors="replace")[-6000:]
        console.print(printable(told, 24_000), markup=False, highlight=False)
    if "model" not in record:
        return 0
    console.rule("to run it alone")
    console.print(reproduction(record), markup=False, highlight=False, soft_wrap=True)
    return 0


def _expectations(options: argparse.Namespace, console: Console) -> int:
    folder: Path = options.expectations
    if not folder.is_dir() and (folder.exists() or not options.action):
        raise UserError(f"there is no folder {folder}")
    if options.action == "update":
        return _update(options)
    if options.run or options.dry_run:
        raise UserError("--from and --dry-run belong to `onnx-interop expectations update`")
    tell_files(load(folder), console)
    return 0


def _update(options: argparse.Namespace) -> int:
    """Plain prints: what a tool said is in the diff, and is no markup."""
    found = changes(options.run or ROOT / "public", options.expectations, date.today())
    for change in found:
        print(change.diff())
        if not options.dry_run:
            change.write()
    before, after = (sum(change.counts[n] for change in found) for n in (0, 1))
    told = f"{len(found)} files, {before} entries become {after}" if found else "nothing changes"
    print(f"{options.expectations}: {told}{' (--dry-run: nothing is written)' if options.dry_run else ''}")
    return 0


_COMMANDS = {
    "environments": _environments, "models": _models, "run": _run, "publish": _publish, "show": _show,
    "expectations": _expectations,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
