"""A whole Gonghai on this machine: the store and the three services, as processes."""

from gonghai_cli.stack.addresses import PORT_BASE, Addresses
from gonghai_cli.stack.data import DataDirectory, DataInUse
from gonghai_cli.stack.stack import (
    SERVICES,
    STORE,
    PortInUse,
    Stack,
    StackFailed,
    StackSettings,
)

__all__ = [
    "PORT_BASE",
    "SERVICES",
    "STORE",
    "Addresses",
    "DataDirectory",
    "DataInUse",
    "PortInUse",
    "Stack",
    "StackFailed",
    "StackSettings",
]
