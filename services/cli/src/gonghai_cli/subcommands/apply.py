"""`gonghai apply -f FILE`: a tenant's regions, teams, reps, limits and pools, as a file says."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from gonghai.pool.v1 import pool_pb2
from gonghai_cli.resources import KINDS, BadResource, parse, put, put_limits
from gonghai_cli.subcommands.session import session_of

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from rich.console import Console

    from gonghai_cli.services import Services


def apply(
    context: typer.Context,
    file: Annotated[
        Path, typer.Option("--file", "-f", exists=True, dir_okay=False, help="The YAML file.")
    ],
) -> None:
    """Put a tenant's set-up in place: what is missing is made, what is there is brought in line.

    The file names the tenant and, as lists with an `id` each, `regions`, `teams`, `reps` and
    `pools` with the fields of the contracts; and `limits`. It is read whole before anything is
    changed.
    """
    session = session_of(context)
    try:
        setup = _read(file)
    except (BadResource, yaml.YAMLError) as error:
        raise typer.BadParameter(str(error)) from None

    async def work(services: Services) -> None:
        await setup.put(services, session.console)

    session.run(work)


class _Setup:
    def __init__(self, content: dict[str, Any]) -> None:
        known = {"tenant", "limits", *(kind.collection for kind in KINDS)}
        unknown = sorted(content.keys() - known)
        if unknown or not isinstance(content.get("tenant"), str):
            raise BadResource(
                f"unknown: {', '.join(unknown)}" if unknown else "it does not name a tenant"
            )
        self._tenant: str = content["tenant"]
        self._resources: list[tuple[str, str, Message]] = []
        for kind in KINDS:
            for place, entry in enumerate(content.get(kind.collection) or ()):
                where = f"{kind.collection}[{place}]"
                fields = dict(entry)
                ident = fields.pop("id", None)
                if not isinstance(ident, str):
                    raise BadResource(f"{where} has no id")
                self._resources.append((kind.collection, ident, parse(kind.message, fields, where)))
        limits = content.get("limits")
        self._limits = None if limits is None else parse(pool_pb2.Limits, limits, "limits")

    async def put(self, services: Services, console: Console) -> None:
        for collection, ident, resource in self._resources:
            made = await put(services, self._tenant, collection, ident, resource)
            console.print(f"{collection}/{ident} {'made' if made else 'in line'}")
        if self._limits is not None:
            await put_limits(services, self._tenant, self._limits)
            console.print("limits set")


def _read(file: Path) -> _Setup:
    content = yaml.safe_load(file.read_text("utf-8"))
    if not isinstance(content, dict):
        raise BadResource(f"{file} holds no mapping")
    return _Setup(content)
