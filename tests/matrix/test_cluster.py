"""A run on a real Dask cluster, of a scheduler and two workers on this machine."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from fakery import CANONICAL, FAKES, ONNXRUNTIME, TINY, alive, carried_out, fake_source, fake_target, plan_of

from matrix import cluster as module
from matrix.cli import main
from matrix.cluster import Cluster, label_of, worker_command
from matrix.environments import HOST, Environment
from matrix.errors import UserError
from matrix.plan import Plan
from matrix.run import Run
from matrix.workshop import Workshop


@contextmanager
def started(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=log.parent)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    """The address of a scheduler."""
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with started(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", *options], folder / "scheduler.log"
    ) as process:
        until(lambda: process.poll() is not None or "Scheduler at:" in (folder / "scheduler.log").read_text())
        lines = (folder / "scheduler.log").read_text().splitlines()
        yield next(line.split()[-1] for line in lines if "Scheduler at:" in line)


@contextmanager
def workers(address: str, folder: Path, number: int = 2, fence: tuple[str, ...] = ()) -> Iterator[None]:
    """So many workers of this machine, as the command starts them, when the scheduler knows them; gone at the end."""
    command = [*fence, *worker_command(address, number, ["--local-directory", str(folder)])]
    with started(command, folder / "workers.log") as process, Cluster(address) as cluster:
        until(lambda: len(cluster.workers) == number or process.poll() is not None)
        yield


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a scheduler with two workers."""
    folder = tmp_path_factory.mktemp("cluster")
    with scheduler(folder) as found, workers(found, folder):
        yield found


@pytest.fixture
def cluster(address: str, workshop: Workshop) -> Iterator[Cluster]:
    workshop.share()
    with Cluster(address) as found:
        yield found


def told(workshop: Workshop) -> dict[str, Any]:
    """What the records say that is the same wherever a job ran."""
    kept = ("status", "stage", "message", "sha256", "measures", "fingerprint", "runnable")
    return {
        f"{kind} {record['key']}": {name: record.get(name) for name in kept}
        for kind in ("export", "canary", "cell")
        for record in workshop.journal.all(kind)
    }


def test_a_cluster_tells_what_this_machine_tells(cluster: Cluster, workshop: Workshop, tmp_path: Path) -> None:
    sources = [CANONICAL, fake_source("right"), fake_source("crashing")]
    targets = [ONNXRUNTIME, *(fake_target(option, "evaluator.py") for option in ("crashing", "raising"))]
    plan = plan_of(sources, targets, TINY)
    cluster.see(workshop.folder)
    there = carried_out(plan, workshop, cluster=cluster)
    alone = Workshop(tmp_path / "alone")
    carried_out(plan, alone)
    assert told(workshop) == told(alone)
    assert {record["status"] for record in told(workshop).values()} >= {"PASS", "CRASH", "ERROR", "NOT_EXPORTED"}
    assert not workshop.passing.exists()
    run = workshop.journal.get("run", there.id)
    here = next(alone.journal.all("run"))
    assert run is not None
    assert run["cpu"] == here["cpu"]
    alone.journal.close()


def late_plan() -> Plan:
    return plan_of([CANONICAL], [fake_target("late"), fake_target("right")], TINY, ("static", "dynamic"))


def in_background(run: Run) -> threading.Thread:
    thread = threading.Thread(target=run.carry_out)
    thread.start()
    return thread


def guards() -> list[psutil.Process]:
    """The processes between Dask's workers and those that run the fakes."""
    found = psutil.process_iter(["cmdline"])
    return [p for p in found if str(FAKES / "evaluator.py") in (p.info["cmdline"] or [])]


def test_what_a_machine_had_in_hand_when_it_died_is_done_by_another(cluster: Cluster, workshop: Workshop) -> None:
    run = Run(late_plan(), workshop, workers=1, cluster=cluster)
    thread = in_background(run)
    until(guards)
    dask = next(p for p in guards()[0].parents() if "multiprocessing" in " ".join(p.cmdline()))
    dask.send_signal(signal.SIGKILL)
    thread.join(60)
    assert {record["status"] for record in workshop.journal.all("cell")} == {"PASS"}
    assert len(list(workshop.journal.all("cell"))) == len(run.plan.cells)


def test_a_run_that_is_stopped_leaves_nobody_at_work(cluster: Cluster, workshop: Workshop) -> None:
    run = Run(plan_of([CANONICAL], [fake_target("hanging")], TINY), workshop, workers=1, cluster=cluster)
    thread = in_background(run)
    until(guards)
    left = [p.pid for p in guards()]
    run.stop()
    thread.join(20)
    assert not thread.is_alive()
    until(lambda: not any(alive(pid) for pid in left), 20)
    assert not list(workshop.journal.all("cell"))


# -- what cannot be done ---------------------------------------------------------------------------------------------


def test_an_environment_that_no_machine_holds_is_our_own_trouble_and_says_so(
    cluster: Cluster, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(module, "label_of", lambda environment: f"{environment.name}@another")
    plan = plan_of([CANONICAL], [ONNXRUNTIME])
    carried_out(plan, workshop, cluster=cluster)
    export = workshop.journal.get("export", plan.exports[0].key)
    assert export is not None
    assert export["status"] == "NOT_RUN"
    assert "no worker of the cluster holds host@another; held are ['host@" in export["message"]


def test_the_label_of_an_environment_is_of_its_packages_and_of_the_suite() -> None:
    other = Environment("host", "host")
    other.__dict__["lock"] = "another"
    assert label_of(HOST) != label_of(other)
    assert label_of(HOST).startswith("host@")


def test_a_cluster_without_workers_is_a_mistake(tmp_path: Path) -> None:
    told = pytest.raises(UserError, match="knows no worker: start some with: onnx-interop worker tcp://")
    with scheduler(tmp_path) as address, Cluster(address) as cluster, told:
        cluster.see(tmp_path)


def test_a_work_folder_that_a_machine_cannot_see_is_a_mistake(tmp_path: Path) -> None:
    unseen = tmp_path / "unseen"
    unseen.mkdir()
    fence = (
        "bwrap",
        "--die-with-parent",
        "--unshare-pid",
        "--proc",
        "/proc",
        "--dev-bind",
        "/",
        "/",
        "--tmpfs",
        str(unseen),
    )
    if subprocess.run([*fence, "true"], check=False, capture_output=True).returncode:
        pytest.skip("bubblewrap does not work here")
    with scheduler(tmp_path) as address, workers(address, tmp_path, 1, fence), Cluster(address) as cluster:
        cluster.see(tmp_path)
        with pytest.raises(UserError, match=r"cannot see .*unseen: choose a --work that all machines share"):
            cluster.see(unseen)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--scheduler", "tcp://127.0.0.1:9"], "no Dask scheduler answers at tcp://127.0.0.1:9"),
        (["--scheduler", "nonsense://x"], "no Dask scheduler answers at nonsense://x"),
        (["--scheduler", "tcp://127.0.0.1:9", "--workers", "2"], "--workers is of this machine"),
    ],
)
def test_a_mistake_is_answered_before_anything_is_run(
    options: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 1.0)
    command = ["run", "--models", "relu", "--sources", "canonical", "--targets", "reference", "--work", str(tmp_path)]
    assert main([*command, *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["worker", "tcp://127.0.0.1:9"], ["run", "--models", "relu", "--scheduler", "tcp://127.0.0.1:9"]]
)
def test_without_dask_it_is_said_how_to_install_it(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    work = ["--work", str(tmp_path)] if command[0] == "run" else []
    assert main([*command, *work]) == 2
    assert "pip install 'onnx-interop[cluster]'" in capsys.readouterr().err
