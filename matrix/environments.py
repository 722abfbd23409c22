"""The environments of tox.ini: what there is, what is installed, in which versions; installing them."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

from matrix.catalogue import ROOT

_SECTION = re.compile(r"testenv:(?P<family>\w*[a-z])\{(?P<versions>[\d.,\s]+)\}")


@dataclass(frozen=True)
class Environment:
    """One tox environment, or "host": the Python that runs the suite."""

    name: str
    family: str
    base_python: str = ""
    requirements: tuple[str, ...] = ()
    """What tox.ini asks for."""
    npm: tuple[str, ...] = ()
    """What it asks for of npm: name@version."""
    default: bool = True
    """Planned without being asked for; the other versions of a framework or runtime are planned on request only."""
    extra: bool = False
    """Too big or too slow for the default set: planned where it is installed, named, or all extras are asked for."""
    size_mb: int | None = None
    """What it took where it was measured, as tox.ini has it."""

    @property
    def folder(self) -> Path:
        """Where tox makes it."""
        return Path(sys.prefix) if self.family == "host" else ROOT / ".tox" / self.name

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return Path(sys.executable) if self.family == "host" else self.folder / "bin" / "python"

    @property
    def installed(self) -> bool:
        """Whether tox finished making it, from what tox.ini asks for today."""
        if self.family == "host":
            return True
        try:
            made = json.loads((self.folder / ".tox-info.json").read_text())["PythonRun"]["deps"]["requirements"]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        if sorted(made) != sorted(self.requirements) or not self.python.exists():
            return False
        return all(self._of_npm.get(name) == version for name, _, version in (r.rpartition("@") for r in self.npm))

    @cached_property
    def packages(self) -> dict[str, str]:
        """Versions of the installed distributions by normalised name, read from disk without starting it.

        Those of npm are called npm:name; one that lies inside another is called npm:other/node_modules/name.
        """
        if self.family == "host":
            found = [(d.metadata["Name"], d.version) for d in metadata.distributions()]
        else:
            places = self.folder.glob("lib/python*/site-packages/*.dist-info")
            found = [(name, version) for name, _, version in (place.stem.partition("-") for place in places)]
        of_python = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in sorted(found)}
        return {**of_python, **{f"npm:{name}": version for name, version in sorted(self._of_npm.items())}}

    @property
    def _of_npm(self) -> dict[str, str]:
        """Versions of the packages below node_modules, from the list that npm writes there when all is in place."""
        try:
            listed = json.loads((self.folder / "node_modules" / ".package-lock.json").read_text())["packages"]
            return {place.partition("/")[2]: package["version"] for place, package in listed.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    @cached_property
    def lock(self) -> str:
        """A digest of the interpreter and all package versions."""
        pinned = "\n".join(f"{name}=={version}" for name, version in self.packages.items())
        home = self.folder / "pyvenv.cfg"
        interpreter = home.read_text() if home.exists() else sys.version
        version = re.search(r"version\S*\s*=\s*(\S+)", interpreter)
        return hashlib.sha256(f"{version.group(1) if version else interpreter}\n{pinned}".encode()).hexdigest()[:16]


HOST = Environment("host", "host")


def environments() -> dict[str, Environment]:
    """Every environment of tox.ini that has a version in its name, and the host."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini")
    found = {"host": HOST}
    for section in parser.sections():
        if match := _SECTION.fullmatch(section):
            for version in match["versions"].split(","):
                name = match["family"] + version.strip()
                options = parser[section]
                setup = _requirements(options.get("extra_setup_commands", ""), name)
                found[name] = Environment(
                    name,
                    match["family"],
                    _only(options.get("base_python", "python3.11"), name),
                    _requirements(options.get("deps", ""), name),
                    npm=tuple(word for command in setup for word in command.split() if "@" in word),
                    extra=options.getboolean("extra", False),
                    default=version.strip() in _words(options.get("default", match["versions"])),
                    size_mb=int(_only(options.get("size_mb", ""), name) or 0) or None,
                )
    return found


def _requirements(option: str, name: str) -> tuple[str, ...]:
    """The lines of an option that hold for environment `name` (tox writes "factor,other factor: what holds there")."""
    found = []
    for line in filter(None, map(str.strip, option.splitlines())):
        factors, colon, requirement = line.partition(": ")
        if not colon or name in _words(factors):
            found.append(requirement.strip() if colon else line)
    return tuple(found)


def _only(option: str, name: str) -> str:
    """The one line of an option that holds for environment `name`, "" where none does."""
    return next(iter(_requirements(option, name)), "")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def interpreter(base_python: str) -> str:
    """Where an interpreter such as python3.8 is, "" where there is none: on PATH, in pyenv, or one that uv fetched."""
    version = base_python.removeprefix("python")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python"))
    own = [*pyenv.glob(f"versions/{version}.*/bin"), *uv.glob(f"cpython-{version}.*/bin")]
    return shutil.which(base_python) or shutil.which(base_python, path=os.pathsep.join(map(str, own))) or ""


def obstacle(environment: Environment) -> str:
    """Why an environment that is not installed cannot be, as far as is known before it is tried; "" if nothing is.

    Known are the interpreters, and how the last try with what tox.ini asks for today ended.
    """
    if environment.installed:
        return ""
    # uv fetches what is missing, but for these.
    if environment.base_python in ("python3.6", "python3.7") and not interpreter(environment.base_python):
        return f"there is no {environment.base_python} on PATH or in pyenv"
    try:
        tried = json.loads(_failure(environment).read_text())
        return str(tried["reason"]) if tried["asked"] == _asked(environment) else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _failure(environment: Environment) -> Path:
    """Where it is kept that, and why, an environment could not be installed."""
    return ROOT / ".tox" / f"{environment.name}.failed.json"


def _asked(environment: Environment) -> list[str]:
    return [environment.base_python, *environment.requirements]


def install(environment: Environment) -> str:
    """Let tox make the environment; the reason why it could not, which is kept, or "". Raises nothing."""
    reason = _install(environment)
    if reason:
        _failure(environment).write_text(json.dumps({"asked": _asked(environment), "reason": reason}))
    else:
        _failure(environment).unlink(missing_ok=True)
    return reason


def _install(environment: Environment) -> str:
    log = ROOT / ".tox" / f"{environment.name}.log"
    log.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tox", "run", "--notest", "-e", environment.name]
    # The outer tox hands its own settings down in variables; the inner one must not take them for its own.
    variables = {k: v for k, v in os.environ.items() if not k.startswith("TOX_") and k != "VIRTUAL_ENV"}
    with log.open("w") as output:
        code = subprocess.call(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=variables)
    return "" if code == 0 and environment.installed else _reason(log.read_text())


def _reason(log: str) -> str:
    """The telling line of a failed installation."""
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).strip(" ×╰─▶│") for line in log.splitlines()]
    telling = [line for line in lines if re.search(r"no solution|could not find|not find|error|because", line, re.I)]
    return (telling or lines or ["tox said nothing"])[0][:300]
