"""The floor of a training step: what NumPy's products and ufuncs alone need on this machine, now.

Each matrix product is timed alone over tiles of rows, at the tile height that suits it best, on all
threads with a single-threaded BLAS in each; or whole, with the threads inside BLAS, if that is
faster. Each ufunc is timed alone over a block that stays in cache, on all threads. The floor is
the sum over the step; a program that fuses passes may go below it.

`python -m tests.benchmarks.floor [notes] [siren] [classifier]`
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise

import numpy as np
from threadpoolctl import threadpool_limits

from tests.benchmarks import THREADS, harness
from tests.benchmarks.memory import SIZES
from tests.benchmarks.peers import classifier, siren, tanh_network

HEIGHTS = tuple(2**i for i in range(5, 13))
BLOCKS = (4096, 16_384, 65_536)
TURNS, SECONDS = 5, 0.005

Call = Callable[[], object]


@dataclass(frozen=True)
class Demand:
    """A step of a fully connected network: its sizes, and the ufuncs, backward included, that each
    hidden value, each output value and each parameter goes through.
    """

    sizes: tuple[int, ...]
    rows: int
    hidden: tuple[str, ...]
    output: tuple[str, ...]
    update: tuple[str, ...]


STEPS = {
    name: Demand(sizes, rows, work.HIDDEN, work.OUTPUT, work.UPDATE)
    for name, sizes, rows, work in [
        ("notes", SIZES, 40_000, tanh_network),
        ("siren", siren.SIZES, 65_536, siren),
        ("classifier", classifier.SIZES, 128, classifier),
    ]
}


def forward(rows: int, n: int, m: int) -> Call:
    x, w, z = _zeros(rows, n), _zeros(n, m), _zeros(rows, m)
    return lambda: np.matmul(x, w, out=z)


def input_gradient(rows: int, n: int, m: int) -> Call:
    g, w, dx = _zeros(rows, m), _zeros(n, m), _zeros(rows, n)
    # BLAS is slow at an outer product.
    multiply = np.matmul if m > 1 else np.multiply
    return lambda: multiply(g, w.T, out=dx)


def weight_gradient(rows: int, n: int, m: int) -> Call:
    x, g, dw = _zeros(rows, n), _zeros(rows, m), _zeros(n, m)
    return lambda: np.matmul(x.T, g, out=dw)


def bias_gradient(rows: int, n: int, m: int) -> Call:
    ones, g, db = _zeros(1, rows), _zeros(rows, m), _zeros(1, m)
    return lambda: np.matmul(ones, g, out=db)


def _zeros(*shape: int) -> np.ndarray:
    # np.zeros would leave the pages unmapped, and every read of them in the same cache line.
    return np.full(shape, 0.0, "float32")


def at_once(calls: list[Call]) -> float:
    """Return the seconds that one round of the calls takes, each in a thread of its own."""

    def repeat(call: Call) -> None:
        for _ in range(count):
            call()

    count = 1
    with ThreadPoolExecutor(len(calls)) as pool, threadpool_limits(THREADS // len(calls), "blas"):
        list(pool.map(repeat, calls))
        start = time.perf_counter()
        list(pool.map(repeat, calls))
        count = max(1, int(SECONDS / (time.perf_counter() - start)))
        rounds = []
        for _ in range(TURNS):
            start = time.perf_counter()
            list(pool.map(repeat, calls))
            rounds.append((time.perf_counter() - start) / count)
    return min(rounds)


@cache
def product_seconds(product: Callable[..., Call], rows: int, n: int, m: int) -> tuple[float, int]:
    """Return the least seconds for all rows, and the tile height that needs them."""
    found = [(at_once([product(rows, n, m)]), rows)]
    for height in HEIGHTS:
        if height * THREADS <= rows:
            seconds = at_once([product(height, n, m) for _ in range(THREADS)])
            found.append((seconds * rows / (height * THREADS), height))
    return min(found)


@cache
def pass_seconds(name: str) -> float:
    """Return the least seconds an element of one ufunc, with its operands in cache."""
    ufunc = getattr(np, name)

    def make(block: int) -> Call:
        inputs = np.random.default_rng(0).uniform(0.1, 3, (ufunc.nin, block)).astype("float32")
        out = ufunc(*inputs)
        return lambda: ufunc(*inputs, out=out)

    return min(at_once([make(n) for _ in range(THREADS)]) / (n * THREADS) for n in BLOCKS)


def seconds(demand: Demand, explain: bool = False) -> float:
    """Return the floor of the step; `explain` prints what it is made of."""
    total = 0.0
    for i, (n, m) in enumerate(pairwise(demand.sizes)):
        for product in (forward, weight_gradient, bias_gradient, input_gradient)[: 4 if i else 3]:
            took, height = product_seconds(product, demand.rows, n, m)
            total += took
            if explain:
                speed = 2 * demand.rows * (1 if product is bias_gradient else n) * m / took / 1e9
                print(
                    f"  {product.__name__:16s} {n:4d} to {m:4d} {took * 1e3:9.3f} ms, "
                    f"{speed:6.1f} GFLOP/s by {height} rows"
                )
    _, *hidden, outputs = demand.sizes
    parameters = sum((n + 1) * m for n, m in pairwise(demand.sizes))
    for what, elements, passes in [
        ("hidden", demand.rows * sum(hidden), demand.hidden),
        ("output", demand.rows * outputs, demand.output),
        ("update", parameters, demand.update),
    ]:
        took = elements * sum(map(pass_seconds, passes))
        total += took
        if explain:
            each = ", ".join(f"{name} {pass_seconds(name) * 1e9:.3f}" for name in passes)
            print(f"  {what:16s} {elements:12d} {took * 1e3:9.3f} ms, ns an element: {each}")
    return total


def show(name: str) -> None:
    print(f"\n{name}: {'-'.join(map(str, STEPS[name].sizes))}, {STEPS[name].rows} rows")
    print(f"  floor {seconds(STEPS[name], explain=True) * 1e3:.2f} ms")


def main(arguments: list[str] | None = None) -> None:
    sections = {name: partial(show, name) for name in STEPS}
    harness.run_sections("tests.benchmarks.floor", sections, arguments)


if __name__ == "__main__":
    main()
