"""Whether the adapter reproduces the model that was loaded: measured, before its first use."""

from __future__ import annotations

from dataclasses import dataclass

from scrub.errors import ModelRefused
from scrub.models.adapter import TransformersModel
from scrub.models.checks import CHECKS, finite_weights
from scrub.models.measure import Check
from scrub.models.plain import Plain


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
                f"is allowed."
            )


def probe(model: TransformersModel, seed: int = 0) -> ProbeReport:
    """Runs all checks, on two short rows of random tokens.

    Weights or values that are not finite end it at once: nothing computed from them compares.
    """
    plain = Plain(model, seed)
    done = [finite_weights(model)]
    for check in CHECKS:
        if any(not measured.passed for measured in done if measured.final):
            break
        done += check(plain)
    return ProbeReport(model.name, tuple(done))
