"""What the tests of the kit share."""

from __future__ import annotations

import pytest
from plugins.engine.tests.conformance.projects import Project, Workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Where projects are made."""
    return Workshop(tmp_path_factory.mktemp("plugins"))


@pytest.fixture
def project(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a plugin fresh from the template, importable here and in what is started here."""
    made = workshop.project()
    monkeypatch.syspath_prepend(str(made.source))
    return made
