"""What every command that calls the services shares: where they are, who calls, how errors show."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gonghai_chassis.clients import PeerFailed
from gonghai_chassis.errors import PeerRefused, PeerUnavailable
from gonghai_cli.refusals import describe
from gonghai_cli.services import Services

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.console import Console

    from gonghai_cli.language import Language
    from gonghai_cli.stack import Addresses

T = TypeVar("T")

CaFile = Annotated[
    Path | None,
    typer.Option(
        envvar="GONGHAI_TLS_CA_FILE",
        exists=True,
        dir_okay=False,
        help="Who signs the services' certificates; plaintext without.",
    ),
]
"""The option of commands that reach services which encrypt."""

TokenFile = Annotated[
    Path | None,
    typer.Option(
        envvar="GONGHAI_ADMIN_TOKEN_FILE",
        exists=True,
        dir_okay=False,
        help="A bearer token of an administrator of the tenant; not needed in dev mode.",
    ),
]
"""The option of commands that only an administrator may give."""

REFUSED = 1
"""The exit status when a service refuses."""
UNREACHABLE = 3
"""The exit status when a service cannot be reached."""
UNDECIDED = 4
"""The exit status where a policy could not decide on something that the answer rests on."""


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation of the command line.

    Attributes:
        addresses: where the services listen.
        principal: who calls, in dev mode.
        language: in which reasons are to come.
        console: where the answer is printed.
        errors: where errors are.
        token: bearer token of who calls, in production; "" in dev mode.
        ca_file: who signs the services' certificates; plaintext when None.
    """

    addresses: Addresses
    principal: str
    language: Language
    console: Console
    errors: Console
    token: str = ""
    ca_file: Path | None = None

    def signed_in(self, token_file: Path | None, ca_file: Path | None) -> Session:
        """Return the same, calling with the token of a file, where there is one."""
        token = token_file.read_text("utf-8").strip() if token_file is not None else ""
        return replace(self, token=token, ca_file=ca_file)

    def run(self, work: Callable[[Services], Awaitable[T]]) -> T:
        """Do some work with the services.

        Raises:
            Exit: a service refused, or cannot be reached; a person was told.
        """

        async def working() -> T:
            async with Services(
                self.addresses,
                principal=self.principal,
                language=self.language,
                token=self.token,
                ca_file=self.ca_file,
            ) as services:
                return await work(services)

        try:
            return asyncio.run(working())
        except PeerRefused as refusal:
            self.errors.print(describe(refusal))
            raise typer.Exit(REFUSED) from None
        except (PeerUnavailable, PeerFailed) as error:
            self.errors.print(str(error), style="red", markup=False)
            raise typer.Exit(UNREACHABLE) from None


def session_of(context: typer.Context) -> Session:
    """Return the session that the main callback made.

    Raises:
        TypeError: there is none.
    """
    session = context.obj
    if not isinstance(session, Session):
        raise TypeError("The main callback made no session.")
    return session
