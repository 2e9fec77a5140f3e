"""The compiled products: numpy's numbers at any size, the same to the bit side by side, and weights of eight bits."""

import numpy as np
import pytest
from numba.core.caching import NullCache
from numba.core.registry import CPUDispatcher

from engine.core import kernels
from engine.core.kernels import digest, eight_bits, exp, rounded, scaled, times
from engine.melody import sampler
from engine.player import compiled as player
from engine.trombone import compiled as trombone

RNG = np.random.default_rng(0)


def drawn(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("rows", [1, 3, 4, 9])
@pytest.mark.parametrize(("inner", "width"), [(8, 5), (3, 7), (21, 800), (20, 33), (1, 1)])
def test_a_product_is_numpys_and_each_row_the_same_alone(rows, inner, width):
    x, weights, out = drawn(rows, inner), drawn(inner, width), drawn(rows, width)
    wanted = out + x @ weights
    alone = out.copy()
    times(x, weights, out, rows, width)
    assert np.allclose(out, wanted, atol=1e-4)
    for row in range(rows):
        times(x[row : row + 1], weights, alone[row : row + 1], 1, width)
    assert (alone == out).all()


def test_eight_bits_are_the_nearest_levels_of_each_column_and_rounding_twice_changes_nothing():
    weights = drawn(2, 12, 9) * np.linspace(0.01, 3, 9, dtype=np.float32)
    levels, scale = eight_bits(weights)
    assert levels.dtype == np.int8 and levels.flags.c_contiguous and scale.shape == (2, 9)
    assert np.abs(levels).max((0, 1)).tolist() == [127] * 9
    assert (np.abs(rounded(weights) - weights) <= 0.501 * scale[:, None]).all()
    assert (eight_bits(rounded(weights))[0] == levels).all()
    assert not rounded(np.zeros((3, 4), np.float32)).any()


def test_a_product_by_eight_bits_is_that_of_the_rounded_weights():
    x, weights = drawn(5, 30), drawn(30, 11)
    out = np.empty((5, 11), np.float32)
    scaled(x, *eight_bits(weights), out, 5)
    assert np.allclose(out, x @ rounded(weights), atol=1e-4)


def test_the_exponential_is_within_its_bound():
    x = np.linspace(-12, 12, 4001, dtype=np.float32)
    ours = np.array([exp(value) for value in x])
    assert np.abs(ours / np.exp(x.astype(np.float64)) - 1).max() < 2e-5
    assert exp(np.float32(-100)) < 1e-12


@pytest.mark.parametrize("module", [kernels, sampler, player, trombone], ids=lambda module: module.__name__)
def test_what_is_kept_on_disk_knows_its_sources_and_calls_nothing_that_is_kept_without(module):
    """numba would find a function again whose own file is as it was, and what it called with it."""
    functions = [each for each in vars(module).values() if isinstance(each, CPUDispatcher)]
    kept = [each for each in functions if not isinstance(each._cache, NullCache)]
    assert len(functions) > len(kept) and bool(kept) == (module is not kernels)
    for each in kept:
        assert [cell.cell_contents for cell in each.py_func.__closure__ if isinstance(cell.cell_contents, str)]


def test_a_digest_is_of_all_its_sources(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("1")
    before = digest(file)
    assert before == digest(file) != digest()
    file.write_text("2")
    assert digest(file) != before
