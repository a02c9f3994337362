"""Compiled steps beside NumPy by hand, PyTorch, torch.compile and JAX, with their goals.

`python -m tests.benchmarks.compiled [notes] [siren] [classifier] [xor] [curvature]
[convolutions] [transformer] [memory] [growth]`; without a name, all of them.

What was tried, and what it gave (medians on two cores, before and after in runs of the same day):

| what | work | before | after |
|---|---|---|---|
| tiles and buffers of a plan against the eager engine | tanh network | 42.1 ms | 22.2 ms |
| the same | SIREN | 435 ms | 178 ms |
| tiles of twice the second-level cache, from once | tanh network | 30.8 ms | 29.0 ms |
| optimizer state is no batch: a velocity is not cut into rows | classifier | 896 us | 609 us |
| columns added up by a product with ones, `vdot < inf` for finiteness | XOR | 26.7 us | 24.1 us |
| capture with stand-ins in place of arrays | memory, tanh network | 99 MB | 4 MB |
| equal steps on small values joined | XOR | 22.3 us | 18.9 us |
| arguments checked without a key, NumPy's error state kept | XOR | 24.1 us | 22.3 us |
| a short sum as a product with ones: not kept, it slowed the eager step | XOR | 18.9 us | 18.6 us |
| one walk for four passes, dtypes looked up, stand-ins kept | XOR, first step | 3.3 ms | 2.0 ms |
| momentum in pieces of 64 kB that stay in the cache: not kept | 784 x 256 | 74 us | 77 us |
| `maximum(x, 0)` with an array of zeros, not with one | 128 x 256 | 11.5 us | 2.7 us |
| a velocity scaled in its own memory, of NumPy by hand | classifier | 1.01 | 0.97 |
| momentum shared by two threads: not kept | 784 x 256 | 197 us | 214 us |
| windows copied by rows, which BLAS reads as they lie | convolution | 20.4 ms | 7.3 ms |
| both gradients likewise | convolution | 58.8 ms | 17.6 ms |
| a pool's gradient by small integers and bits, not by masks | pool | 14.5 ms | 4.0 ms |
| a part of an array added by its slice, not by `add.at` | transformer | 27.5 ms | 23.4 ms |

XOR is bound by NumPy's calls: 32 of them take 15 of its 19 us; by hand it takes 40. What
separates it from JAX, 8 us, is that JAX compiles the whole step into one call. Two broadcasts of
a bias cost 0.6 us each, for NumPy sets up an iterator: a bias that lies behind its weights in
memory could ride in the product, with other bits than the eager step's. Then there are 4 us around
the calls: the checks, the rate, and the copy of the loss that the caller gets.

Its first step takes 2 to 3 ms, 20 to 35 eager steps, 0.4 ms of them in Python's own compiler: 48
operations are written down, looked at by each pass, laid out and emitted, at some 30 us each. The
next step down would be to run a list of bound calls at first, and to write and compile the source
when a step comes back.

The last four rows are of one core; convolution and pool are of 32 images of 32 x 32 x 32, with
3 x 3 and 2 x 2. The convolutions' step has 4.6 GFLOP of products, 52 ms at the 88 GFLOPS that
NumPy's library does there, and takes twice that; the transformer's block 1.3 GFLOP, 15 ms, of 23.
Against the peers on one busy core: convolutions 0.83 of JAX's time and 1.33 of PyTorch's, the block
1.06 and 1.17. What is left is passes over values between the products, and the copies of what
kernels made into the buffers of the plan.

The classifier is near its floor, 1.02 to 1.2 of it: 456 of its 573 us are products, which NumPy
hands to the same kind of library as JAX does. The floor itself was 0.7 to 0.84 of JAX's time. To go
below it, passes must be fused: momentum and update are four over 800 kB, and could be one.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from autograd_iron.plan.numpy import source
from tests.benchmarks import floor, growth, harness, memory, peers
from tests.benchmarks.peers import (
    BY_HAND,
    COMPILED,
    EAGER,
    JAX,
    TORCH,
    TORCH_COMPILE,
    classifier,
    convolutions,
    curvature,
    siren,
    tanh_network,
    transformer,
)

FLOOR = "floor"


@dataclass(frozen=True)
class Work:
    """A piece of work, and how much of each peer's time, or of the floor, it may take."""

    title: str
    module: ModuleType
    size: tuple[Any, ...]
    goals: dict[str, float]
    floor: floor.Demand | None = None
    rounds: int = 15


WORKS = {
    "notes": Work(
        f"tanh network {'-'.join(map(str, memory.SIZES))}, SGD, 40000 points",
        tanh_network,
        (memory.SIZES, 40_000),
        {JAX: 1 / 2.0, TORCH: 1 / 2.5, FLOOR: 1.6},
        floor.STEPS["notes"],
    ),
    "siren": Work(
        "SIREN 2-256-256-256-1, Adam, 65536 points",
        siren,
        (65_536,),
        {JAX: 1 / 2.0, TORCH_COMPILE: 1 / 2.0, TORCH: 1 / 3.0, FLOOR: 1.4},
        floor.STEPS["siren"],
        rounds=5,
    ),
    "classifier": Work(
        "relu network 784-256-128-10, cross entropy, momentum, batch 128",
        classifier,
        (128,),
        {JAX: 1 / 1.2, TORCH: 1 / 2.0},
        floor.STEPS["classifier"],
    ),
    "xor": Work("XOR 2-4-1", tanh_network, ((2, 4, 1), 4), {BY_HAND: 0.8}),
    "curvature": Work(
        "Hessian-vector product of the relu network, batch 128", curvature, (128,), {JAX: 1.0}
    ),
    "convolutions": Work(
        "four 3 x 3 convolutions and two pools, 32 images of 3 x 32 x 32",
        convolutions,
        (32,),
        {JAX: 1.0, TORCH: 1.0},
        rounds=5,
    ),
    "transformer": Work(
        "transformer block, 16 x 64 x 128, 4 heads",
        transformer,
        ((16, 64),),
        {JAX: 1.0, TORCH: 1.0},
        rounds=7,
    ),
}


def compare(work: Work) -> None:
    """Print times a step, then first steps, beside their goals."""
    makers = peers.makers(work.module, *work.size)
    steps = {name: make() for name, make in makers.items()}
    first = harness.agree(steps)
    times = harness.compare(steps, work.rounds)
    if work.floor:
        times[FLOOR] = [floor.seconds(work.floor)] * work.rounds
    harness.report(work.title, times, COMPILED, work.goals)
    # One sample of so short a time says little, and ours is soon made again.
    again = [first[COMPILED]]
    for _ in range(2):
        source.compiled.cache_clear()
        again.append(harness.seconds_of(makers[COMPILED]()))
    first[COMPILED] = statistics.median(again)
    eager_step = statistics.median(times[EAGER])
    print("  first step")
    for name in (COMPILED, TORCH_COMPILE, JAX):
        if name in first:
            multiple = first[name] / eager_step
            line = f"    {name:26s} {first[name] * 1e3:12.1f} ms   {multiple:.1f} eager steps"
            if name == COMPILED:
                line += "   " + harness.verdict(multiple, 10)
            print(line)


def peak() -> None:
    names = list(peers.makers(tanh_network, memory.SIZES, 4))
    memory.report(names, 40_000, COMPILED, goal=30)
    if peers.can_compile():
        memory.report([COMPILED], 1_000_000, COMPILED, goal=200)


def main(arguments: list[str] | None = None) -> None:
    peers.say_what_is_missing()
    sections = {name: partial(compare, work) for name, work in WORKS.items()}
    sections |= {"memory": peak, "growth": growth.main}
    harness.run_sections("tests.benchmarks.compiled", sections, arguments)


if __name__ == "__main__":
    main()
