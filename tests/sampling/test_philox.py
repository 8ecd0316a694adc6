"""Counter-based draws: the published generator, uniform, and a function of key and counter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from scrub.sampling.philox import key_of, philox, uniform_index, uniform_unit, uniform_words

# Known answers of Philox4x32-10 from the authors' distribution (Random123, kat_vectors).
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_the_known_answers_of_the_authors(counter, key, expected):
    words = tuple(np.array([word], dtype=np.uint64) for word in counter)
    assert tuple(int(word[0]) for word in philox(words, key)) == expected


def test_indices_are_uniform():
    rows, draws = np.arange(2000)[:, None], np.arange(10)[None, :]
    found = uniform_index(uniform_words(rows, draws, key_of(3, "path")), np.array(7))
    assert chisquare(np.bincount(found.ravel(), minlength=7)).pvalue > 1e-3


def test_streams_with_different_keys_are_unrelated():
    rows, draws = np.arange(5000), np.zeros(5000, dtype=np.int64)
    one, other = (uniform_unit(uniform_words(rows, draws, key_of(0, name))) for name in "ab")
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05


@given(st.integers(1, 2**31), st.integers(0, 2**40), st.integers(0, 2**40))
def test_an_index_lies_below_its_size_whatever_the_counter(size, example, draw):
    words = uniform_words(np.array([example]), np.array([draw]), key_of(0, "x"))
    assert 0 <= int(uniform_index(words, np.array([size]))[0]) < size


def test_names_of_a_key_do_not_run_together():
    assert key_of(0, "ab", "c") != key_of(0, "a", "bc")
