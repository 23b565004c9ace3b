"""`gonghai plugin …`: what the author of a plugin does.

The command line finds this group by its entry point (``gonghai.commands``): it knows the services
only, and an engine in it would be a second way to decide. Every figure here is decided in this
process, for the author alone; nothing is asked of a running service.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gonghai_engine.conformance.checking import Limits, check_plugin
from gonghai_engine.conformance.findings import PROMISES, Check, Status
from gonghai_engine.conformance.golden import rewritten
from gonghai_engine.conformance.projects import golden_of, plugin_here
from gonghai_engine.conformance.templates import TemplateError, make
from gonghai_engine.conformance.trial import Trial, TrialError, trial
from gonghai_engine.loading import PluginSelection, load

if TYPE_CHECKING:
    from gonghai_engine.conformance.findings import Report

app = typer.Typer(
    help="Plugins: make one, check it, try it.", no_args_is_help=True, add_completion=False
)

FAILED: Final = 1
"""The exit status of a plugin that does not keep its promises."""
WRONG_INPUT: Final = 2
"""The exit status when what was given cannot be used."""


class Excuse(StrEnum):
    """What may be excused, by the names of `EXCUSABLE`."""

    REACHABLE = Check.REACHABLE.value
    GOLDEN = Check.GOLDEN.value


_COLOURS: Final = {
    Status.PASSED: "green",
    Status.WARNED: "yellow",
    Status.FAILED: "red",
    Status.SKIPPED: "dim",
}
_WIDTH: Final = 140
"""Columns where no terminal says how many there are."""

Name = Annotated[str | None, typer.Argument(help="The plugin; the one of this folder when unset.")]
PluginName = Annotated[str, typer.Option("--plugin", "-p", help="The plugin that decides.")]
GoldenPath = Annotated[
    Path | None,
    typer.Option("--golden", exists=True, dir_okay=False, help="Its golden decisions."),
]


@app.command("list")
def list_plugins(context: typer.Context) -> None:
    """List the installed plugins, and what is wrong with those that do not load."""
    del context
    table = Table("plugin", "distribution", "version", "SDK", "state")
    for item in load(PluginSelection()).health:
        state = "[green]loads[/]" if item.ok else f"[red]{escape(item.error)}[/]"
        table.add_row(item.name, item.distribution, item.version, item.sdk, state)
    _console().print(table)


@app.command("check")
def check(
    name: Name = None,
    golden: GoldenPath = None,
    *,
    update_golden: Annotated[
        bool,
        typer.Option(
            "--update-golden", help="Write what it decides into the golden decisions, for review."
        ),
    ] = False,
    seconds: Annotated[float, typer.Option(help="How long the check may take.", min=1)] = 60,
    excuse: Annotated[
        list[Excuse] | None,
        typer.Option(help="What is to warn only: no golden decisions, or rules never reached."),
    ] = None,
) -> None:
    """Check what every plugin promises: exit status 1 when it does not keep it."""
    here = Path.cwd()
    plugin = name or plugin_here(here)
    if plugin is None:
        raise typer.BadParameter("name a plugin: this folder has no golden.yaml", param_hint="NAME")
    path = golden or golden_of(plugin, here)
    excused = [Check(item) for item in excuse or ()]
    report = check_plugin(plugin, path, Limits(seconds=seconds), excused)
    if update_golden and path is not None:
        changed = _update(path, report)
        _console().print(f"{path}: {'written anew, please review it' if changed else 'unchanged'}")
        if changed:
            report = check_plugin(plugin, path, Limits(seconds=seconds), excused)
    _show(report)
    if not report.passed:
        raise typer.Exit(FAILED)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Its name in policy documents: tea, spare_parts.")],
    folder: Annotated[
        Path | None, typer.Argument(help="Where to make it; gonghai-NAME when unset.")
    ] = None,
    title_en: Annotated[str, typer.Option(help="The trade's name in English.")] = "",
    title_zh: Annotated[str, typer.Option(help="The trade's name in Chinese.")] = "",
) -> None:
    """Make a new plugin from the template: settings, facts, rules, golden decisions, tests."""
    try:
        made = make(name, folder, title_en=title_en, title_zh=title_zh)
    except TemplateError as error:
        raise typer.BadParameter(str(error)) from None
    console = _console()
    console.print(f"{made} is a plugin now. In it:")
    console.print("  pip install -e '.\\[check]'      and then", highlight=False)
    console.print(f"  gonghai plugin check {name}", highlight=False)
    console.print(f"  gonghai plugin try customers.csv --plugin {name}", highlight=False)


@app.command("try")
def try_plugin(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV of customers.")],
    plugin: PluginName,
    settings: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Its settings, as YAML; its defaults."),
    ] = None,
) -> None:
    """Show what a plugin would decide about the customers of a table; no service is needed."""
    try:
        decided = trial(file, plugin, settings)
    except TrialError as error:
        for problem in error.problems:
            Console(stderr=True, soft_wrap=True).print(problem, style="red", markup=False)
        raise typer.Exit(WRONG_INPUT) from None
    _show_trial(decided, chinese=_chinese(context))


def _update(path: Path, report: Report) -> bool:
    found = {
        finding.case: finding.decided
        for finding in report.of(Check.GOLDEN)
        if finding.case is not None and finding.decided is not None
    }
    text = rewritten(path, found)
    if text == path.read_text("utf-8"):
        return False
    path.write_text(text, "utf-8")
    return True


def _show(report: Report) -> None:
    title = f"{report.plugin} {report.version}".strip()
    table = Table("check", "promise", "state", title=title, title_justify="left")
    for check in Check:
        status = report.status(check)
        said = [finding.message for finding in report.of(check) if finding.message]
        promise = "\n".join([PROMISES[check], *(f"[dim]-[/] {escape(text)}" for text in said)])
        table.add_row(str(check), promise, f"[{_COLOURS[status]}]{status}[/]")
    _console().print(table)


def _show_trial(decided: Trial, *, chinese: bool) -> None:
    table = Table("customer", "stage", "tier", "reclaim", "why", title_justify="left")
    table.title = f"{decided.plugin} {decided.version}"
    for row in decided.rows:
        why = row.why.zh if chinese else row.why.en
        table.add_row(
            *(escape(text) for text in (row.customer, row.stage, row.tier, row.reclaim, why))
        )
    _console().print(table)


def _chinese(context: typer.Context) -> bool:
    """Say whether the command line that carries this group speaks Chinese."""
    return str(getattr(context.find_root().obj, "language", "en")) == "zh"


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)
