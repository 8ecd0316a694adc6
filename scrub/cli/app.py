"""The entry point `scrub`. Commands import what they need when they run, so `--help` is quick."""

from __future__ import annotations

from typing import Annotated

import typer

from scrub import __version__
from scrub.cli.check import check
from scrub.cli.guard import guarded
from scrub.cli.plan import plan
from scrub.cli.probe import probe
from scrub.cli.run import run
from scrub.cli.show import show

app = typer.Typer(
    name="scrub",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"scrub {__version__}")
        raise typer.Exit()


@app.callback(epilog="Start here: scrub run induction   (a claim and a model that come with scrub)")
def _scrub(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Test what you think a neural network computes.

    A hypothesis file says which components of a model matter, what each carries, and who reads
    whom. scrub resamples everything else from other examples and reports how much of the model's
    performance is left, with an interval.

    Exit codes: 0 done; 2 your input was refused; 3 the model was refused by the probe; 1 a fault
    of ours.
    """


EXAMPLES = {
    check: "scrub check hypotheses/induction.py",
    plan: "scrub plan hypotheses/induction.py --draws 16 --schedule",
    run: "scrub run induction --references 128 --json result.json --report result.html",
    show: "scrub show induction --svg claim.svg --png claim.png",
    probe: "scrub probe induction-2l",
}

for _command, _example in EXAMPLES.items():
    app.command(epilog=f"Example: {_example}")(guarded(_command))


def main() -> None:
    """What the `scrub` script runs."""
    try:
        app(prog_name="scrub")
    except KeyboardInterrupt:  # outside a command: while arguments are read
        raise SystemExit(130) from None
