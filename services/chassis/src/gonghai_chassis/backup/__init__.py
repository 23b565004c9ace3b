"""Backups: a snapshot of each master of a store that is in use, and stores made from them again."""

from gonghai_chassis.backup.creation import create
from gonghai_chassis.backup.failures import (
    BackupDamaged,
    BackupFailed,
    BackupFailure,
    RestoreFailed,
    RestoreRefused,
)
from gonghai_chassis.backup.manifest import Manifest, Snapshot
from gonghai_chassis.backup.restoration import restore_to_directory, restore_to_store
from gonghai_chassis.backup.verification import verify

__all__ = [
    "BackupDamaged",
    "BackupFailed",
    "BackupFailure",
    "Manifest",
    "RestoreFailed",
    "RestoreRefused",
    "Snapshot",
    "create",
    "restore_to_directory",
    "restore_to_store",
    "verify",
]
