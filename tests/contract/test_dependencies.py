"""Each distribution names what it imports, so that it can be installed alone."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = ("proto/pyproject.toml", "services/*/pyproject.toml", "plugins/*/pyproject.toml")
PROJECTS = [project for pattern in PATTERNS for project in sorted(ROOT.glob(pattern))]


def canonical(requirement: str) -> str:
    """Return the distribution's name in a requirement, as registries spell it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


def imported(source: str) -> set[str]:
    """Return the top-level packages that a module imports from outside of its own package."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names


def requirements(settings: dict[str, Any]) -> list[str]:
    """Return what a distribution says it needs, always or for an extra."""
    extras = settings.get("optional-dependencies", {}).values()
    return [*settings["dependencies"], *(name for extra in extras for name in extra)]


def undeclared(project: Path) -> set[str]:
    """Return the packages that a distribution imports from distributions it does not name."""
    settings = tomllib.loads(project.read_text("utf-8"))["project"]
    declared = {canonical(name) for name in [settings["name"], *requirements(settings)]}
    providers = packages_distributions()
    folder = project.parent / "src"
    sources = folder.rglob("*.py") if folder.is_dir() else project.parent.glob("gonghai/**/*.py")
    names = {name for file in sources for name in imported(file.read_text("utf-8"))}
    return {
        name
        for name in names
        if declared.isdisjoint(canonical(provider) for provider in providers.get(name, []))
    }


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.parent.name)
def test_what_is_imported_is_declared(project: Path) -> None:
    assert undeclared(project) == set()


def test_what_is_declared_is_pinned() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pinned = {canonical(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    projects = [tomllib.loads(project.read_text("utf-8"))["project"] for project in PROJECTS]
    ours = {canonical(project["name"]) for project in projects}
    needed = {canonical(name) for project in projects for name in requirements(project)}
    assert sorted(needed - pinned - ours) == []


def test_lock_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    assert re.findall(r"^.*(?:://|--index|--extra-index|--find-links).*$", lock, re.MULTILINE) == []


def test_undeclared_import_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "src/lonely").mkdir(parents=True)
    (tmp_path / "src/lonely/__init__.py").write_text("import os, grpc, pytest\nfrom . import x\n")
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nname = "lonely"\ndependencies = ["grpcio>=1.85"]\n')
    assert undeclared(project) == {"pytest"}
