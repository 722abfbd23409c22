"""tox.ini as the one list of environments; what is installed, in which versions; why an installation failed."""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from matrix import environments as module
from matrix.catalogue import ROOT
from matrix.environments import HOST, Environment, environments, install, interpreter, obstacle

run_command = subprocess.call
TOX_INI = """
[tox]
env_list = tests

[testenv:tests]
deps = -e .[dev]

[testenv:frame{1.0, 2.0, 3.0}]
default = 2.0
base_python =
    frame3.0,frame2.0: python3.11
    frame1.0: python3.7
size_mb =
    frame1.0: 860
deps =
    frame1.0: frame==1.0
    frame2.0, frame3.0: frame>=2.0
    numpy<2

[testenv:old{0.9}]
base_python = python3.8
deps =
    old0.9: old==0.9
extra_setup_commands =
    old0.9: npm install --prefix {env_dir} scripted@2.0.0 @scope/other@1.5.0
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with three environments, none of them made."""
    (tmp_path / "tox.ini").write_text(TOX_INI)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


Make = Callable[[Environment], None]


@pytest.fixture
def made(checkout: Path) -> Make:
    """Makes an environment as tox leaves it behind."""

    def make(environment: Environment) -> None:
        folder = checkout / ".tox" / environment.name
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").touch()
        (folder / "pyvenv.cfg").write_text("home = /usr\nversion_info = 3.11.7\n")
        requirements = {"PythonRun": {"deps": {"requirements": list(environment.requirements)}}}
        (folder / ".tox-info.json").write_text(json.dumps(requirements))
        packages = {name.rpartition("@")[0]: name.rpartition("@")[2] for name in environment.npm}
        listed = {f"node_modules/{name}": {"version": version} for name, version in packages.items()}
        (folder / "node_modules").mkdir()
        (folder / "node_modules" / ".package-lock.json").write_text(json.dumps({"packages": listed}))
        for name, version in (("frame", "1.0"), ("Some.Other_Package", "3.1")):
            (folder / f"lib/python3.11/site-packages/{name}-{version}.dist-info").mkdir(parents=True)

    return make


def test_every_versioned_section_is_an_environment_and_so_is_the_host(checkout: Path) -> None:
    found = environments()
    assert list(found) == ["host", "frame1.0", "frame2.0", "frame3.0", "old0.9"]
    assert found["host"] == HOST
    assert found["frame2.0"] == Environment("frame2.0", "frame", "python3.11", ("frame>=2.0", "numpy<2"))
    assert found["old0.9"].base_python == "python3.8"


def test_what_differs_from_version_to_version_stands_behind_the_versions_it_holds_for(checkout: Path) -> None:
    found = environments()
    assert found["frame1.0"].requirements == ("frame==1.0", "numpy<2")
    assert found["frame3.0"].requirements == ("frame>=2.0", "numpy<2")
    assert (found["frame1.0"].base_python, found["frame3.0"].base_python) == ("python3.7", "python3.11")
    assert (found["frame1.0"].size_mb, found["frame2.0"].size_mb) == (860, None)


def test_a_section_says_which_of_its_versions_are_the_default_or_all_of_them_are(checkout: Path) -> None:
    assert [name for name, e in environments().items() if e.default] == ["host", "frame2.0", "old0.9"]
    ini = checkout / "tox.ini"
    ini.write_text(ini.read_text().replace("default = 2.0", "default ="))
    assert [name for name, e in environments().items() if e.default] == ["host", "old0.9"]


def test_tox_itself_reads_the_pins_and_the_python_of_every_environment_as_the_suite_does() -> None:
    """The one test that asks tox: what the suite takes for installed must be what tox installs."""
    known = [e for e in environments().values() if e.family != "host"]
    names = ",".join(e.name for e in known)
    command = [sys.executable, "-m", "tox", "config", "-e", names, "-k", "deps", "base_python"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    asked = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    asked.read_string(printed)
    for environment in known:
        section = asked[f"testenv:{environment.name}"]
        assert sorted(section["deps"].split()) == sorted(environment.requirements), environment.name
        assert section["base_python"].split() == [environment.base_python], environment.name


def test_the_host_is_the_python_that_runs_the_suite() -> None:
    assert HOST.installed
    assert HOST.packages["numpy"] == np.__version__
    assert HOST.python.exists()


def test_an_environment_counts_as_installed_when_tox_finished_it_from_what_tox_ini_asks_today(
    checkout: Path, made: Make
) -> None:
    environment = environments()["frame1.0"]
    assert not environment.installed
    made(environment)
    assert environment.installed
    ini = checkout / "tox.ini"
    ini.write_text(ini.read_text().replace("numpy<2", "numpy<3"))
    assert not environments()["frame1.0"].installed


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"PythonRun": null}', '{"PythonRun": {}}'])
def test_an_environment_that_tox_left_half_made_is_not_installed(text: str | None, checkout: Path, made: Make) -> None:
    environment = environments()["frame1.0"]
    made(environment)
    info = environment.folder / ".tox-info.json"
    if text is None:
        info.unlink()
    else:
        info.write_text(text)
    assert not environment.installed


def test_an_environment_without_its_interpreter_is_not_installed(checkout: Path, made: Make) -> None:
    environment = environments()["frame1.0"]
    made(environment)
    environment.python.unlink()
    assert not environment.installed


def test_versions_are_read_from_disk_under_normalised_names(checkout: Path, made: Make) -> None:
    environment = environments()["frame1.0"]
    made(environment)
    assert environment.packages == {"frame": "1.0", "some-other-package": "3.1"}


def test_packages_of_npm_are_asked_for_and_count_among_those_of_the_environment(checkout: Path, made: Make) -> None:
    environment = environments()["old0.9"]
    assert environment.npm == ("scripted@2.0.0", "@scope/other@1.5.0")
    made(environment)
    assert environment.installed
    assert environment.packages["npm:scripted"] == "2.0.0"
    assert environment.packages["npm:@scope/other"] == "1.5.0"
    ini = checkout / "tox.ini"
    ini.write_text(ini.read_text().replace("scripted@2.0.0", "scripted@2.1.0"))
    assert not environments()["old0.9"].installed


@pytest.mark.parametrize("text", [None, "", "{", "[]", "{}", '{"packages": []}'])
def test_an_environment_without_its_packages_of_npm_is_not_installed(
    text: str | None, checkout: Path, made: Make
) -> None:
    made(environments()["old0.9"])
    listed = environments()["old0.9"].folder / "node_modules" / ".package-lock.json"
    if text is None:
        listed.unlink()
    else:
        listed.write_text(text)
    assert not environments()["old0.9"].installed
    assert environments()["old0.9"].packages == {"frame": "1.0", "some-other-package": "3.1"}


def test_the_lock_changes_with_any_package_and_with_the_interpreter(checkout: Path, made: Make) -> None:
    made(environments()["frame1.0"])

    def lock() -> str:
        return environments()["frame1.0"].lock

    folder, first = environments()["frame1.0"].folder, lock()
    assert lock() == first
    (folder / "lib/python3.11/site-packages/extra-1.dist-info").mkdir()
    second = lock()
    (folder / "pyvenv.cfg").write_text("home = /usr\nversion_info = 3.12.1\n")
    assert len({first, second, lock()}) == 3


def test_a_failed_installation_gives_its_telling_line(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "print('old0.9: install'); print('\\x1b[31m  × No solution found: old==0.9 needs Python <3.9\\x1b[0m')"
    monkeypatch.setattr(subprocess, "call", _call_writing(script))
    assert install(environments()["old0.9"]) == "No solution found: old==0.9 needs Python <3.9"
    assert "No solution" in (checkout / ".tox" / "old0.9.log").read_text()


def test_a_tox_that_says_nothing_and_a_tox_that_lies_are_told(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "call", _call_writing("raise SystemExit(1)"))
    assert install(environments()["old0.9"]) == "tox said nothing"
    monkeypatch.setattr(subprocess, "call", _call_writing("print('congratulations')"))
    assert install(environments()["old0.9"]) == "congratulations"


def test_a_successful_installation_gives_no_reason_and_sees_no_setting_of_an_outer_tox(
    checkout: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOX_ENV_NAME", "matrix")
    seen: dict[str, str] = {}
    environment = environments()["frame1.0"]

    def call(command: list[str], **options: object) -> int:
        variables = options["env"]
        assert isinstance(variables, dict)
        seen.update(variables)
        assert command[-3:] == ["--notest", "-e", "frame1.0"]
        made(environment)
        return 0

    monkeypatch.setattr(subprocess, "call", call)
    assert install(environment) == ""
    assert not [name for name in seen if name.startswith("TOX_")]


def test_a_failed_installation_is_remembered_until_tox_ini_asks_for_something_else_or_it_succeeds(
    checkout: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = environments()["old0.9"]
    assert obstacle(old) == ""
    monkeypatch.setattr(subprocess, "call", _call_writing("print('No solution found: there is no old==0.9')"))
    reason = install(old)
    assert obstacle(old) == reason == "No solution found: there is no old==0.9"
    ini = checkout / "tox.ini"
    ini.write_text(ini.read_text().replace("old==0.9", "old==0.9.1"))
    assert obstacle(environments()["old0.9"]) == ""

    install(environments()["old0.9"])

    def succeed(*_: object, **__: object) -> int:
        made(environments()["old0.9"])
        return 0

    monkeypatch.setattr(subprocess, "call", succeed)
    assert install(environments()["old0.9"]) == ""
    assert obstacle(environments()["old0.9"]) == ""
    (environments()["old0.9"].folder / ".tox-info.json").unlink()
    assert obstacle(environments()["old0.9"]) == ""


def test_a_damaged_note_of_a_failure_says_nothing(checkout: Path) -> None:
    (checkout / ".tox").mkdir()
    for text in ("", "[]", '{"asked": 1}'):
        (checkout / ".tox" / "old0.9.failed.json").write_text(text)
        assert obstacle(environments()["old0.9"]) == ""


def test_an_interpreter_that_uv_cannot_fetch_and_nobody_has_is_an_obstacle(
    checkout: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(variable, str(checkout / "nothing"))
    found = environments()
    assert interpreter("python3.7") == ""
    assert obstacle(found["frame1.0"]) == "there is no python3.7 on PATH or in pyenv"
    assert obstacle(found["old0.9"]) == ""  # uv fetches 3.8

    made(found["frame1.0"])
    assert obstacle(found["frame1.0"]) == ""
    (found["frame1.0"].folder / ".tox-info.json").unlink()
    python = checkout / "nothing" / "versions" / "3.7.16" / "bin" / "python3.7"
    python.parent.mkdir(parents=True)
    python.touch(0o755)
    assert interpreter("python3.7") == str(python)
    assert obstacle(found["frame1.0"]) == ""


def _call_writing(script: str) -> Callable[..., int]:
    """A stand-in for tox: a Python script instead of the command."""
    return lambda command, **options: run_command([command[0], "-c", script], **options)
