"""Runs the archive service: `python -m gonghai_archive`."""

from __future__ import annotations

from gonghai_archive.service import assemble
from gonghai_archive.settings import ArchiveSettings
from gonghai_chassis.server import main

if __name__ == "__main__":
    raise SystemExit(main("archive", assemble, ArchiveSettings))
