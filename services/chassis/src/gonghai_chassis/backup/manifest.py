"""What a backup says of itself: `manifest.json`, written last, so that no half backup has one."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gonghai_chassis.backup.failures import BackupDamaged

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 1
NAME: Final = "manifest.json"


class Snapshot(BaseModel):
    """One file of a backup: all that one master held at one moment.

    Attributes:
        file: its name in the backup's directory.
        server: name and version of the server that wrote it.
        taken: not earlier than this was the moment.
        partitions: of which partitions it is the whole; what it holds of others is none of it.
        bytes: its size.
        sha256: its sum, hexadecimal.
        keys: how many keys it had when it was first loaded; None when that was left out.
        lasting: how many of these never expire.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    server: str
    taken: datetime
    partitions: tuple[int, ...]
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    keys: int | None = None
    lasting: int | None = None


class Manifest(BaseModel):
    """A backup: every partition of one installation, each whole in one file.

    Attributes:
        format: version of this form.
        id: random; tells one backup from another.
        partitions: how many the installation has.
        database: in which database of the servers the keys are.
        began: nothing that was acknowledged before is missing.
        ended: nothing that came later is there.
        snapshots: the files.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    id: str
    partitions: int = Field(ge=1)
    database: int = Field(ge=0)
    began: datetime
    ended: datetime
    snapshots: tuple[Snapshot, ...]

    @classmethod
    def of(cls, directory: Path) -> Manifest:
        """Reads what a backup says of itself.

        Raises:
            BackupDamaged: there is no backup, or one that this program does not know.
        """
        path = directory / NAME
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            raise BackupDamaged(
                f"{directory} is no backup: it has no {NAME}. One that was interrupted has none."
            ) from None
        try:
            manifest = cls.model_validate_json(text)
        except ValidationError as error:
            raise BackupDamaged(f"{path} cannot be read: {error}") from None
        if manifest.format != FORMAT:
            raise BackupDamaged(
                f"{path} has format {manifest.format}, this program knows {FORMAT}."
            )
        held = sorted(index for part in manifest.snapshots for index in part.partitions)
        if held != list(range(manifest.partitions)):
            raise BackupDamaged(f"{path} does not name each partition once.")
        return manifest

    def write(self, directory: Path) -> None:
        """Writes it into the directory, and onto the disk."""
        with (directory / NAME).open("w", encoding="utf-8") as file:
            file.write(self.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
