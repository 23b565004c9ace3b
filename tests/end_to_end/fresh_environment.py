"""A Python environment in which Gonghai is installed from wheels, as it is on another machine.

Nothing is fetched: the libraries are those of this environment, lent to the other by links, and the
wheels are built from the source by the pinned setuptools.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).resolve().parents[2]
DISTRIBUTIONS: Final = ("proto", "services/*", "plugins/*")

_BUILD: Final = """
import os, sys
from setuptools import build_meta
wheels, *folders = sys.argv[1:]  # setuptools changes them
for folder in folders:
    os.chdir(folder)
    build_meta.build_wheel(wheels)
"""
_NOT_SOURCE: Final = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
_OURS: Final = ("gonghai", "__editable__", "_editable")


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of its own.

    Attributes:
        folder: where it is.
    """

    folder: Path

    def command(self, name: str) -> Path:
        """Return one of its commands."""
        return self.folder / "bin" / name

    async def run(self, *arguments: str | Path, cwd: Path | None = None) -> str:
        """Run one of its commands to the end; return what it said."""
        return await _run(self.command(str(arguments[0])), *arguments[1:], cwd=cwd)

    async def install(self, *what: Path, again: bool = False) -> None:
        """Install wheels or projects with pip, whose requirements have to be there already.

        With `again`, what is there of the same version is replaced.
        """
        pip: list[str | Path] = ["-m", "pip", "--disable-pip-version-check", "--python"]
        options = ["install", "--quiet", "--no-index", "--no-build-isolation"]
        options += ["--force-reinstall", "--no-deps"] if again else []
        await _run(sys.executable, *pip, self.command("python"), *options, *what)


async def fresh_environment(folder: Path) -> Environment:
    """Make one, and install every distribution of this repository in it from its wheel."""
    environment = Environment(folder / "environment")
    await asyncio.to_thread(venv.create, environment.folder, symlinks=True)
    _lend_libraries(folder, environment)
    sources = []
    for pattern in DISTRIBUTIONS:
        for project in sorted(ROOT.glob(f"{pattern}/pyproject.toml")):
            source = folder / "source" / project.parent.name
            await asyncio.to_thread(
                shutil.copytree, project.parent, source, ignore=_without_tests(project.parent)
            )
            sources.append(source)
    wheels = folder / "wheels"
    wheels.mkdir()
    await _run(sys.executable, "-c", _BUILD, wheels, *sources)
    await environment.install(*sorted(wheels.glob("*.whl")))
    return environment


def _lend_libraries(folder: Path, environment: Environment) -> None:
    libraries = folder / "libraries"
    libraries.mkdir()
    for item in Path(sysconfig.get_path("purelib")).iterdir():
        if not item.name.startswith(_OURS) and item.suffix != ".pth":
            (libraries / item.name).symlink_to(item)
    (packages,) = environment.folder.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(f"{libraries}\n", "utf-8")


def _without_tests(project: Path) -> Callable[[str, list[str]], set[str]]:
    def ignored(folder: str, names: list[str]) -> set[str]:
        found = _NOT_SOURCE(folder, names)
        return found | ({"tests"} if Path(folder) == project else set())

    return ignored


async def _run(*command: str | Path, cwd: Path | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # Its bytecode goes with it.
        env={**os.environ, "PYTHONPATH": "", "PYTHONPYCACHEPREFIX": "", "COLUMNS": "200"},
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, f"{command}\n{said.decode()}"
    return said.decode()
