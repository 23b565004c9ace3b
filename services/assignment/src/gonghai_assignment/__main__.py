"""Runs the assignment service: `python -m gonghai_assignment`."""

from __future__ import annotations

from gonghai_assignment.service import assemble
from gonghai_assignment.settings import AssignmentSettings
from gonghai_chassis.server import main

if __name__ == "__main__":
    raise SystemExit(main("assignment", assemble, AssignmentSettings))
