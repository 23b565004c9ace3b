"""Plugins made from the template and broken on purpose, as if they were installed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gonghai_engine.conformance.templates import make

if TYPE_CHECKING:
    from pathlib import Path

NAME = "tea"


@dataclass(frozen=True, slots=True)
class Project:
    """A plugin's project on the disk."""

    folder: Path

    @property
    def source(self) -> Path:
        """Where its packages are: to be put on the path."""
        return self.folder / "src"

    @property
    def golden(self) -> Path:
        """Its golden decisions."""
        return self.folder / "tests/golden.yaml"

    def change(self, file: str, old: str, new: str) -> None:
        """Write something else into a module, or into the golden decisions."""
        path = self.golden if file == "golden.yaml" else self.source / f"gonghai_{NAME}" / file
        text = path.read_text("utf-8")
        assert old in text, (file, old)
        path.write_text(text.replace(old, new, 1), "utf-8")


@dataclass(slots=True)
class Workshop:
    """Makes projects: the template is rendered once, and copied."""

    folder: Path
    made: int = 0
    template: Path | None = field(default=None)

    def project(self) -> Project:
        """Return a plugin fresh from the template, known to Python as an installed one."""
        if self.template is None:
            self.template = make(NAME, self.folder / "template")
            about = self.template / f"src/gonghai_plugin_{NAME}-0.1.0.dist-info"
            about.mkdir()
            (about / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: gonghai-plugin-{NAME}\nVersion: 0.1.0\n"
            )
            (about / "entry_points.txt").write_text(f"[gonghai]\n{NAME} = gonghai_{NAME}:plugin\n")
        self.made += 1
        folder = self.folder / f"project-{self.made}"
        shutil.copytree(self.template, folder)
        return Project(folder)
