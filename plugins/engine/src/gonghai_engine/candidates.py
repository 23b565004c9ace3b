"""Candidates: versions of plugins that are tried beside the installed ones.

They are in a folder of their own, as `pip install --no-deps --target FOLDER` leaves them. What they
import of their own distributions comes from there, all else is what the service has. Once they are
loaded nothing of the folder is left in the process's modules: what is installed goes on with its
own, under the same names.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from gonghai_engine.faults import EngineError
from gonghai_plugin import hookspecs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from importlib.metadata import Distribution, EntryPoint
    from types import ModuleType

_FORM: Final = "PLUGIN==VERSION"


class UnknownCandidate(EngineError):  # noqa: N818 - what it is
    """There is no such candidate here."""


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """A version of a plugin."""

    plugin: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `PLUGIN==VERSION`. Raises UnknownCandidate where it is none."""
        plugin, equal, version = text.partition("==")
        if not (plugin and equal and version):
            raise UnknownCandidate(f"{text!r} is no {_FORM}")
        return cls(plugin, version)

    def __str__(self) -> str:
        """Return it as it is asked for."""
        return f"{self.plugin}=={self.version}"


def points(folder: Path) -> list[EntryPoint]:
    """Return the entry points of the plugins in a folder."""
    return [point for each in _distributions(folder) for point in _of(each)]


@contextmanager
def imported_from(folder: Path) -> Iterator[None]:
    """Import plugins from a folder in the block, whatever versions of them are imported already.

    To be used before other threads run: the modules of a process are everybody's.
    """
    own = {top for each in _distributions(folder) if _of(each) for top in _tops(each)}
    hidden = _within(own)
    for name in hidden:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        come = [name for name, module in list(sys.modules.items()) if _is_in(folder, module)]
        for name in {*_within(own), *come}:
            del sys.modules[name]
        sys.modules.update(hidden)
        importlib.invalidate_caches()


def _distributions(folder: Path) -> list[Distribution]:
    return list(distributions(path=[str(folder)]))


def _of(distribution: Distribution) -> Collection[EntryPoint]:
    return distribution.entry_points.select(group=hookspecs.PROJECT)


def _tops(distribution: Distribution) -> Iterator[str]:
    """The packages and modules that a distribution has outermost."""
    for file in distribution.files or ():
        if len(file.parts) > 1 or file.suffix == ".py":
            yield file.parts[0].removesuffix(".py")
    for point in _of(distribution):
        yield point.module.partition(".")[0]


def _within(tops: Collection[str]) -> dict[str, ModuleType]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] in tops}


def _is_in(folder: Path, module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and Path(file).is_relative_to(folder)
