"""The environments of tox.ini: what there is, what is installed, in which versions; installing them."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
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
                base_python = options.get("base_python", "python3.11")
                requirements = _requirements(options.get("deps", ""), name)
                setup = _requirements(options.get("extra_setup_commands", ""), name)
                npm = tuple(word for command in setup for word in command.split() if "@" in word)
                found[name] = Environment(name, match["family"], base_python, requirements, npm)
    return found


def _requirements(deps: str, name: str) -> tuple[str, ...]:
    """The lines of an option that hold for environment `name` (tox writes "factor: requirement")."""
    found = []
    for line in filter(None, map(str.strip, deps.splitlines())):
        factor, colon, requirement = line.partition(": ")
        if not colon or factor == name:
            found.append(requirement if colon else line)
    return tuple(found)


def install(environment: Environment) -> str:
    """Let tox make the environment; the reason why it could not, or "". Raises nothing."""
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
