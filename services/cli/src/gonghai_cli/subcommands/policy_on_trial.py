"""What the commands share that try a document, or another version of a plugin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gonghai_cli.account.reading import ident
from gonghai_cli.words import word

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gonghai.type.v1 import decision_pb2
    from gonghai_cli.language import Language

Tenant = Annotated[str, typer.Option("--tenant", "-t", help="The tenant's id.")]
Document = Annotated[
    Path | None,
    typer.Argument(
        exists=True, dir_okay=False, help="The YAML document; without it the one in force."
    ),
]
Candidates = Annotated[
    list[str] | None,
    typer.Option(
        "--candidate",
        help="A version of a plugin instead of the installed one, as PLUGIN==VERSION. The services "
        "have it in the folder that GONGHAI_PLUGINS_CANDIDATES names.",
    ),
]


def undecided_table(undecided: Iterable[decision_pb2.Undecided], language: Language) -> Table:
    """Return on whom could not be decided, by cause."""
    columns = ("policy", "plugin", "problem", "customers", "examples")
    table = Table(
        *(word(column, language) for column in columns),
        title=word("undecided_title", language),
        title_justify="left",
    )
    for one in undecided:
        examples = ", ".join(ident(name) for name in one.examples)
        table.add_row(
            one.policy,
            one.plugin,
            escape(f"{one.cause}: {one.message}"),
            str(one.customers),
            examples + (", …" if one.customers > len(one.examples) else ""),
        )
    return table
