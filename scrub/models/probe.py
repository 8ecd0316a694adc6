"""Whether the adapter reproduces the model that was loaded: measured, before its first use."""

from __future__ import annotations

from dataclasses import dataclass

from scrub.errors import ModelRefused, ScrubError
from scrub.models.adapter import TransformersModel
from scrub.models.checks import CHECKS, finite_weights
from scrub.models.exhaustion import is_out_of_memory
from scrub.models.measure import Check
from scrub.models.plain import Plain
from scrub.models.versions import advice


@dataclass(frozen=True)
class ProbeReport:
    """Every check that ran on a model, in order."""

    model: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    def require(self) -> None:
        """Raises `ModelRefused` with what failed first, by how much, and where."""
        failed = next((check for check in self.checks if not check.passed), None)
        if failed is not None:
            raise ModelRefused(
                f"model '{self.model}' is refused, for this does not hold: {failed.name}. At "
                f"{failed.where} the error is {failed.error:.2g}; at most {failed.tolerance:.2g} "
                f"is allowed. {failed.fix}".rstrip()
            )


def probe(model: TransformersModel, seed: int = 0) -> ProbeReport:
    """Runs all checks, on two short rows of random tokens.

    Weights or values that are not finite end it at once: nothing computed from them compares.
    Raises `ModelRefused` where the model cannot be run as its facts say.
    """
    plain = Plain(model, seed)
    done = [finite_weights(model)]
    for check in CHECKS:
        if any(not measured.passed for measured in done if measured.final):
            break
        try:
            done += check(plain)
        except (ScrubError, MemoryError):
            raise
        except Exception as error:  # the model's own code, run on what it was not written for
            if is_out_of_memory(error):
                raise
            raise ModelRefused(_not_run(model.name, error)) from error
    return ProbeReport(model.name, tuple(done))


def _not_run(name: str, error: Exception) -> str:
    said = f"{type(error).__name__}: {error}".rstrip(".")
    fix = advice() or "Please report it, with the config."
    return f"model '{name}' is refused, for it does not run as its facts say: {said}. {fix}"
