"""What can go wrong with a backup; each message tells a person what to do."""

from __future__ import annotations


class BackupFailure(Exception):  # noqa: N818 - a family of outcomes, each named for what happened
    """Anything that kept a backup from being made, trusted or used."""


class BackupFailed(BackupFailure):
    """No backup was made; what was begun is gone."""


class BackupDamaged(BackupFailure):
    """What lies there is no backup, or not the one that was made."""


class RestoreRefused(BackupFailure):
    """The place to restore to is in use; nothing was changed."""


class RestoreFailed(BackupFailure):
    """A restore broke off, and is to be run again; the store that it wrote to stays marked."""
