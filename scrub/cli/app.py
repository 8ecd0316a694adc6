"""The entry point `scrub`. Commands import what they need when they run, so `--help` is quick."""

from __future__ import annotations

from typing import Annotated

import typer

from scrub import __version__
from scrub.cli.adversary import adversary
from scrub.cli.attribute import attribute
from scrub.cli.check import check
from scrub.cli.circuit import circuit
from scrub.cli.compare import compare
from scrub.cli.controls import controls
from scrub.cli.guard import guarded
from scrub.cli.help import SETTINGS, Command
from scrub.cli.interactions import interactions
from scrub.cli.interchange import interchange
from scrub.cli.models import app as models
from scrub.cli.patch import patch
from scrub.cli.plan import plan
from scrub.cli.probe import probe
from scrub.cli.report import report
from scrub.cli.results import results
from scrub.cli.run import run
from scrub.cli.search import search
from scrub.cli.show import show
from scrub.cli.suite import suite
from scrub.cli.test import test
from scrub.cli.trace import trace

app = typer.Typer(
    name="scrub",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=SETTINGS,
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

    Exit codes: 0 done; 2 your input was refused; 3 the model was refused by the probe; 4 jobs of a
    suite failed; 5 the store of a suite could not be written; 1 a fault of ours.
    """


COMMANDS = (  # in the order of use: the function, what the list of commands says, an example
    (check, "Check a hypothesis, without loading weights.", "scrub check hypotheses/induction.py"),
    (plan, "Forecast what a run will cost.", "scrub plan induction --draws 16 --schedule"),
    (run, "Scrub a hypothesis and report what it recovers.", "scrub run induction --json out.json"),
    (
        compare,
        "Compare hypotheses about one behaviour.",
        "scrub compare induction induction_chain induction_wrong --png pareto.png",
    ),
    (
        controls,
        "Hold a hypothesis against nulls and controls.",
        "scrub controls induction --png controls.png",
    ),
    (suite, "Run many scrubs, and keep every result.", "scrub suite suite.toml --workers 2"),
    (results, "List and export what suites have kept.", "scrub results scrub-store --csv all.csv"),
    (
        adversary,
        "Find the sampling that hurts a hypothesis most.",
        "scrub adversary induction --json worst.json",
    ),
    (
        trace,
        "Find where a corrupted run can be repaired.",
        "scrub trace induction --corrupt embed@match=resample --cells heads --png heads.png",
    ),
    (
        patch,
        "Replace what stands at one site, and measure what that does.",
        "scrub patch induction --at a1.h0@query --replace zero,mean,resample",
    ),
    (
        interactions,
        "Measure what components do together.",
        "scrub interactions induction --at a0.h0,a1.h0 --replace resample",
    ),
    (
        search,
        "Search for cells or edges that carry a behaviour.",
        "scrub search induction --corrupt embed=resample --hypothesis found.py",
    ),
    (
        attribute,
        "Estimate what corrupting each edge would change.",
        "scrub attribute induction --corrupt embed=resample --circuit edges.json",
    ),
    (
        circuit,
        "Evaluate circuits and paths in the model's place.",
        "scrub circuit induction --corrupt embed=resample --circuit embed,a0.h0,a1.h0",
    ),
    (
        test,
        "Test a circuit against the model and random ones.",
        "scrub test induction --references 128 --json tests.json",
    ),
    (
        interchange,
        "Put nodes' values in from other examples.",
        "scrub interchange induction_naive",
    ),
    (
        report,
        "Write results as a page that can be handed on.",
        "scrub report out.json --html report.html",
    ),
    (show, "Draw a hypothesis beside the model's layers.", "scrub show induction --svg claim.svg"),
    (probe, "Measure whether scrub reproduces a model.", "scrub probe induction-2l"),
)

for _command, _short, _example in COMMANDS:
    app.command(cls=Command, short_help=_short, epilog=f"Example: {_example}")(guarded(_command))

app.add_typer(models)


def main() -> None:
    """What the `scrub` script runs."""
    try:
        app(prog_name="scrub")
    except KeyboardInterrupt:  # outside a command: while arguments are read
        raise SystemExit(130) from None
