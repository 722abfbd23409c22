"""`onnx-interop`: environments, models, run, worker, publish, show, expectations, causes, diff, merge.

Exit codes: 0 done; 1 of `run --strict`: something could not be run, or is not as expected, of `diff`: something is
newly broken, of `causes`: something is open; 2 the user's mistake; 3 the machine gave out (disk full); 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from matrix import causes
from matrix.budget import Costs, seconds_of, within
from matrix.catalogue import ROOT, SOURCES, TARGETS, Source, Target
from matrix.cluster import Cluster, worker_command
from matrix.dataset import Matrix, collect, of_plan, read
from matrix.diff import Thresholds, compared, differences, write_differences
from matrix.diff_report import tell as tell_differences
from matrix.environments import Environment, environments, obstacle
from matrix.errors import MachineError, UserError, unknown
from matrix.expect import FOLDER, Expectations, cell_key, load
from matrix.expect_report import tell_files, tell_run
from matrix.expect_update import changes
from matrix.merge import merge, told
from matrix.plan import EACH, VARIANTS, Plan, Selection, make_plan, runs_in
from matrix.process import Limits
from matrix.progress import Bars, summary
from matrix.publish import counts, publish
from matrix.recorded import chosen, lost
from matrix.reproduction import reproduction
from matrix.run import Run, default_workers
from matrix.snapshot import write_snapshot
from matrix.text import printable, shown
from matrix.watcher import Watcher
from matrix.workshop import Workshop
from models.catalogue import all_models

LOG_WIDTH = 160
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
    _add_names(add)
    told = "opsets to ask for, or `each`: every exporter's lowest, highest, 13, 17, 21 (default: the exporter's own)"
    add("--opset", type=_numbers, default=[], metavar="NUMBERS", help=told)
    add("--size", choices=("default", "full"), default="default", help="full: the published widths")
    add("--all-versions", action="store_true", help="older and newer versions too, not the default ones alone")
    add("--extras", action="store_true", help="the frameworks and runtimes too big or slow for the default, too")
    add("--quick", dest="scope", action="store_const", const="quick", default="default", help="a dozen models")
    add("--all", dest="scope", action="store_const", const="all", help="every attribute set, every variant")
    told = "what the published matrix has: the default models, precisions, opsets, sources' own models, and the extras"
    add("--published", dest="scope", action="store_const", const="published", help=told)


def _add_names(add: Any) -> None:
    for name in OPTIONS_OF_SELECTION:
        add(f"--{name}", type=_names, default=[], metavar="NAMES", help=f"{name}, by name or pattern, with commas")


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


def _factor(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 1 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no factor from 1 up")
    return number


def _milliseconds(text: str) -> float:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no number of milliseconds")
    return float(text)


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
    _add_places(add)
    add("--workers", type=_positive, default=0, metavar="N", help="worker processes (default: one per core)")
    add("--timeout", type=_positive, default=Limits.seconds, metavar="SECONDS", help="for each stage of a cell")
    add("--memory", type=_positive, default=Limits.memory_mb, metavar="MB", help="for each worker")
    add("--refresh", action="store_true", help="run again what is already recorded")
    add("--repeat", type=_positive, default=1, metavar="N", help="run each cell N times, each in a fresh process")
    add("--nice", type=_positive, default=0, metavar="N", help="lower the priority of the workers by so much, up to 19")


def _add_places(add: Any) -> None:
    """Declare where a run is, what it is compared with, and where its site goes."""
    add("--work", type=Path, default=ROOT / ".interop", metavar="FOLDER", help="work folder (default: .interop)")
    add("--public", type=Path, default=ROOT / "public", metavar="FOLDER", help="where the site goes (default: public)")
    add("--expectations", type=_folder, default=FOLDER, metavar="FOLDER", help="known failures (default: the suite's)")


def _add_earlier(add: Any) -> None:
    """Declare what was published before, for the pages that compare."""
    told = "tell what changed since this published matrix, on a page and in feed.xml"
    add("--since", type=Path, metavar="FOLDER", help=told)
    told = "published matrices of earlier runs, the oldest first, for the page of versions"
    add("--history", type=Path, nargs="+", default=[], metavar="FOLDER", help=told)


def run_of(
    plan: Plan, workshop: Workshop, watcher: Watcher, options: argparse.Namespace, cluster: Cluster | None = None
) -> Run:
    """The run that these options describe."""
    limits = Limits(seconds=options.timeout, memory_mb=options.memory, nice=options.nice)
    return Run(plan, workshop, limits, watcher, options.workers, options.refresh, options.repeat, cluster)


def _parser() -> _Parser:
    parser = _Parser(prog="onnx-interop", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    places = commands.add_parser("environments", help="the tox environments: state, versions, size")
    places.add_argument("--json", action="store_true", help="for machines, such as the matrix of a CI workflow")
    commands.add_parser("models", help="the reference models")
    run = commands.add_parser("run", help="make the matrix, then publish it")
    run.add_argument("--install", action="store_true", help="install the environments that are missing")
    run.add_argument(
        "--strict", action="store_true", help="exit with 1 when a cell ends as NOT_RUN, or not as expected"
    )
    told = "such as 30m: the most informative part of the selection that fits, by what it took before"
    run.add_argument("--budget", type=seconds_of, default=0, metavar="TIME", help=told)
    again = commands.add_parser("publish", help="write public/ from what is recorded")
    told = "of a Dask cluster, such as tcp://host:8786: its machines do the jobs (docs/ci.md)"
    run.add_argument("--scheduler", metavar="ADDRESS", help=told)
    add_selection(run.add_argument)
    add_run_options(run.add_argument)
    _add_names(again.add_argument)
    told = "only what was asked for in these opsets; `each`: in any, but not the exporter's own choice"
    again.add_argument("--opset", type=_numbers, default=[], metavar="NUMBERS", help=told)
    _add_places(again.add_argument)
    told = "a published matrix, such as published/: its pages again, without a work folder, and so without logs"
    again.add_argument("--from", dest="matrix", type=Path, metavar="FOLDER", help=told)
    told = "also write a compact copy there, and the table of the README.md beside it"
    again.add_argument("--snapshot", type=Path, metavar="FOLDER", help=told)
    for command in (run, again):
        _add_earlier(command.add_argument)
    _add_diff(commands)
    worker = commands.add_parser(
        "worker", help="start Dask workers here, which hold the environments that are installed"
    )
    worker.add_argument("address", metavar="ADDRESS", help="of the scheduler")
    worker.add_argument("--workers", type=_positive, default=0, metavar="N", help="so many (default: one per core)")
    told = "more options, handed to `dask worker` (after --)"
    worker.add_argument("options", nargs="*", metavar="OPTION", help=told)
    shards = commands.add_parser("merge", help="make one work folder of several, as of several machines")
    shards.add_argument("shards", nargs="+", type=Path, metavar="SHARD", help="work folders")
    shards.add_argument(
        "--work", type=Path, required=True, metavar="FOLDER", help="the work folder that is to hold all"
    )
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
    wrong = commands.add_parser("causes", help="why the WRONG cells of a published matrix are wrong; 1 if one is open")
    wrong.add_argument("run", nargs="?", type=Path, metavar="RUN", help="matrix.json or its folder (default: public)")
    wrong.add_argument("--targets", default="*", metavar="PATTERN", help="of these targets alone")
    wrong.add_argument("--causes", type=Path, default=causes.FOLDER, metavar="FOLDER", help="where they are")
    return parser


def _add_diff(commands: Any) -> None:
    usual = Thresholds()
    diff = commands.add_parser("diff", help="what changed between two published matrices; 1 if something broke")
    for name, what in (("before", "the earlier one"), ("after", "the later one")):
        diff.add_argument(name, type=Path, metavar=name.upper(), help=f"{what}: its folder, or a matrix.json")
    told = "compare what differs in nothing but the versions of tools; of several versions in one matrix, the newest"
    diff.add_argument("--across-versions", action="store_true", help=told)
    told = f"factor from which on noise or error is another (default: {usual.number:g})"
    diff.add_argument("--number", type=_factor, default=usual.number, metavar="FACTOR", help=told)
    told = f"factor from which on a time is another (default: {usual.speed:g})"
    diff.add_argument("--speed", type=_factor, default=usual.speed, metavar="FACTOR", help=told)
    told = f"and how much must lie between the two times at least (default: {usual.milliseconds:g})"
    diff.add_argument("--milliseconds", type=_milliseconds, default=usual.milliseconds, metavar="N", help=told)
    diff.add_argument("--json", type=Path, metavar="FILE", help="write all of it to a file, too")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = LOG_WIDTH  # rich takes a file for 80 columns wide, and cuts names and counts off
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
    if options.json:
        print(json.dumps([_described(environment) for environment in environments().values()], indent=1))
        return 0
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


def _described(environment: Environment) -> dict[str, Any]:
    """An environment for machines; size_mb is what tox.ini says that it takes."""
    return {
        "name": environment.name,
        "family": environment.family,
        "python": environment.base_python,
        "default": environment.default,
        "extra": environment.extra,
        "installed": environment.installed,
        "obstacle": obstacle(environment),
        "size_mb": environment.size_mb,
        "sources": [source.name for source in SOURCES.values() if source.environment == environment.family],
        "targets": [target.name for target in TARGETS.values() if target.environment == environment.family],
    }


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
    expectations = expectations_of((cell.key for cell in plan.cells), options)
    earlier = _earlier(options)
    with Workshop.alone(options.work) as workshop, _cluster(options, workshop) as cluster:
        with Bars(console) as bars:
            tell_of_journal(workshop, bars)
            run = run_of(plan, workshop, bars, options, cluster)
            if options.budget:
                plan = run.plan = _fitted(plan, run, options.budget, bars)
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            try:
                reasons = run.install() if options.install else {}
                run.carry_out(reasons)
            except KeyboardInterrupt:
                print("interrupted: what is done is kept, the same command goes on from here", file=sys.stderr)
                return 130
        matrix = _compared(of_plan(plan, workshop.journal, run.id, expectations), earlier)
        publish(matrix, options.public, options.work, options.since)
    _tell(matrix, reasons, console)
    surprised = tell_run(matrix.cells, expectations, console)
    console.print(f"the page: {options.public / 'index.html'}", soft_wrap=True)
    return int(options.strict and (surprised or "NOT_RUN" in matrix.cells["status"]))


@contextmanager
def _cluster(options: argparse.Namespace, workshop: Workshop) -> Iterator[Cluster | None]:
    """The cluster that is asked for, which sees the work folder."""
    if not options.scheduler:
        yield None
        return
    if options.workers:
        raise UserError("--workers is of this machine: how many a cluster has is said to `onnx-interop worker`")
    workshop.share()
    with Cluster(options.scheduler) as cluster:
        cluster.see(workshop.folder)
        yield cluster


def _worker(options: argparse.Namespace, console: Console) -> int:
    command = worker_command(options.address, options.workers or default_workers(Limits()), options.options)
    os.execv(command[0], command)


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


def expectations_of(cells: Iterable[str], options: argparse.Namespace) -> Expectations:
    """The expectations, once it is clear that they say one thing of each of these cells."""
    expectations = load(options.expectations)
    expectations.check(cells)
    return expectations


def _earlier(options: argparse.Namespace) -> tuple[Matrix | None, tuple[Matrix, ...]]:
    """What --since and --history name, read before anything is done. Raises UserError."""
    since = read(options.since, measures=False) if options.since else None
    return since, tuple(read(place, measures=False) for place in options.history)


def _compared(matrix: Matrix, earlier: tuple[Matrix | None, tuple[Matrix, ...]]) -> Matrix:
    """A matrix with what is to be told of earlier ones."""
    since, history = earlier
    return replace(matrix, since=differences(since, matrix) if since else None, history=history)


def _publish(options: argparse.Namespace, console: Console) -> int:
    if options.matrix:
        return _publish_again(options, console)
    with closing(Workshop(options.work).journal) as journal:
        if not journal.keys("export"):
            raise UserError(f"nothing is recorded in {options.work}: onnx-interop run first")
        for line in lost(journal):
            console.print(line, markup=False, soft_wrap=True)
        wanted = chosen(journal, {name: getattr(options, name) for name in OPTIONS_OF_SELECTION}, options.opset)
        if not any(wanted.values()):
            raise UserError(f"nothing is recorded in {options.work} for this selection: onnx-interop run first")
        expectations = expectations_of((cell for own in wanted.values() for cell in own), options)
        earlier = _earlier(options)
        matrix = _compared(collect(journal, wanted, "", expectations), earlier)
    publish(matrix, options.public, options.work, options.since)
    if options.snapshot:
        write_snapshot(matrix, options.snapshot)
        console.print(f"the snapshot: {options.snapshot}", soft_wrap=True)
    _tell(matrix, {}, console)
    tell_run(matrix.cells, expectations, console)
    console.print(f"the page: {options.public / 'index.html'}", soft_wrap=True)
    return 0


def _publish_again(options: argparse.Namespace, console: Console) -> int:
    """The site of a matrix that was published before."""
    if options.opset or any(getattr(options, name) for name in OPTIONS_OF_SELECTION):
        raise UserError("--from takes a published matrix as it is: choose from a work folder, with --work")
    if options.public.resolve() == options.matrix.resolve():
        raise UserError(f"{options.matrix} is what it is made of: choose another --public")
    matrix = _compared(read(options.matrix), _earlier(options))
    publish(matrix, options.public, None, options.since)
    _tell(matrix, {}, console)
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


def _causes(options: argparse.Namespace, console: Console) -> int:
    """Plain prints, as many as there are: they are for grep."""
    if not options.causes.is_dir():
        raise UserError(f"there is no folder {options.causes}")
    cells = read(options.run or ROOT / "public", measures=False).cells.filter(pl.col("status") == "WRONG")
    keys = [
        key
        for key in map(cell_key, cells.iter_rows(named=True))
        if fnmatchcase(key.rpartition("/")[2], options.targets)
    ]
    found = causes.account(causes.load(options.causes), keys)
    for cause, own in sorted(found.laid.items(), key=lambda item: -len(item[1])):
        if own:
            print(f"{len(own):5} {cause.where}: {printable(cause.what)} ({cause.fault}; {cause.script or 'no script'})")
    whole = options.targets == "*"
    for word, lines in (("open", found.open), ("names none of the cells", found.idle if whole else [])):
        for line in lines:
            print(f"{word}: {printable(line)}")
    print(f"{len(keys)} WRONG cells, {len(found.open)} open")
    return int(bool(found.open or (whole and found.idle)))


def _diff(options: argparse.Namespace, console: Console) -> int:
    thresholds = Thresholds(options.number, options.speed, options.milliseconds)
    found = compared(options.before, options.after, options.across_versions, thresholds)
    if options.json:
        write_differences(found, options.json)
    tell_differences(found, console)
    return int(found.has_broken)


def _merge(options: argparse.Namespace, console: Console) -> int:
    for shard in merge(options.shards, options.work):
        print(printable(told(shard)))
    print(f"{options.work}: merged; to publish it: onnx-interop publish --work {shlex.quote(str(options.work))}")
    return 0


_COMMANDS = {
    "environments": _environments, "models": _models, "run": _run, "publish": _publish, "show": _show,
    "expectations": _expectations, "causes": _causes, "diff": _diff, "merge": _merge, "worker": _worker,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
