"""The pretended graphs themselves: what a CUDA graph repeats, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.devices import capturing
from tests.devices.capturing import CAPTURING, SPOILT, SYNCHRONISING
from tests.devices.streams import Stream
from tests.devices.test_scrubbing import THERE


def capture(make: Callable[[], Any]) -> tuple[Any, Any]:
    graph: Any = torch.cuda.CUDAGraph()
    aside = torch.cuda.Stream(THERE)  # type: ignore[no-untyped-call]
    with torch.cuda.graph(graph, torch.cuda.graph_pool_handle(), aside):
        found = make()
    return graph, found


def test_a_replay_computes_from_what_lies_at_the_same_places() -> None:
    x, y = torch.ones(3).to(THERE), torch.arange(3.0).to(THERE)

    def make() -> torch.Tensor:
        total = (2 * x).view(3, 1) + y
        total[0] += 1
        return total.sum(dim=0)

    graph, found = capture(make)
    assert found.isnan().all()  # nothing was computed yet
    graph.replay()
    assert found.tolist() == make().tolist() == [7, 10, 13]
    x.copy_(torch.tensor([1.0, 2, 3]), non_blocking=True)
    assert found.tolist() == [7, 10, 13]
    graph.replay()
    assert found.tolist() == make().tolist() == [13, 16, 19]


def test_what_the_host_decided_stays_as_it_was() -> None:
    x, numbers, scale = torch.ones(3).to(THERE), [2.0], torch.tensor(10.0)
    graph, found = capture(lambda: x * numbers[0] * scale)
    numbers[0] = 3.0
    scale.fill_(0)
    graph.replay()
    assert found.tolist() == [20, 20, 20]
    other = torch.zeros(3).to(THERE)
    x = other  # another place, which the graph does not know
    graph.replay()
    assert found.tolist() == [20, 20, 20]


@pytest.mark.parametrize("refused", [
    lambda x: x.sum().item(),
    lambda x: x.cpu(),
    lambda x: x[x > 0],
    lambda x: x.nonzero(),
    lambda x: torch.ones(3).to(x.device),
    lambda x: torch.ones(3).pin_memory().to(x.device, non_blocking=True),
    lambda x: torch.cuda.synchronize(),
])  # fmt: skip
def test_what_cuda_refuses_breaks_the_capture(refused: Callable[[torch.Tensor], Any]) -> None:
    x, before = torch.ones(3).to(THERE), torch.cuda.current_stream(THERE)
    with pytest.raises(RuntimeError, match=SPOILT) as raised:
        capture(lambda: refused(x))
    assert CAPTURING in str(raised.value.__context__)
    assert torch.cuda.current_stream(THERE) is not before  # as torch leaves it
    assert capturing.underway
    assert not torch.cuda.is_current_stream_capturing()


def test_waiting_is_refused_where_torch_is_asked_to() -> None:
    x = torch.ones(3).to(THERE)
    torch.cuda.set_sync_debug_mode("error")
    with pytest.raises(RuntimeError, match=SYNCHRONISING):
        x.sum().item()
    torch.cuda.set_sync_debug_mode(0)
    assert x.sum().item() == 3


def test_a_stream_has_to_wait_for_what_another_writes() -> None:
    here, aside = torch.cuda.current_stream(THERE), Stream(THERE)
    with torch.cuda.stream(aside):  # type: ignore[arg-type]
        x = torch.ones(3).to(THERE, non_blocking=True)
    with pytest.raises(AssertionError, match="may not have written yet"):
        x + 1
    here.wait_stream(aside)  # type: ignore[arg-type]
    assert (x + 1).tolist() == [2, 2, 2]
    with torch.cuda.stream(aside):  # type: ignore[arg-type]
        x.add_(1)
    with pytest.raises(AssertionError, match="may not have written yet"):
        x + 1
