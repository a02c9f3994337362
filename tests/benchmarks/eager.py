"""The eager engine beside PyTorch eager and the same step written by hand in NumPy.

Two sizes: XOR (2-4-1), where the cost is Python's, and the tanh network
2-50-50-100-50-25-25-25-1 on 40,000 points, where it is the arrays'.

`python -m tests.benchmarks.eager [xor] [notes] [memory]`; without a name, all of them.
"""

from __future__ import annotations

from typing import Any

from tests.benchmarks import harness, memory, peers
from tests.benchmarks.peers import BY_HAND, EAGER, TORCH, tanh_network


def compare(title: str, size: tuple[Any, ...], goals: dict[str, float]) -> None:
    makers = peers.makers(tanh_network, *size)
    steps = {name: makers[name]() for name in (EAGER, TORCH, BY_HAND) if name in makers}
    harness.agree(steps)
    harness.report(title, harness.compare(steps), EAGER, goals)


def xor() -> None:
    compare("XOR 2-4-1, eager step", ((2, 4, 1), 4), {TORCH: 0.8})


def notes() -> None:
    title = f"tanh network {'-'.join(map(str, memory.SIZES))}, 40000 points, eager step"
    compare(title, (memory.SIZES, 40_000), {BY_HAND: 1.1})


def peak() -> None:
    makers = peers.makers(tanh_network, memory.SIZES, 4)
    names = [name for name in (EAGER, TORCH, BY_HAND) if name in makers]
    memory.report(names, 40_000, EAGER)


def main(arguments: list[str] | None = None) -> None:
    peers.say_what_is_missing()
    sections = {"xor": xor, "notes": notes, "memory": peak}
    harness.run_sections("tests.benchmarks.eager", sections, arguments)


if __name__ == "__main__":
    main()
