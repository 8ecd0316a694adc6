"""Counter-based random numbers: a draw depends on its key and its counter, and on nothing else.

Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), vectorised over
counters. The same draw comes out whatever the batch, the order, the device or the worker.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_ROUNDS = 10


def philox(counter: tuple[U64, U64, U64, U64], key: tuple[int, int]) -> tuple[U64, U64, U64, U64]:
    """Four 32-bit words (held in 64 bits) for each counter of four 32-bit words.

    >>> zero = np.zeros(1, dtype=np.uint64)
    >>> [hex(int(word[0])) for word in philox((zero, zero, zero, zero), (0, 0))]
    ['0x6627e8d5', '0xe169c58d', '0xbc57ac4c', '0x9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (
            (p1 >> _SHIFT) ^ c1 ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> _SHIFT) ^ c3 ^ np.uint64(k1),
            p0 & _LOW,
        )
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return c0, c1, c2, c3


def key_of(seed: int, *names: str) -> tuple[int, int]:
    """The key of a stream of draws, from the seed and the names that identify it."""
    text = "\x1f".join([str(seed), *names])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def uniform_words(
    examples: NDArray[np.int64], draws: NDArray[np.int64], key: tuple[int, int]
) -> tuple[U64, U64]:
    """64 uniform bits for each (example, draw), as two 32-bit words (high, low)."""
    e, d = np.broadcast_arrays(examples.astype(np.uint64), draws.astype(np.uint64))
    high, low, _, _ = philox((e & _LOW, e >> _SHIFT, d & _LOW, d >> _SHIFT), key)
    return high, low


def uniform_index(words: tuple[U64, U64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """A uniform index below each size (below 2^32), by multiplication; the bias is under 2^-32.

    >>> words = uniform_words(np.arange(4), np.zeros(4, dtype=np.int64), key_of(0, "path"))
    >>> bool((uniform_index(words, np.array([1, 2, 3, 4])) < [1, 2, 3, 4]).all())
    True
    """
    high, low = words
    n = sizes.astype(np.uint64)
    return ((high * n + ((low * n) >> _SHIFT)) >> _SHIFT).astype(np.int64)


def uniform_unit(words: tuple[U64, U64]) -> NDArray[np.float64]:
    """A uniform number in [0, 1), with 53 bits."""
    high, low = words
    bits = (high << np.uint64(21)) | (low >> np.uint64(11))
    return bits.astype(np.float64) * 2.0**-53
