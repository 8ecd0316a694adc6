"""What a command says when it fails, and the exit code that goes with it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer

from scrub.errors import InputRefused, ScrubError

P = ParamSpec("P")

INTERRUPTED = 130  # what shells report for Ctrl-C
TRACEBACK = "SCRUB_TRACEBACK"


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The command, with every way of failing turned into words on stderr and an exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except typer.Exit:  # a command's own way of ending
            raise
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _hush()
        except ScrubError as error:
            _refuse(error)
            raise typer.Exit(error.exit_code) from None
        except Exception as error:
            _fault(error)
            raise typer.Exit(1) from None

    return run


def _refuse(error: ScrubError) -> None:
    """What is wrong with the input or the model, one problem a line."""
    problems = [str(p) for p in error.problems] if isinstance(error, InputRefused) else [str(error)]
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    count = f"{len(problems)} problems" if len(problems) > 1 else "1 problem"
    typer.secho(f"refused: {count}", fg="red", bold=True, err=True)
    for problem in problems:
        typer.echo(f"  {' '.join(problem.splitlines())}", err=True)


def _fault(error: Exception) -> None:
    """An exception that nobody expected is ours, not the user's."""
    what = " ".join(f"{type(error).__name__}: {error}".splitlines())
    typer.secho("a fault of ours, not of your input:", fg="red", bold=True, err=True)
    typer.echo(f"  {what}", err=True)
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    else:
        typer.echo(f"  Set {TRACEBACK}=1 to see where it happened, and please report it.", err=True)


def _hush() -> None:
    """Whoever read our output (`| head`) has seen enough; the exit must not complain either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
