"""A whole run, with real and pretended exporters and runtimes: what is recorded, redone, and kept."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakery import (
    CANONICAL,
    FAKES,
    LIMITS,
    ONNXRUNTIME,
    REFERENCE,
    TINY,
    carried_out,
    fake_source,
    fake_target,
    journal_lines,
    lines_by_key,
    plan_of,
)

from matrix.catalogue import Source, Target
from matrix.compare import Comparison
from matrix.dataset import of_plan
from matrix.environments import Environment
from matrix.plan import Plan
from matrix.process import Result
from matrix.records import Journal, Record
from matrix.run import Run
from matrix.verdict import outcome
from matrix.watcher import Silence
from matrix.workshop import Workshop, digest_of

GHOST = Environment("ghost1.0", "ghost", requirements=("ghost==1.0",))


def states(workshop: Workshop, kind: str = "cell") -> dict[str, tuple[str, str]]:
    """(status, stage) by key."""
    return {record["key"]: (record["status"], record["stage"]) for record in workshop.journal.all(kind)}


def results(plan: Plan, workshop: Workshop) -> SimpleNamespace:
    """What is published of a plan, as rows."""
    matrix = of_plan(plan, workshop.journal)
    return SimpleNamespace(exports=matrix.exports.to_dicts(), cells=matrix.cells.to_dicts())


def blames(plan: Plan, workshop: Workshop) -> dict[str, str]:
    """Blame by target of the planned cells."""
    return {cell["target"].split("@")[0]: cell["blame"] for cell in results(plan, workshop).cells}


# -- real tools ------------------------------------------------------------------------------------------------------


def test_real_tools_pass_each_planned_cell_has_one_record_and_a_second_run_starts_nothing(workshop: Workshop) -> None:
    plan = plan_of([CANONICAL], [ONNXRUNTIME, REFERENCE], TINY, ("static", "dynamic"))
    first = carried_out(plan, workshop)
    assert set(states(workshop).values()) == {("PASS", "compare")}
    assert lines_by_key(workshop, "export") == Counter(export.key for export in plan.exports)
    assert lines_by_key(workshop, "cell") == Counter(cell.key for cell in plan.cells)
    assert first.started >= 3

    record = workshop.journal.get("cell", "canonical@host/linear/dynamic/onnxruntime.all@host")
    assert record is not None
    assert [measure["set"] for measure in record["measures"]] == [0, 2, 3]
    assert record["noise"] <= 32
    assert record["device"] == {"providers": ["CPUExecutionProvider"]}
    assert set(record["seconds"]) == {"load", "run", "compare"}
    assert record["run"] == first.id
    assert record["log"] is None
    packages = workshop.journal.get("environment", record["environment"])
    assert packages is not None
    assert "onnxruntime" in packages["packages"]
    assert not workshop.passing.exists()

    before = workshop.journal.path.read_bytes()
    again = Workshop(workshop.folder)  # as another process would read it
    second = carried_out(plan, again)
    again.journal.close()
    assert second.started == 0
    assert workshop.journal.path.read_bytes() == before
    assert results(plan, again) == results(plan, workshop)


# -- what is redone --------------------------------------------------------------------------------------------------


@pytest.fixture
def changeable(tmp_path: Path) -> tuple[Source, Target, Target]:
    """A source and two targets in files of their own, which a test may change."""
    for name in ("exporter", "evaluator", "evaluator2"):
        shutil.copy(FAKES / f"{name.rstrip('2')}.py", tmp_path / f"{name}.py")
    return (
        Source("fake", "a fake", str(tmp_path / "exporter.py"), "right", "host", 0),
        Target("one", "a fake", str(tmp_path / "evaluator.py"), "right", "host"),
        Target("two", "a fake", str(tmp_path / "evaluator2.py"), "right", "host"),
    )


def redone(plan: Plan, workshop: Workshop, **options: Any) -> tuple[int, list[str]]:
    """(exports, names of targets) that another run does again."""
    before = len(journal_lines(workshop))
    carried_out(plan, workshop, **options)
    new = journal_lines(workshop)[before:]
    exports = [line for line in new if line["kind"] == "export"]
    return len(exports), sorted(line["target"].split("@")[0] for line in new if line["kind"] == "cell")


def test_only_what_depends_on_a_change_is_done_again(
    workshop: Workshop, changeable: tuple[Source, Target, Target]
) -> None:
    source, one, two = changeable
    plan = plan_of([source, fake_source("right")], [one, two])
    carried_out(plan, workshop)
    assert redone(plan, workshop) == (0, [])

    with one.path.open("a") as file:
        file.write("\n# changed\n")
    assert redone(plan, workshop) == (0, ["one", "one"])

    with source.path.open("a") as file:
        file.write("\n# changed\n")
    assert redone(plan, workshop) == (1, ["one", "two"])

    path = workshop.folder / "models" / "index.json"
    index = json.loads(path.read_text())
    entry = index["models"]["relu@float32"]
    (path.parent / entry["folder"]).rename(path.parent / "relu-anothercontent")
    entry["folder"] = "relu-anothercontent"
    path.write_text(json.dumps(index))
    assert redone(plan, workshop) == (2, ["one", "one", "two", "two"])

    # Another option of a target is another request.
    changed = Target(two.name, two.runtime, two.module, "slow", two.environment)
    assert redone(plan_of([source, fake_source("right")], [one, changed]), workshop) == (0, ["two", "two"])
    assert redone(plan_of([source], [one]), workshop, refresh=True) == (1, ["one"])


def tear(path: Path) -> None:
    path.write_bytes(b"torn")


@pytest.mark.parametrize(
    ("name", "damage"), [("model.onnx", tear), ("native.arrays", Path.unlink), ("feeds.arrays", tear)]
)
def test_a_damaged_case_is_made_again_before_a_new_target_runs_it(
    name: str, damage: Callable[[Path], Any], workshop: Workshop
) -> None:
    carried_out(plan_of([fake_source("right")], [fake_target("right")]), workshop)
    [path] = workshop.folder.glob(f"exports/*/*/{name}")
    damage(path)
    carried_out(plan_of([fake_source("right")], [fake_target("slow")]), workshop)
    assert states(workshop)["fake.right@host/relu/static/fake.slow@host"] == ("PASS", "compare")


def test_a_damaged_line_of_the_journal_is_done_again_alone(workshop: Workshop) -> None:
    plan = plan_of([fake_source("right")], [fake_target("right"), fake_target("off")])
    carried_out(plan, workshop)
    expected = states(workshop)
    lines = workshop.journal.path.read_text().splitlines(keepends=True)
    [place] = [n for n, line in enumerate(lines) if '/fake.off@host"' in line]
    lines[place] = lines[place][: len(lines[place]) // 2] + "\n"
    workshop.journal.path.write_text("".join(lines))

    again = Workshop(workshop.folder)
    assert again.journal.damaged == 1
    run = carried_out(plan, again)
    again.journal.close()
    assert states(again) == expected
    assert run.started == 1


# -- what cannot be run ----------------------------------------------------------------------------------------------


def test_an_environment_that_is_not_installed_gives_not_run_with_a_reason(workshop: Workshop) -> None:
    good, bad = fake_source("right"), fake_source("broken")
    target, absent = fake_target("right"), fake_target("off")
    plan = plan_of([good, bad], [target, absent], places={bad.name: GHOST, absent.name: GHOST})
    carried_out(
        plan,
        workshop,
    )
    assert states(workshop) == {
        "fake.right@host/relu/static/fake.right@host": ("PASS", "compare"),
        "fake.right@host/relu/static/fake.off@ghost1.0": ("NOT_RUN", "load"),
        "fake.broken@ghost1.0/relu/static/fake.right@host": ("NOT_RUN", "export"),
        "fake.broken@ghost1.0/relu/static/fake.off@ghost1.0": ("NOT_RUN", "export"),
    }
    assert states(workshop, "export")["fake.broken@ghost1.0/relu/static"] == ("NOT_RUN", "load")
    for record in workshop.journal.all("cell"):
        assert record["status"] == "PASS" or "ghost1.0 is not installed: tox run" in record["message"]
    assert {cell["blame"] for cell in results(plan, workshop).cells} == {"", "us"}

    # Our own trouble is tried again, with the reason that the installation gave.
    digest_of.cache_clear()
    Run(plan, workshop, LIMITS, workers=1).carry_out({"ghost1.0": "No solution found"})
    messages = {r["message"] for r in workshop.journal.all("cell") if r["status"] == "NOT_RUN"}
    assert messages == {"No solution found", "NOT_RUN in load: No solution found"}


def test_an_export_that_fails_leaves_its_cells_not_exported(workshop: Workshop) -> None:
    names = ("broken", "refusing", "crashing", "forgetful")
    plan = plan_of([fake_source(name) for name in names], [fake_target("right")])
    lacking = plan_of([fake_source("right")], [fake_target("right")], ["linear"])
    whole = Plan(plan.exports + lacking.exports, plan.cells + lacking.cells)
    carried_out(whole, workshop)
    assert states(workshop, "export") == {
        "fake.broken@host/relu/static": ("ERROR", "export"),
        "fake.refusing@host/relu/static": ("UNSUPPORTED", "export"),
        "fake.crashing@host/relu/static": ("CRASH", "export"),
        "fake.forgetful@host/relu/static": ("ERROR", "check"),
        "fake.right@host/linear/static": ("UNSUPPORTED", "build"),
    }
    assert set(states(workshop).values()) == {("NOT_EXPORTED", "export")}
    assert len(states(workshop)) == len(whole.cells)
    found = results(whole, workshop)
    assert [cell["blame"] for cell in found.cells] == ["exporter"] * 4 + ["framework"]
    assert found.cells[0]["message"] == "ERROR in export: RuntimeError: the tracer lost its way"
    assert found.cells[4]["message"] == "UNSUPPORTED in build: NotImplementedError: no layer linear"
    assert "the tracer lost its way" in (workshop.folder / found.exports[0]["log"]).read_text()


# -- whose fault -----------------------------------------------------------------------------------------------------


def test_a_runtime_that_is_wrong_where_the_evaluator_is_right_is_to_blame(workshop: Workshop) -> None:
    plan = plan_of([fake_source("right")], [fake_target(name) for name in ("off", "raising", "crashing", "right")])
    carried_out(plan, workshop)
    assert blames(plan, workshop) == {
        "fake.off": "runtime", "fake.raising": "runtime", "fake.crashing": "runtime", "fake.right": "",
    }  # fmt: skip
    # The evaluator was not planned: its cell is evidence, and is not published.
    assert states(workshop)["fake.right@host/relu/static/reference@host"] == ("PASS", "compare")
    assert len(results(plan, workshop).cells) == len(plan.cells)
    failed = workshop.journal.get("cell", "fake.right@host/relu/static/fake.raising@host")
    assert failed is not None
    assert "about to fail" in (workshop.folder / failed["log"]).read_text()


def test_an_exporter_that_writes_another_model_is_to_blame(workshop: Workshop) -> None:
    plan = plan_of([fake_source("other_model")], [fake_target("right"), ONNXRUNTIME])
    carried_out(plan, workshop)
    assert {status for status, _ in states(workshop).values()} == {"WRONG"}
    assert blames(plan, workshop) == {"fake.right": "exporter", "onnxruntime.all": "exporter"}


@pytest.mark.parametrize("exporter", ["native_wrong", "native_shape"])
def test_a_builder_whose_native_run_is_wrong_is_to_blame_and_excuses_no_runtime(
    exporter: str, workshop: Workshop
) -> None:
    plan = plan_of([fake_source(exporter)], [fake_target("right"), fake_target("off")])
    carried_out(plan, workshop)
    [export] = results(plan, workshop).exports
    assert (export["status"], export["stage"], export["blame"]) == ("WRONG", "native", "builder")
    assert {c["target"]: c["status"] for c in results(plan, workshop).cells} == {
        "fake.right@host": "PASS", "fake.off@host": "WRONG",
    }  # fmt: skip


def test_a_wrong_native_run_is_told_though_the_export_failed_behind_it(workshop: Workshop) -> None:
    plan = plan_of([fake_source("wrong_and_broken"), fake_source("broken")], [fake_target("right")])
    carried_out(plan, workshop)
    found = {export["source"]: export for export in results(plan, workshop).exports}
    assert {(e["status"], e["stage"], e["blame"]) for e in found.values()} == {("ERROR", "export", "exporter")}
    assert "lost its way; and its native run is WRONG: output y" in found["fake.wrong_and_broken@host"]["message"]
    assert found["fake.broken@host"]["message"].endswith("lost its way")


def test_files_in_another_layout_are_fed_and_compared_in_the_models_own(workshop: Workshop) -> None:
    plan = plan_of([fake_source("permuted")], [ONNXRUNTIME, fake_target("off")], variants=("static", "dynamic"))
    carried_out(plan, workshop)
    assert {key.rsplit("/", 1)[1]: status for key, (status, _) in states(workshop).items()} == {
        "onnxruntime.all@host": "PASS", "fake.off@host": "WRONG", "reference@host": "PASS",
    }  # fmt: skip


# -- stopping --------------------------------------------------------------------------------------------------------


class Stopper(Silence):
    """Stops a run after so many records of one step."""

    def __init__(self, step: str, after: int) -> None:
        self.step, self.left = step, after
        self.run: Run | None = None

    def advance(self, step: str, record: Record | None) -> None:
        if step == self.step:
            self.left -= 1
            if self.left <= 0 and self.run:
                self.run.stop()


NOT_EXPORTED = ("NOT_EXPORTED", "export")
#: (status, stage) by source and target of a run that nobody stops.
UNDISTURBED: dict[str, dict[str, tuple[str, str]]] = {
    "fake.right": {
        "fake.slow": ("PASS", "compare"),
        "fake.off": ("WRONG", "compare"),
        "fake.raising": ("ERROR", "run"),
    },
    "fake.broken": {},
}


@pytest.mark.parametrize(("step", "after"), [("models", 1), ("exports", 1), ("cells", 3)])
def test_a_run_that_is_stopped_goes_on_where_it_was(step: str, after: int, workshop: Workshop) -> None:
    targets = [fake_target(name) for name in ("slow", "off", "raising")]
    plan = plan_of([fake_source("right"), fake_source("broken")], targets, variants=("static", "dynamic"))
    if step == "models":
        shutil.rmtree(workshop.folder / "models")
    stopper = Stopper(step, after)
    stopper.run = Run(plan, workshop, LIMITS, stopper, workers=1)
    stopper.run.carry_out()
    kept = states(workshop)
    assert len(kept) < len(plan.cells)
    assert "NOT_RUN" not in {status for status, _ in [*kept.values(), *states(workshop, "export").values()]}
    if step == "cells":
        assert len(kept) >= after

    carried_out(plan, workshop)
    found = states(workshop)
    for cell in plan.cells:
        assert found[cell.key] == UNDISTURBED[cell.export.source.name].get(cell.target.name, NOT_EXPORTED)
    assert set(lines_by_key(workshop, "cell").values()) == {1}, "nothing was done twice"


# -- canaries --------------------------------------------------------------------------------------------------------


def canary(workshop: Workshop, target: str) -> Record:
    record = workshop.journal.get("canary", target)
    assert record is not None
    return record


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("canary off", "canary: a model of one Relu ended as WRONG, not as PASS"),
        ("canary crashing", "canary: a model of one Relu ended as CRASH, not as PASS: killed by SIGSEGV"),
        ("canary accepting", "canary: a file that is no ONNX ended as WRONG, not as a refusal"),
    ],
)
def test_a_target_that_fails_its_canaries_is_not_run_and_says_why(option: str, words: str, workshop: Workshop) -> None:
    plan = plan_of([fake_source("right")], [fake_target("right"), fake_target(option, name="fake.sick")])
    carried_out(plan, workshop)
    assert states(workshop) == {
        "fake.right@host/relu/static/fake.right@host": ("PASS", "compare"),
        "fake.right@host/relu/static/fake.sick@host": ("NOT_RUN", "load"),
    }
    assert canary(workshop, "fake.right@host")["status"] == "PASS"
    assert words in canary(workshop, "fake.sick@host")["message"]
    [sick] = [cell for cell in results(plan, workshop).cells if cell["status"] == "NOT_RUN"]
    assert words in sick["message"]
    assert sick["blame"] == "us"


def test_a_comparison_that_finds_everything_right_is_noticed(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matrix.verdict.compare", lambda *_: Comparison("PASS"))
    carried_out(plan_of([fake_source("right")], [fake_target("off")]), workshop)
    assert set(states(workshop).values()) == {("NOT_RUN", "load")}
    message = canary(workshop, "fake.off@host")["message"]
    assert "the same model with a wrong expectation ended as PASS, not as WRONG" in message


def test_canaries_that_sang_are_not_asked_again(workshop: Workshop) -> None:
    carried_out(plan_of([fake_source("right")], [fake_target("right")]), workshop)
    carried_out(plan_of([fake_source("right")], [fake_target("right")], TINY), workshop)
    assert lines_by_key(workshop, "canary") == Counter({"fake.right@host": 1})


# -- deaths and repeats ----------------------------------------------------------------------------------------------


def cell_of(workshop: Workshop, target: str) -> Record:
    record = workshop.journal.get("cell", f"fake.right@host/relu/static/{target}@host")
    assert record is not None
    return record


def test_a_crash_is_recorded_with_both_attempts(workshop: Workshop) -> None:
    carried_out(plan_of([fake_source("right")], [fake_target("crashing")]), workshop)
    record = cell_of(workshop, "fake.crashing")
    assert (record["status"], [a["status"] for a in record["attempts"]]) == ("CRASH", ["CRASH", "CRASH"])


def test_repeats_that_differ_are_flaky_and_those_that_do_not_tell_how_steady_the_values_are(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matrix.fence.available", lambda: False)  # the fake keeps count beside the model
    plan = plan_of([fake_source("right")], [fake_target(name) for name in ("right", "unsteady", "alternating")])
    carried_out(plan, workshop, repeat=3)
    right, unsteady, flaky = (cell_of(workshop, f"fake.{name}") for name in ("right", "unsteady", "alternating"))
    assert (right["status"], right["repeats"]) == ("PASS", {"times": 3, "statuses": {"PASS": 3}, "spread": 0.0})
    assert (unsteady["status"], unsteady["repeats"]["statuses"]) == ("PASS", {"PASS": 3})
    assert 0 < unsteady["repeats"]["spread"] < 1e-5
    assert (flaky["status"], flaky["repeats"]["statuses"]) == ("FLAKY", {"PASS": 2, "WRONG": 1})
    assert flaky["message"].startswith("of 3 runs: PASS 2, WRONG 1")
    assert flaky["repeats"]["spread"] >= 1
    assert set(lines_by_key(workshop, "cell").values()) == {1}

    assert redone(plan, workshop) == (0, []), "three runs are good for one that asks for one"
    assert redone(plan, workshop, repeat=4)[1] == ["fake.alternating", "fake.right", "fake.unsteady"]


def test_what_ran_out_of_time_is_run_again_when_it_is_given_more(workshop: Workshop) -> None:
    plan = plan_of([fake_source("right")], [fake_target("late")])
    for seconds, status, lines in ((0.5, "TIMEOUT", 1), (0.5, "TIMEOUT", 1), (20, "PASS", 2)):
        Run(plan, workshop, replace(LIMITS, seconds=seconds), workers=1).carry_out()
        assert (cell_of(workshop, "fake.late")["status"], len(lines_by_key(workshop, "cell"))) == (status, 1)
        assert sum(lines_by_key(workshop, "cell").values()) == lines


# -- damage and want -------------------------------------------------------------------------------------------------


class Listener(Silence):
    """Keeps what the person is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def tell(self, text: str) -> None:
        self.told.append(text)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("models/relu-*/truth.npz", "is damaged: it is made again"),
        ("models/relu-*/model.json", "is damaged: it is made again"),
        ("exports/*/*/model.onnx", "are damaged or gone: it is exported again"),
        ("exports/*/*/native.arrays", "are damaged or gone: it is exported again"),
    ],
)
def test_one_flipped_bit_is_told_and_made_good(pattern: str, words: str, workshop: Workshop) -> None:
    plan = plan_of([fake_source("right")], [fake_target("right"), fake_target("off")])
    carried_out(plan, workshop)
    expected, [path] = states(workshop), workshop.folder.glob(pattern)
    before = path.read_bytes()
    flip(path)
    listener = Listener()
    carried_out(plan, workshop, watcher=listener, refresh=False)
    assert [text for text in listener.told if words in text]
    assert path.read_bytes() == before
    assert states(workshop) == expected


def test_arrays_that_vanish_on_the_way_are_our_trouble(workshop: Workshop) -> None:
    carried_out(plan_of([fake_source("right")], [fake_target("right")]), workshop)
    export = workshop.journal.get("export", "fake.right@host/relu/static")
    assert export is not None
    job = {"sets": [0, 1], "out": str(workshop.folder / "gone.arrays"), "truth": "truth.npz"}
    found = outcome(job, Result("OK", "compare"), export, workshop.folder / export["folder"])
    assert (found.status, found.stage) == ("NOT_RUN", "compare")
    assert "the arrays cannot be read: FileNotFoundError" in found.message


def test_a_record_leads_to_its_run_its_versions_its_file_and_its_log(workshop: Workshop) -> None:
    run = carried_out(plan_of([fake_source("right")], [fake_target("raising")]), workshop)
    record = cell_of(workshop, "fake.raising")
    made = workshop.journal.get("run", record["run"])
    assert made is not None
    assert (record["run"], made["repeat"], made["planned"]) == (run.id, 1, {"exports": 1, "cells": 1})
    versions = workshop.journal.get("environment", record["environment"])
    assert versions is not None
    assert versions["packages"]["onnx"]
    export = workshop.journal.get("export", "fake.right@host/relu/static")
    assert export is not None
    data = (workshop.folder / export["folder"] / "model.onnx").read_bytes()
    assert hashlib.sha256(data).hexdigest() == record["sha256"]
    assert "no such <kernel>" in (workshop.folder / record["log"]).read_text()
    assert str(workshop.folder) not in json.dumps([record, export]), "the folder can be moved"


def test_a_file_that_was_exported_elsewhere_is_run_here_without_its_exporter(workshop: Workshop) -> None:
    source, there, here = fake_source("right"), Environment("fake1.0", "host"), Environment("fake1.0", "fake")
    there.__dict__["lock"] = "the lock of another machine"
    carried_out(plan_of([source], [fake_target("right")], places={source.name: there}), workshop)
    plan = plan_of([source], [fake_target("off")], places={source.name: here})
    carried_out(plan, workshop)
    journal = Journal(workshop.journal.path)
    assert [record["status"] for record in journal.all("export")] == ["PASS"]
    assert journal.get("cell", plan.cells[0].key)["status"] == "WRONG"  # type: ignore[index]
    assert set(lines_by_key(workshop, "export").values()) == {1}
    journal.close()
