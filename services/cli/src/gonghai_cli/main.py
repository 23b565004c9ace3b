"""The `gonghai` command."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from gonghai_cli.extensions import extend
from gonghai_cli.language import Language, language_of_environment
from gonghai_cli.stack import Addresses
from gonghai_cli.subcommands import (
    apply,
    backup,
    clock,
    commission,
    customer,
    doctor,
    explain,
    policy,
    quarantine,
    revisions,
    run,
    scorecard,
)
from gonghai_cli.subcommands.session import Session

app = typer.Typer(
    help="Gonghai: customers, public pools, and who gets whom.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command("dev")(run.dev)
app.command("demo")(run.demo)
app.command("apply")(apply.apply)
app.command("explain")(explain.explain)
app.command("doctor")(doctor.doctor)
app.add_typer(customer.app, name="customer")
app.add_typer(commission.app, name="commission")
app.add_typer(scorecard.app, name="scorecard")
policy.app.command("revisions")(revisions.revisions)
policy.app.command("diff")(revisions.diff)
policy.app.command("rollback")(revisions.rollback)
app.add_typer(policy.app, name="policy")
app.add_typer(clock.app, name="clock")
app.add_typer(quarantine.app, name="quarantine")
extend(app)
app.add_typer(backup.app, name="backup")

_DEFAULT = Addresses()


@app.callback()
def _begin(
    context: typer.Context,
    *,
    archive: Annotated[
        str, typer.Option(envvar="GONGHAI_ARCHIVE_ADDRESS", help="Where archive listens.")
    ] = _DEFAULT.archive,
    pool: Annotated[
        str, typer.Option(envvar="GONGHAI_POOL_ADDRESS", help="Where pool listens.")
    ] = _DEFAULT.pool,
    assignment: Annotated[
        str, typer.Option(envvar="GONGHAI_ASSIGNMENT_ADDRESS", help="Where assignment listens.")
    ] = _DEFAULT.assignment,
    principal: Annotated[
        str, typer.Option("--as", help="Who calls, in dev mode: rep:wang@acme.")
    ] = "",
    lang: Annotated[
        Language | None, typer.Option(help="The language of reasons; by the locale when unset.")
    ] = None,
) -> None:
    context.obj = Session(
        addresses=Addresses(archive, pool, assignment),
        principal=principal,
        language=lang or language_of_environment(),
        console=Console(),
        errors=Console(stderr=True),
    )


def main() -> None:
    """Run the command line."""
    app()
