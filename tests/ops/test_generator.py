"""Draws are functions of a seed and a draw's number, and look like what they are named after."""

import itertools
import json
import math
import threading
from typing import Any

import numpy as np
import pytest

import autograd_iron as ai

MASK = (1 << 64) - 1
SEEDS = (0, 1, 2, 7, (1 << 64) - 1, 1 << 64, (1 << 128) - 1)


def philox(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    """One block of Philox4x64-10, written down from the paper."""
    a, b, c, d = counter
    left, right = key
    for _ in range(10):
        p, q = 0xD2E7470EE14C6C93 * a, 0xCA5A826395121157 * c
        a, b, c, d = q >> 64 ^ b ^ left, q & MASK, p >> 64 ^ d ^ right, p & MASK
        left, right = left + 0x9E3779B97F4A7C15 & MASK, right + 0xBB67AE8584CAA73B & MASK
    return a, b, c, d


def words(seed: int, draw: int, count: int) -> list[int]:
    blocks = (philox((i + 1, 0, 0, draw), (seed & MASK, seed >> 64)) for i in itertools.count())
    return list(itertools.islice(itertools.chain.from_iterable(blocks), count))


def numbers(seed: int, draw: int, count: int, dtype: str) -> list[float]:
    if dtype == "float64":
        return [(word >> 11) / 2**53 for word in words(seed, draw, count)]
    halves = (h for w in words(seed, draw, count // 2 + 1) for h in (w & 0xFFFFFFFF, w >> 32))
    return [(half >> 8) / 2**24 for half in itertools.islice(halves, count)]


def at(seed: int, draws: int) -> ai.Generator:
    generator = ai.Generator()
    generator.state = {"seed": seed, "draws": draws}
    return generator


@pytest.mark.parametrize(
    ("counter", "key", "block"),
    [
        (
            (0, 0, 0, 0),
            (0, 0),
            (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
        ),
        (
            (MASK,) * 4,
            (MASK,) * 2,
            (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0),
        ),
        (
            (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
            (0x452821E638D01377, 0xBE5466CF34E90C6C),
            (0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6),
        ),
    ],
)
def test_the_reference_gives_the_known_answers(counter: Any, key: Any, block: Any) -> None:
    """Those published with Random123, the authors' own code."""
    assert philox(counter, key) == block


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", SEEDS)
def test_uniform_numbers_are_those_of_the_definition(seed: int, dtype: str) -> None:
    for draw in (0, 1, 5, MASK):
        assert at(seed, draw).uniform(37, dtype=dtype).tolist() == numbers(seed, draw, 37, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 9, 15, 16, 17, 100])
def test_normal_numbers_are_those_of_the_definition(n: int, dtype: str) -> None:
    half = -(-n // 16) * 8 if dtype == "float32" else -(-n // 8) * 4
    uniform = numbers(3, 2, 2 * half, dtype)
    pairs = list(zip(uniform[:half], uniform[half:], strict=True))
    lengths = [math.sqrt(-2 * math.log(1 - u)) for u, _ in pairs]
    angles = [2 * math.pi * (v - 0.5) for _, v in pairs]
    expected = [
        *(r * math.cos(a) for r, a in zip(lengths, angles, strict=True)),
        *(r * math.sin(a) for r, a in zip(lengths, angles, strict=True)),
    ]
    drawn = at(3, 2).normal(n, mean=-1.0, std=2.0, dtype=dtype).numpy()
    tolerance = 16 * np.finfo(dtype).eps
    np.testing.assert_allclose(drawn, 2 * np.array(expected[:n]) - 1, tolerance, tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normal_numbers_of_a_long_draw_are_made_in_groups(dtype: str) -> None:
    """All groups but the last are those of any longer draw."""
    group = 2 * 1024 * 32 // np.dtype(dtype).itemsize
    long = at(5, 1).normal(3 * group, dtype=dtype).numpy()
    short = at(5, 1).normal(2 * group + 100, dtype=dtype).numpy()
    np.testing.assert_array_equal(short[: 2 * group], long[: 2 * group])
    assert len(np.unique(long)) > 0.99 * len(long)


def test_low_and_high_are_rounded_as_numpy_rounds() -> None:
    u = at(1, 0).uniform(1000).numpy()
    drawn = at(1, 0).uniform(1000, low=-0.3, high=np.float64(0.4)).numpy()
    np.testing.assert_array_equal(drawn, u * np.float32(0.7) + np.float32(-0.3))


# --- the state


def test_the_state_is_the_seed_and_the_number_of_draws() -> None:
    generator = ai.Generator(1 << 100)
    generator.normal((3, 2))
    generator.uniform()
    generator.integers(0, 5, 3)
    generator.permutation(4)
    assert json.loads(json.dumps(generator.state)) == {"seed": 1 << 100, "draws": 4}
    again = ai.Generator()
    again.state = json.loads(json.dumps(generator.state))
    assert again.normal(9).tolist() == generator.normal(9).tolist()


DRAWS = {
    "normal": lambda g, n: g.normal(n),
    "uniform": lambda g, n: g.uniform(n),
    "integers": lambda g, n: g.integers(0, 1000, n),
    "permutation": lambda g, n: g.permutation(n),
}


@pytest.mark.parametrize("kind", DRAWS)
def test_no_draw_depends_on_how_much_another_took(kind: str) -> None:
    reference = None
    for taken in (0, 1, 3, 1000):
        generator = ai.Generator(11)
        DRAWS[kind](generator, taken)
        drawn = [draw(generator, 50).tolist() for draw in DRAWS.values()]
        reference = reference or drawn
        assert drawn == reference


def test_a_draw_that_fails_is_none() -> None:
    generator = ai.Generator(0)
    for draw in (
        lambda: generator.normal((-1,)),
        lambda: generator.uniform((2, -1)),
        lambda: generator.integers(5, 0, 3),
    ):
        with pytest.raises(ValueError, match=r"."):
            draw()
    assert generator.state == {"seed": 0, "draws": 0}


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"seed": 1},
        {"seed": -1, "draws": 0},
        {"seed": 1, "draws": -1},
        {"seed": 1, "draws": 1.0},
        {"seed": 1, "draws": 1 << 64},
        {"seed": "1", "draws": 0},
        {"bit_generator": "PCG64", "state": {"state": 1, "inc": 1}},
        None,
    ],
)
def test_a_wrong_state_changes_nothing(state: Any) -> None:
    generator = at(3, 4)
    with pytest.raises(ValueError, match="not a state of a Generator, which holds seed and draws"):
        generator.state = state
    assert generator.state == {"seed": 3, "draws": 4}


def test_threads_do_not_mix_their_draws() -> None:
    found: dict[int, list[Any]] = {}

    def work(seed: int) -> None:
        generator = ai.Generator(seed)
        found[seed] = [generator.normal(50).tolist() for _ in range(300)]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = dict(found)
    for seed in range(4):
        work(seed)
    assert together == found


# --- distributions; the seeds are fixed, so that none of this can fail by chance


def distance(values: Any, distribution: Any) -> float:
    """Kolmogorov and Smirnov's, times the root of the number of values: 1.95 is 1 in 1000."""
    values = np.sort(values.astype("float64"))
    expected, n = distribution(values), len(values)
    steps = np.arange(n + 1) / n
    largest = max(np.max(steps[1:] - expected), np.max(expected - steps[:-1]))
    return float(largest * math.sqrt(n))


def bell(x: Any) -> Any:
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", SEEDS)
def test_distributions(seed: int, dtype: str) -> None:
    generator, n = at(seed, 3), 100_003
    assert distance(generator.uniform(n, dtype=dtype).numpy(), lambda x: x) < 1.95
    normal = generator.normal(n, dtype=dtype).numpy()
    assert distance(normal, bell) < 1.95
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        mean = np.mean(normal.astype("float64") ** power)
        assert abs(mean - moment) < 4 * math.sqrt(variance / n)
    assert 4 < np.max(np.abs(normal)) < 6
    # Many draws of one number each are as good as one draw of many.
    each = np.array([[float(generator.uniform()), float(generator.normal())] for _ in range(2000)])
    assert distance(each[:, 0], lambda x: x) < 1.95
    assert distance(each[:, 1], bell) < 1.95


def test_a_pair_of_normal_numbers_is_independent() -> None:
    n = 2 * 1024 * 8 * 10
    drawn = ai.Generator(2).normal((10, 2, 1024 * 8)).numpy().astype("float64")
    cosines, sines = drawn[:, 0].ravel(), drawn[:, 1].ravel()
    for one, other in (
        (cosines, sines),
        (cosines**2 - 1, sines**2 - 1),
        (np.abs(cosines), np.sign(sines)),
        (np.sign(cosines), np.sign(sines)),
    ):
        assert abs(np.corrcoef(one, other)[0, 1]) < 4 / math.sqrt(n / 2)


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_streams_are_not_correlated(kind: str) -> None:
    n = 20_000
    streams = [at(seed, draw) for seed in (*SEEDS, 3, 4) for draw in (0, 1, 2, 3, MASK)]
    rows = [DRAWS[kind](stream, n).numpy().astype("float64") for stream in streams]
    correlations = np.corrcoef(rows)
    np.fill_diagonal(correlations, 0)
    assert np.max(np.abs(correlations)) < 5 / math.sqrt(n)


def test_integers_and_permutations_are_even() -> None:
    generator = ai.Generator(0)
    counts = np.bincount(generator.integers(0, 10, 100_000).numpy(), minlength=10)
    assert np.sum((counts - 10_000) ** 2 / 10_000) < 27.9  # chi-squared, 9 degrees: 1 in 1000
    firsts = np.array([generator.permutation(6).numpy() for _ in range(6000)])
    for place in range(6):
        counts = np.bincount(firsts[:, place], minlength=6)
        assert np.sum((counts - 1000) ** 2 / 1000) < 20.5  # 5 degrees


@pytest.mark.parametrize("n", [-2, 2.5, [3, 1, 2], "3"])
def test_a_permutation_is_of_a_count(n: Any) -> None:
    generator = ai.Generator(0)
    with pytest.raises(ValueError, match=r"n is a count, not .*x\[generator.permutation"):
        generator.permutation(n)
    assert generator.state["draws"] == 0
    assert generator.permutation(0).shape == (0,)
    assert generator.permutation(np.int64(3)).shape == (3,)
