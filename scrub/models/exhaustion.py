"""Whether an error says that memory ran out, in whichever words the allocator has for it."""

from __future__ import annotations

import torch

# of torch's CPU allocator: on Linux it says the first, on Windows the second
SAID = ("can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocator gave up, on a GPU or on the CPU."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in SAID)
