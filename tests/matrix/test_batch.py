"""What becomes of jobs whose framework fails in every way a framework can fail."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakery import LIMITS, fake_batch, fates, importer_jobs, own_children, running

from matrix.batch import JOBS_WORTH_A_START, Service, run_batch, run_batches
from matrix.environments import Environment
from matrix.jobs import read_sets
from matrix.process import Limits, Result

# -- every way to fail, among good jobs ------------------------------------------------------------------------------

FAILURES = {
    "raise": ("ERROR", "run", "KernelError: the kernel said no\nwith details"),
    "raise in load": ("ERROR", "load", "RuntimeError: cannot read the file"),
    "value error": ("ERROR", "run", "ValueError: a kernel for Mish is broken"),
    "interrupt": ("ERROR", "run", "KeyboardInterrupt: "),
    "sys.exit": ("ERROR", "run", "SystemExit: leaving"),
    "not implemented": ("UNSUPPORTED", "run", "NotImplementedError: no LSTM here"),
    "no kernel": ("UNSUPPORTED", "run", "ValueError: no kernel for Mish"),
    "memory error": ("MEMORY", "run", "MemoryError: std::bad_alloc"),
    "segfault": ("CRASH", "run", "killed by SIGSEGV"),
    "abort": ("CRASH", "run", "killed by SIGABRT"),
    "illegal": ("CRASH", "run", "killed by SIGILL"),
    "half": ("CRASH", "run", "the process left with exit code 0"),
    "close all": ("CRASH", "run", "the process left with exit code 1"),
    "exit": ("CRASH", "run", "the process left with exit code 0"),
    "exit 3": ("CRASH", "run", "the process left with exit code 3"),
    "none": ("ERROR", "compare", "AttributeError: 'NoneType' object has no attribute 'items'"),
    "as list": ("ERROR", "compare", "AttributeError: 'list' object has no attribute 'items'"),
    "long answer": ("ERROR", "compare", "ValueError: the answer is longer than 1000000 characters"),
    "no JSON": ("ERROR", "compare", "TypeError: Object of type object is not JSON serializable"),
}


@pytest.mark.parametrize("module", ["importer.py", "isolated.py"])
def test_each_failure_has_its_status_stage_and_message_and_the_next_job_runs(module: str, tmp_path: Path) -> None:
    options = [option for failure in FAILURES for option in (failure, "right")]
    told = fates(importer_jobs(tmp_path, *options), module)
    assert [option for option, _ in told] == options, "one result for each job, in order"
    found = {option: (r.status, r.stage, r.message) for option, r in told if option != "right"}
    assert found == FAILURES
    assert {r.status for option, r in told if option == "right"} == {"OK"}


@pytest.mark.parametrize("module", ["importer.py", "isolated.py"])
@pytest.mark.parametrize("option", ["stale", "garbage", "flood the host", "close output", "move", "input", "thread"])
def test_what_a_job_does_to_the_worker_harms_neither_it_nor_the_next(option: str, module: str, tmp_path: Path) -> None:
    begun = time.monotonic()
    told = fates(importer_jobs(tmp_path, option, "surroundings", "right"), module)
    assert [result.status for _, result in told] == ["OK", "OK", "OK"]
    assert [result.attempts for _, result in told] == [[], [], []]
    seen = json.loads((tmp_path / "1.log").read_text().splitlines()[0])
    assert seen["cwd"] == seen["home"]
    assert seen["variables"]["OMP_NUM_THREADS"] == "1"
    assert "LEFT_BEHIND" not in seen["variables"]
    assert time.monotonic() - begun < 10


def test_a_good_job_writes_every_output_of_every_input_set(tmp_path: Path) -> None:
    [(_, result)] = fates(importer_jobs(tmp_path, "right"))
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    first, second = read_sets(tmp_path / "out-0.arrays", [0, 1])
    np.testing.assert_array_equal(first["y"], 2 * x)
    np.testing.assert_array_equal(second["y"], 2 * (x + 1))
    assert set(result.seconds) == {"load", "run", "compare"}
    assert result.peak_mb > 0
    assert result.worker["python"].startswith("3.")


def test_jobs_share_a_process_unless_the_module_isolates_them(tmp_path: Path) -> None:
    def pids(module: str) -> list[int]:
        return [r.value["pid"] for _, r in fates(importer_jobs(tmp_path, "right", "right", "right"), module)]

    assert len(set(pids("importer.py"))) == 1
    assert len(set(pids("isolated.py"))) == 3


def test_a_dead_fork_costs_no_second_import(tmp_path: Path) -> None:
    told = fates(importer_jobs(tmp_path, "right", "segfault", "right"), "isolated.py")
    hellos = [json.dumps(result.worker) for _, result in told]
    assert len(set(hellos)) == 1


# -- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["importer.py", "isolated.py"])
@pytest.mark.parametrize(("option", "stage"), [("hang in load", "load"), ("hang", "run")])
def test_a_job_that_hangs_times_out_in_its_stage(option: str, stage: str, module: str, tmp_path: Path) -> None:
    begun = time.monotonic()
    told = fates(importer_jobs(tmp_path, option, "right"), module, replace(LIMITS, seconds=1))
    assert [(r.status, r.stage) for _, r in told] == [("TIMEOUT", stage), ("OK", "compare")]
    assert told[0][1].message == "no end after 1 s"
    assert told[0][1].seconds[stage] == pytest.approx(1, abs=0.9)
    assert time.monotonic() - begun < 8
    assert "about to sleep" in (tmp_path / "0.log").read_text()


def test_a_job_that_will_not_end_is_killed(tmp_path: Path) -> None:
    told = fates(importer_jobs(tmp_path, "hang deaf", "right"), limits=replace(LIMITS, seconds=0.5))
    assert [r.status for _, r in told] == ["TIMEOUT", "OK"]


@pytest.mark.parametrize("module", ["importer.py", "isolated.py"])
def test_a_job_that_takes_too_much_memory_is_stopped(module: str, tmp_path: Path) -> None:
    told = fates(importer_jobs(tmp_path, "hoard", "right"), module, replace(LIMITS, memory_mb=300))
    assert [(r.status, r.stage) for _, r in told] == [("MEMORY", "run"), ("OK", "compare")]
    assert told[0][1].message.endswith("MB in use, 300 MB allowed")
    assert 300 < told[0][1].peak_mb < 1500


def test_printing_without_end_fills_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matrix.process.LOG_BYTES", 2**20)
    monkeypatch.setattr("matrix.process.KEPT_LOG_BYTES", 2**10)
    told = fates(importer_jobs(tmp_path, "endless", "right"), limits=replace(LIMITS, seconds=1.5))
    assert [r.status for _, r in told] == ["TIMEOUT", "OK"]
    assert (tmp_path / "0.log").stat().st_size < 2**31


@pytest.mark.parametrize("option", ["forged pass", "forged half"])
def test_an_answer_that_no_worker_gives_is_none(option: str, tmp_path: Path) -> None:
    [(_, result)] = fates(importer_jobs(tmp_path, option))
    assert result.status == "NOT_RUN"
    assert result.message.startswith("no answer of a worker: ")


# -- our own trouble -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["disk full", "disk full, natively"])
def test_a_full_disk_is_no_fault_of_the_tool(option: str, tmp_path: Path) -> None:
    [(_, result), _] = fates(importer_jobs(tmp_path, option, "right"))
    assert (result.status, result.stage) == ("NOT_RUN", "run")
    assert "No space left on device" in result.message


def test_inputs_that_are_gone_are_no_fault_of_the_tool(tmp_path: Path) -> None:
    jobs = importer_jobs(tmp_path, "right", "right")
    jobs[0]["feeds"] = str(tmp_path / "gone.arrays")
    (_, result), (_, other) = fates(jobs)
    assert (result.status, result.stage, other.status) == ("NOT_RUN", "load", "OK")
    assert result.message.startswith("OurTroubleError: the case cannot be read: FileNotFoundError")


def test_a_folder_for_logs_that_is_gone_is_no_fault_of_the_tool(tmp_path: Path) -> None:
    jobs = importer_jobs(tmp_path, "right", "right")
    batch = fake_batch(jobs)
    jobs[0]["log"] = str(tmp_path / "gone" / "0.log")
    told: list[Result] = []
    run_batch(batch, LIMITS, lambda job, result: told.append(result), threading.Event())
    assert [result.status for result in told] == ["NOT_RUN", "OK"]
    assert told[0].message.startswith("the log cannot be written: ")


# -- a death is tried again ------------------------------------------------------------------------------------------


def attempts(result: Result) -> list[tuple[str, bool]]:
    """(status, in a fresh process) of each attempt."""
    return [(a["status"], a["fresh"]) for a in result.attempts]


@pytest.mark.parametrize(
    ("option", "status", "seconds"), [("segfault", "CRASH", 30), ("hang", "TIMEOUT", 1), ("hoard", "MEMORY", 30)]
)
def test_a_death_is_recorded_once_it_was_seen_twice(option: str, status: str, seconds: float, tmp_path: Path) -> None:
    told = fates(importer_jobs(tmp_path, option, "right"), limits=replace(LIMITS, seconds=seconds, memory_mb=300))
    assert [r.status for _, r in told] == [status, "OK"]
    assert attempts(told[0][1]) == [(status, True), (status, True)]


@pytest.mark.parametrize("module", ["importer.py", "isolated.py"])
def test_a_death_that_does_not_come_again_is_flaky(module: str, tmp_path: Path) -> None:
    [(_, result)] = fates(importer_jobs(tmp_path, "die once"), module)
    assert (result.status, result.message) == ("FLAKY", "CRASH in load (killed by SIGSEGV), then OK")
    assert attempts(result) == [("CRASH", True), ("OK", True)]


def test_what_runs_out_of_memory_without_dying_of_it_is_tried_again_in_a_fresh_process(tmp_path: Path) -> None:
    told = fates(importer_jobs(tmp_path, "right", "memory error", "right"))
    assert [result.status for _, result in told] == ["OK", "MEMORY", "OK"]
    assert attempts(told[1][1]) == [("MEMORY", False), ("MEMORY", True)]


def test_a_death_in_a_used_process_that_does_not_come_again_in_a_fresh_one_does_not_count(tmp_path: Path) -> None:
    told = fates(importer_jobs(tmp_path, "right", "die once"))
    assert [r.status for _, r in told] == ["OK", "OK"]
    assert attempts(told[1][1]) == [("CRASH", False), ("OK", True)]


def test_a_job_that_never_began_is_not_blamed_for_the_death_of_the_worker(tmp_path: Path) -> None:
    def slowly(job: dict[str, str], result: Result) -> None:
        time.sleep(0.6)
        told.append(result)

    told: list[Result] = []
    run_batch(fake_batch(importer_jobs(tmp_path, "die later", "right")), LIMITS, slowly, threading.Event())
    assert [result.status for result in told] == ["OK", "OK"]


def test_repeats_have_a_process_each_and_are_not_tried_again(tmp_path: Path) -> None:
    batch, told = fake_batch(importer_jobs(tmp_path, "right", "die once", "right")), []
    batch.fresh = True
    run_batch(batch, LIMITS, lambda job, result: told.append(result), threading.Event())
    assert [(r.status, r.attempts) for r in told] == [("OK", []), ("CRASH", []), ("OK", [])]
    assert told[0].value["process"] != told[2].value["process"]


# -- an environment that does not work -------------------------------------------------------------------------------


def refused(told: list[tuple[str, Result]], jobs: int) -> str:
    """The one message of results that are all NOT_RUN."""
    assert [(r.status, r.stage) for _, r in told] == [("NOT_RUN", "load")] * jobs
    [message] = {r.message for _, r in told}
    return message


def test_an_import_that_fails_leaves_all_jobs_not_run(tmp_path: Path) -> None:
    told = fates(importer_jobs(tmp_path, "right", "raise", "right"), "broken_import.py")
    assert refused(told, 3) == (
        "environment host is broken: ImportError: libframework.so.7: cannot open shared object file"
    )


def test_an_import_that_kills_the_process_says_by_which_signal(tmp_path: Path) -> None:
    assert "SIGSEGV" in refused(fates(importer_jobs(tmp_path, "right", "right"), "fatal_import.py"), 2)


def test_an_import_that_hangs_says_how_long_it_was_given(tmp_path: Path) -> None:
    told = fates(importer_jobs(tmp_path, "right"), "endless_import.py", Limits(start_seconds=0.5))
    assert "no end after" in refused(told, 1)


def test_an_environment_without_an_interpreter_is_named(tmp_path: Path) -> None:
    told = fates(importer_jobs(tmp_path, "right", "right"), environment=Environment("ghost1.0", "ghost"))
    message = refused(told, 2)
    assert message.startswith("environment ghost1.0 does not start: ")
    assert "No such file" in message


def test_a_worker_that_leaves_before_its_first_job_is_our_trouble(tmp_path: Path) -> None:
    told = fates(importer_jobs(tmp_path, "right", "right"), "deaf_import.py")
    assert [(r.status, r.stage) for _, r in told] == [("NOT_RUN", "load")] * 2
    assert told[0][1].message == "the worker left before it began: the process left with exit code 1"


# -- a worker for single jobs ----------------------------------------------------------------------------------------


def test_a_service_replaces_its_worker_and_tries_a_death_once_more(tmp_path: Path) -> None:
    jobs = importer_jobs(tmp_path, "right", "segfault", "die once", "right")
    with Service(fake_batch(jobs), LIMITS, threading.Event()) as service:
        results = [service.ask(job) for job in jobs]
    assert [result.status if result else None for result in results] == ["OK", "CRASH", "OK", "OK"]


def test_a_service_that_cannot_start_or_is_stopped_says_so(tmp_path: Path) -> None:
    jobs, stop = importer_jobs(tmp_path, "hang"), threading.Event()
    with Service(fake_batch(jobs, "broken_import.py"), LIMITS, stop) as service:
        result = service.ask(jobs[0])
    assert result is not None
    assert (result.status, result.stage) == ("NOT_RUN", "load")
    threading.Timer(0.5, stop.set).start()
    with Service(fake_batch(jobs), LIMITS, stop) as service:
        assert service.ask(jobs[0]) is None


# -- what a job can see and what it leaves ---------------------------------------------------------------------------


def test_what_frameworks_print_goes_to_the_log_and_not_between_the_answers(tmp_path: Path) -> None:
    told = fates(importer_jobs(tmp_path, "flood", "right"))
    assert [r.status for _, r in told] == ["OK", "OK"]
    log = (tmp_path / "0.log").read_bytes()
    # Two input sets, each 10 MB of x by print and 10 MB of y by a system call.
    assert log.count(b"x" * 1023 + b"\n") == 2 * 10 * 1024
    assert log.count(b"y") >= 2 * 10 * 2**20
    assert b"from C" in log
    assert (tmp_path / "1.log").read_bytes() == b""


def test_a_traceback_goes_to_the_log(tmp_path: Path) -> None:
    fates(importer_jobs(tmp_path, "raise"))
    assert "raise error\n" in (tmp_path / "0.log").read_text()


def test_a_worker_sees_no_secret_and_writes_to_a_scratch_folder_that_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hush")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    fates(importer_jobs(tmp_path, "surroundings"))
    seen = json.loads((tmp_path / "0.log").read_text().splitlines()[0])
    assert "hush" not in json.dumps(seen)
    assert "PYTHONPATH" not in seen["variables"]
    assert seen["variables"]["OMP_NUM_THREADS"] == "1"
    assert seen["variables"]["TMPDIR"] == seen["home"] == seen["cwd"]
    assert seen["home"] != os.environ.get("HOME")
    assert not Path(seen["home"]).exists()


def test_a_worker_has_no_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        [(_, result)] = fates(importer_jobs(tmp_path, f"connect {port}"))
    if result.worker["network"] == "open":
        pytest.skip("this system lets no process leave its network; the record says so")
    assert result.status == "ERROR"
    assert result.message.startswith("OSError: ")
    assert "connected" not in (tmp_path / "0.log").read_text()


@pytest.mark.parametrize("fenced", [True, False])
@pytest.mark.parametrize("leaving", ["child", "grandchild"])
@pytest.mark.parametrize("ending", ["right", "segfault", "hang"])
def test_no_process_is_left_behind(
    ending: str, leaving: str, fenced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fenced:
        monkeypatch.setattr("matrix.fence.available", lambda: False)
    before = own_children()
    fates(importer_jobs(tmp_path, leaving, ending), limits=replace(LIMITS, seconds=1))
    children = [line.split()[1] for line in (tmp_path / "0.log").read_text().splitlines()]
    assert len(children) == 2
    assert not running(children)
    assert own_children() <= before


# -- the order of things ---------------------------------------------------------------------------------------------


def test_a_worker_that_dies_between_jobs_is_no_trouble_of_the_host(tmp_path: Path) -> None:
    told = []

    def slowly(job: dict[str, str], result: Result) -> None:
        time.sleep(0.4)
        told.append((job["option"], result.status))

    batch = fake_batch(importer_jobs(tmp_path, "die later", "die later", "right", "right"))
    run_batch(batch, LIMITS, slowly, threading.Event())
    assert [option for option, _ in told] == ["die later", "die later", "right", "right"]
    assert told[-1] == ("right", "OK")


def test_stopping_ends_the_worker_at_once_and_the_job_in_hand_has_no_result(tmp_path: Path) -> None:
    told, stop = [], threading.Event()

    def on_result(job: dict[str, str], result: Result) -> None:
        told.append((job["option"], result.status))
        threading.Timer(0.3, stop.set).start()

    begun = time.monotonic()
    run_batch(fake_batch(importer_jobs(tmp_path, "right", "hang", "right")), LIMITS, on_result, stop)
    assert told == [("right", "OK")]
    assert time.monotonic() - begun < 5


def test_an_empty_batch_starts_nothing() -> None:
    assert run_batches([], 2, LIMITS, lambda job, result: pytest.fail("there was no job"), threading.Event()) == 0


# -- several workers -------------------------------------------------------------------------------------------------


def test_workers_share_a_batch_and_do_each_job_once(tmp_path: Path) -> None:
    batch, told = fake_batch(importer_jobs(tmp_path, *["slow"] * 30)), []
    started = run_batches(
        [batch], 2, LIMITS, lambda job, r: told.append((job["id"], r.value["process"])), threading.Event()
    )
    assert started == 2
    assert sorted(int(number) for number, _ in told) == list(range(30))
    assert len({process for _, process in told}) == 2


def test_few_jobs_are_not_worth_a_second_worker(tmp_path: Path) -> None:
    batch = fake_batch(importer_jobs(tmp_path, *["right"] * JOBS_WORTH_A_START))
    assert run_batches([batch], 2, LIMITS, lambda job, result: None, threading.Event()) == 1


def test_an_error_of_the_host_ends_all_workers_and_is_raised(tmp_path: Path) -> None:
    def on_result(job: dict[str, str], result: Result) -> None:
        raise OSError("no space left on device")

    before, begun = own_children(), time.monotonic()
    batches = [fake_batch(importer_jobs(tmp_path, "right", "hang")), fake_batch(importer_jobs(tmp_path, "hang"))]
    with pytest.raises(OSError, match="no space left"):
        run_batches(batches, 2, LIMITS, on_result, threading.Event())
    assert time.monotonic() - begun < 8
    assert own_children() <= before
