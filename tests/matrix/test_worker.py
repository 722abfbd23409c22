"""The worker and its guard, spoken to as the host does: one JSON job per line in, one JSON message per line out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import psutil
import pytest
from fakery import FAKES, importer_jobs

from matrix import jobs
from matrix.jobs import read_sets
from matrix.process import GUARD


class Talk:
    """A worker process and what it says."""

    def __init__(self, module: str, scratch: Path, kind: str) -> None:
        reading, self.lifeline = os.pipe()
        command = [sys.executable, "-I", str(GUARD), str(reading), kind, str(FAKES / module), str(scratch)]
        self.process = subprocess.Popen(
            [*command, json.dumps({"file_mb": 100, "nice": 3})],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=scratch, pass_fds=[reading],
        )  # fmt: skip
        os.close(reading)

    def ask(self, *jobs: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(json.dumps({**job, "token": f"token {job['id']}"}) + "\n" for job in jobs))
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """The next message; {} when there is none any more."""
        assert self.process.stdout is not None
        line = "\n"
        while line == "\n":
            line = self.process.stdout.readline()
        message: dict[str, Any] = json.loads(line or "{}")
        return message

    def hear_until_done(self) -> list[dict[str, Any]]:
        """The messages up to the end of a job."""
        messages = [self.hear()]
        while messages[-1] and messages[-1]["event"] == "stage":
            messages.append(self.hear())
        return messages

    def end(self) -> int:
        """Close its stdin, and wait until it goes."""
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        return self.process.wait(10)

    def let_go(self) -> None:
        """Close the lifeline, as the death of the host does."""
        if self.lifeline >= 0:
            os.close(self.lifeline)
        self.lifeline = -1


Start = Callable[..., Talk]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Start]:
    """Starts workers, and ends them with the test."""
    with ExitStack() as stack:

        def start(module: str = "importer.py", kind: str = "run") -> Talk:
            talk = Talk(module, tmp_path, kind)
            stack.callback(talk.let_go)
            stack.callback(talk.end)
            return talk

        yield start


def test_a_worker_says_hello_does_its_jobs_and_leaves_when_stdin_is_closed(started: Start, tmp_path: Path) -> None:
    talk = started("importer.py")
    hello = talk.hear()
    assert hello["event"] == "hello"
    assert hello["python"] == ".".join(map(str, sys.version_info[:3]))
    assert hello["network"] in ("none", "open")
    talk.ask(*importer_jobs(tmp_path, "right", "right"))
    for number in "01":
        messages = talk.hear_until_done()
        assert [message.get("stage") for message in messages] == ["load", "run", "compare", "compare"]
        assert {message["token"] for message in messages} == {f"token {number}"}
        assert (messages[-1]["status"], messages[-1]["message"]) == ("OK", "")
        assert psutil.Process(messages[-1]["result"]["pid"]).ppid() == talk.process.pid
    assert talk.end() == 0


def test_a_module_that_cannot_be_imported_is_told_with_its_error(started: Start, tmp_path: Path) -> None:
    talk = started("broken_import.py")
    assert talk.hear() == {
        "event": "broken",
        "message": "ImportError: libframework.so.7: cannot open shared object file",
    }
    assert talk.hear() == {"event": "exit", "signal": 0, "code": 0}
    assert talk.hear() == {}
    assert "Traceback" in (tmp_path / "start.log").read_text()


@pytest.mark.parametrize("module", ["importer.py", "isolated.py"])
def test_only_answers_stand_between_the_answers(module: str, started: Start, tmp_path: Path) -> None:
    talk = started(module)
    talk.hear()
    talk.ask(*importer_jobs(tmp_path, "flood"))
    assert talk.hear_until_done()[-1]["status"] == "OK"
    assert talk.end() == 0


def test_a_failure_keeps_its_stage_its_seconds_and_a_traceback(started: Start, tmp_path: Path) -> None:
    talk = started("importer.py")
    talk.hear()
    talk.ask(*importer_jobs(tmp_path, "raise"))
    done = talk.hear_until_done()[-1]
    assert (done["status"], done["stage"]) == ("ERROR", "run")
    assert set(done["seconds"]) == {"load", "run"}
    assert done["peak_mb"] > 1
    assert "Traceback" in (tmp_path / "0.log").read_text()


def test_a_fork_that_dies_is_told_and_the_worker_lives_on(started: Start, tmp_path: Path) -> None:
    talk = started("isolated.py")
    talk.hear()
    talk.ask(*importer_jobs(tmp_path, "segfault", "exit", "exit 3", "right"))
    told = [talk.hear_until_done()[-1] for _ in range(4)]
    assert [(m["event"], m.get("signal"), m.get("code")) for m in told] == [
        ("died", 11, 0),
        ("died", 0, 0),
        ("died", 0, 3),
        ("done", None, None),
    ]
    assert {m["token"] for m in told} == {"token 0", "token 1", "token 2", "token 3"}


def test_the_folder_of_a_module_is_not_where_it_imports_from(started: Start, tmp_path: Path) -> None:
    """importers/onnxruntime.py must not shadow the onnxruntime that it imports."""
    module = tmp_path / "numpy.py"
    module.write_text("import numpy\nassert numpy.ndarray\nload = run = None\n")
    assert started(str(module)).hear()["event"] == "hello"


def exporting(folder: Path, model: Path, exporter: str) -> dict[str, Any]:
    """A job for the fake exporter."""
    return {
        "id": exporter, "log": str(folder / "log"), "model": str(model), "exporter": exporter, "opset": None,
        "dynamic": True, "sets": [0, 2, 3], "out": str(folder), "own": None, "dtype": "float32", "quantised": "",
    }  # fmt: skip


def test_an_export_is_built_run_natively_and_written(started: Start, store: Path, tmp_path: Path) -> None:
    [relu], [linear] = store.glob("relu-*"), store.glob("linear-*")
    talk = started("exporter.py", "export")
    talk.hear()
    jobs = [exporting(tmp_path, relu, "right"), exporting(tmp_path, linear, "lacking")]
    talk.ask(*jobs, exporting(tmp_path, tmp_path / "gone", "lost"))
    done = talk.hear_until_done()
    assert [message.get("stage") for message in done] == ["load", "build", "native", "export", "export"]
    assert (tmp_path / "model.onnx").exists()
    assert set(read_sets(tmp_path / "native.arrays", [0, 2, 3])[2]) == {"y"}
    lacking, lost = talk.hear_until_done()[-1], talk.hear_until_done()[-1]
    assert (lacking["status"], lacking["message"]) == ("UNSUPPORTED", "NotImplementedError: no layer linear")
    assert (lost["status"], lost["stage"]) == ("NOT_RUN", "load")


SIDE = """
import os
WRITES_BESIDE_MODEL = True
def load(path, request):
    open(path + ".side", "w").close()
    return sorted(os.listdir(os.path.dirname(path))), path
def run(session, inputs): return {"y": inputs["x"]}
def describe(session): return session
"""


def test_a_tool_that_writes_beside_the_model_does_so_in_a_folder_of_its_own(started: Start, tmp_path: Path) -> None:
    module = tmp_path / "side.py"
    module.write_text(SIDE)
    (tmp_path / "model.onnx").write_text("a model")
    talk = started(str(module))
    talk.hear()
    talk.ask(*importer_jobs(tmp_path, "right"))
    files, path = talk.hear_until_done()[-1]["result"]
    assert files == ["model.onnx", "model.onnx.side"]
    assert not Path(path).exists()
    assert not (tmp_path / "model.onnx.side").exists()


@pytest.mark.parametrize(
    ("option", "status"),
    [
        ("no kernel", "UNSUPPORTED"),
        ("memory error", "MEMORY"),
        ("disk full", "NOT_RUN"),
        ("long answer", "ERROR"),
        ("close output", "OK"),
        ("move", "OK"),
        ("text", "OK"),
        ("objects", "ERROR"),
    ],
)
def test_the_worker_lives_on_whatever_a_job_does(option: str, status: str, started: Start, tmp_path: Path) -> None:
    talk = started()
    talk.hear()
    talk.ask(*importer_jobs(tmp_path, option, "right"))
    assert [talk.hear_until_done()[-1]["status"] for _ in range(2)] == [status, "OK"]
    assert talk.end() == 0


def test_a_worker_ends_with_the_lifeline(started: Start, tmp_path: Path) -> None:
    talk = started()
    talk.hear()
    talk.ask(*importer_jobs(tmp_path, "hang deaf"))
    talk.hear()
    talk.let_go()
    assert talk.process.wait(10) == 0


VALUES: dict[str, Any] = {
    "bfloat16": np.array([1.5, -2.0], ml_dtypes.bfloat16),
    "int4": np.array([[-8, 7]], ml_dtypes.int4),
    "float8": np.array([0.5], ml_dtypes.float8_e4m3fn),
    "texts": np.array([["a", "ä\n"]], object),
    "sequence": [np.zeros((2, 0), np.float32), np.arange(3)],
    "map": {"yes": np.float64(0.5), 3: [np.bool_(True)]},
    "nothing": None,
    "empty": [],
}


@pytest.mark.parametrize("name", VALUES)
def test_all_kinds_of_values_of_onnx_pass_between_host_and_worker(name: str, tmp_path: Path) -> None:
    jobs.write_arrays(tmp_path / "values", {name: VALUES[name], "last": np.arange(5.0)})
    found = jobs.read_arrays(tmp_path / "values")
    np.testing.assert_array_equal(found["last"], np.arange(5.0))
    assert_same(found[name], VALUES[name])


def assert_same(found: Any, wanted: Any) -> None:
    if isinstance(wanted, list):
        assert isinstance(found, list)
        assert len(found) == len(wanted)
        for a, b in zip(found, wanted, strict=True):
            assert_same(a, b)
    elif isinstance(wanted, dict):
        assert list(found) == list(wanted)
        for key, value in wanted.items():
            assert_same(found[key], value)
    elif wanted is None:
        assert found is None
    else:
        assert found.dtype == np.asarray(wanted).dtype
        np.testing.assert_array_equal(found, wanted)


def test_what_is_no_value_of_onnx_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="x holds Python objects"):
        jobs.write_arrays(tmp_path / "values", {"x": [np.array([{}], object)]})


def test_a_type_that_an_old_ml_dtypes_lacks_is_nothing_that_the_environment_has() -> None:
    with pytest.raises(NotImplementedError, match=f"ml_dtypes {ml_dtypes.__version__} of this environment has no int3"):
        jobs.dtype_of("int3")
