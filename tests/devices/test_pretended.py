"""The pretended devices themselves: what CUDA refuses they refuse, and what waits is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from scrub.models.sending import sent
from tests.devices.pretended import Pretended, waits
from tests.devices.pretending import COUNT

FIRST, SECOND = torch.device("cuda:0"), torch.device("cuda:1")
HOST = torch.device("cpu")


def test_tensors_say_where_they_are_and_hold_their_values() -> None:
    x = torch.arange(6.0).view(2, 3)
    for there in (FIRST, SECOND):
        y = x.to(there)
        assert (y.device, y.is_cuda, type(y)) == (there, True, Pretended)
        assert torch.equal((2 * y + 1).cpu(), 2 * x + 1)
        assert y.sum().item() == 15
        assert y[:, [0, 2]].tolist() == [[0, 2], [3, 5]]
    assert torch.zeros(2, device="cuda").device == FIRST
    assert torch.tensor([1.0], device=SECOND).device == SECOND
    assert x.to(FIRST).to(SECOND).device == SECOND
    assert torch.cuda.device_count() == COUNT


@pytest.mark.parametrize("mixed", [
    lambda x: x.to(FIRST) + x.to(SECOND),
    lambda x: x.to(FIRST) + x,
    lambda x: x.to(FIRST) @ x.to(SECOND).T,
    lambda x: torch.cat([x.to(FIRST), x]),
    lambda x: x.to(FIRST).index_select(0, torch.tensor([0])),
    lambda x: nn.Linear(3, 2).to(FIRST)(x),
    lambda x: x.to(FIRST).add_(x.to(SECOND).sum()),
])  # fmt: skip
def test_operands_of_two_devices_are_refused(mixed: Callable[[torch.Tensor], Any]) -> None:
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        mixed(torch.ones(2, 3))


def test_numbers_of_the_host_and_its_indices_are_taken() -> None:
    x = torch.ones(2, 3).to(FIRST)
    assert (x * torch.tensor(2.0)).sum().item() == 12
    assert x[torch.tensor([0])].device == FIRST


def test_numpy_is_refused() -> None:
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        torch.ones(2).to(FIRST).numpy()


def test_gradients_are_those_of_the_host_and_come_back_over_a_boundary() -> None:
    def slope(there: torch.device, then: torch.device) -> torch.Tensor:
        x = torch.arange(6.0).view(2, 3).to(there).requires_grad_()
        y = (x * x).to(then)
        (found,) = torch.autograd.grad((y * y).sum(), x)
        assert found.device == there
        return found.cpu()

    assert torch.equal(slope(FIRST, SECOND), slope(HOST, HOST))
    assert torch.equal(slope(SECOND, HOST), slope(HOST, HOST))


@pytest.mark.parametrize(("what", "waiting"), [
    (lambda x: x.cpu(), True),
    (lambda x: x.sum().item(), True),
    (lambda x: bool((x > 0).all()), True),
    (lambda x: x[x > 0], True),
    (lambda x: x.nonzero(), True),
    (lambda x: x[[0, 1]], True),
    (lambda x: torch.ones(3).to(x.device), True),
    (lambda x: torch.ones(3).to(x.device, non_blocking=True), False),
    (lambda x: sent(torch.ones(3), x.device), False),
    (lambda x: x.to(SECOND), False),
    (lambda x: torch.where(x > 0, x, 0.0).softmax(-1), False),
    (lambda x: x.index_select(0, torch.zeros(1, dtype=torch.int64, device=x.device)), False),
])  # fmt: skip
def test_what_the_host_waits_for_is_seen(
    what: Callable[[torch.Tensor], Any], waiting: bool
) -> None:
    x = torch.ones(2, 3).to(FIRST)
    waits.clear()
    what(x)
    assert bool(waits) is waiting
    assert all(wait.file == __file__ for wait in waits)


def test_what_is_sent_comes_out_of_pinned_memory() -> None:
    held = torch.empty(3, pin_memory=True)
    assert held.is_pinned()
    assert held.view(1, 3).is_pinned()
    assert not held.index_select(0, torch.tensor([0])).is_pinned()
    assert sent(torch.arange(3), SECOND).tolist() == [0, 1, 2]
    assert sent(torch.arange(3), HOST).device == HOST
