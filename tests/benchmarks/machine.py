"""The machine and the versions that figures were found on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

from gonghai_chassis.embedded import bundled_binary
from tests.benchmarks.row import percentile

_PACKAGES = ("grpcio", "protobuf", "protovalidate", "redis", "hiredis", "uvloop", "durable-rules")


def machine() -> dict[str, Any]:
    """What there is to know of the machine; memory in MiB."""
    return {
        "cpus": os.cpu_count(),
        "usable_cpus": len(os.sched_getaffinity(0)),
        "cpu": _cpu(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": platform.platform(),
        "load_before": os.getloadavg()[0],
    }


def versions() -> dict[str, str]:
    """Versions of Python, the store and the libraries that count."""
    store = subprocess.run(  # noqa: S603 - our own server
        [str(bundled_binary()), "--version"], capture_output=True, text=True, check=True
    )
    return {
        "python": platform.python_version(),
        "store": store.stdout.strip().split(" sha=")[0],
        **{package: version(package) for package in _PACKAGES},
    }


def disk_ms(directory: Path, times: int = 200) -> dict[str, float]:
    """How long a disk takes to keep a small write for good (fdatasync), in milliseconds."""
    found = []
    with (directory / "fdatasync").open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(bytes(2000))
            began = perf_counter()
            os.fdatasync(file.fileno())
            found.append((perf_counter() - began) * 1000)
    return {"p50": percentile(found, 0.5), "p99": percentile(found, 0.99)}


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, in user and system together."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
