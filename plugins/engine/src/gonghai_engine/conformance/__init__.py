"""The conformance kit: what every plugin promises, checked; and what an author needs beside it.

It stands beside the engine, but nothing of the engine imports it. It reads files and starts
processes, which the engine never does: a plugin is examined in a process of its own, so that one
that loops, exits or crashes is a finding, too.

- `gonghai plugin check` and the pytest plugin: `checking.check_plugin`
- `gonghai plugin try`: `trial`
- `gonghai plugin new`: `templates`

The command and the pytest plugin need what the extra ``gonghai-plugin-sdk[check]`` brings.
"""

from gonghai_engine.conformance.checking import Limits, check_plugin
from gonghai_engine.conformance.findings import Check, Finding, Report, Status

__all__ = ["Check", "Finding", "Limits", "Report", "Status", "check_plugin"]
