"""How time grows: with the rows of a full batch, and with the operations of a captured step."""

from __future__ import annotations

import statistics
from importlib.util import find_spec

import numpy as np

import autograd_iron as ai
from tests.benchmarks import harness, peers
from tests.benchmarks.memory import SIZES
from tests.benchmarks.peers import Step, tanh_network

ROWS = (10_000, 100_000, 1_000_000)
OPERATIONS = (100, 200, 400, 800, 1600)
JAX_OPERATIONS = (100, 200, 400)


def rows() -> None:
    print(f"\ntime of {peers.COMPILED} by rows, {'-'.join(map(str, SIZES))}")
    # The eager step of a million rows needs gigabytes.
    counts = ROWS if peers.can_compile() else ROWS[:2]
    steps = {str(n): peers.makers(tanh_network, SIZES, n)[peers.COMPILED]() for n in counts}
    times = harness.compare(steps, rounds=5)
    first, *larger = ([s / n for s in times[str(n)]] for n in counts)
    print(f"  {counts[0]:9d} rows {statistics.median(first) * 1e9:10.1f} ns a row")
    for n, samples in zip(counts[1:], larger, strict=True):
        growth = statistics.median(a / b for a, b in zip(samples, first, strict=True))
        print(
            f"  {n:9d} rows {statistics.median(samples) * 1e9:10.1f} ns a row"
            f"   {growth:.2f} of the first   {harness.verdict(growth, 1.25)}"
        )


def operations() -> None:
    print("\ntime of the first call by operations of an unrolled chain, its gradient besides")
    chain(4)()
    base = None
    for count in OPERATIONS:
        seconds = statistics.median(harness.seconds_of(chain(count)) for _ in range(3))
        line = f"  {peers.COMPILED:12s} {count:6d} operations {seconds * 1e3:10.1f} ms"
        if base is None:
            base = seconds / count
        else:
            growth = seconds / count / base
            line += f"   {growth:.2f} of the first, each   {harness.verdict(growth, 1.5)}"
        print(line)
    if find_spec("jax"):
        jax_chain(4)()
        for count in JAX_OPERATIONS:
            seconds = harness.seconds_of(jax_chain(count))
            print(f"  {peers.JAX:12s} {count:6d} operations {seconds * 1e3:10.1f} ms")


def chain(operations: int) -> Step:
    """Return the gradient through an unrolled chain of products and tanh."""
    x = ai.tensor(np.full((8, 8), 0.1, "float32"))
    w = ai.tensor(np.eye(8, dtype="float32"))

    def loss_of(w: ai.Tensor) -> ai.Tensor:
        h = x
        for _ in range(operations // 2):
            h = ai.tanh(h @ w)
        return ai.mean(h)

    step = peers.compiled(ai.grad(loss_of))
    return lambda: step(w)


def jax_chain(operations: int) -> Step:
    import jax
    import jax.numpy as jnp

    x, w = jnp.full((8, 8), 0.1), jnp.eye(8)

    def loss_of(w: jax.Array) -> jax.Array:
        h = x
        for _ in range(operations // 2):
            h = jnp.tanh(h @ w)
        return jnp.mean(h)

    step = jax.jit(jax.grad(loss_of))
    return lambda: step(w).block_until_ready()


def main() -> None:
    rows()
    operations()


if __name__ == "__main__":
    main()
