"""Timing peers in turn, so that a noisy machine is noisy for all of them."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Step = Callable[[], Any]
Times = dict[str, list[float]]


def seconds_of(step: Step) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def agree(steps: dict[str, Step], count: int = 3, tolerance: float = 2e-5) -> dict[str, float]:
    """Check that the first steps of all peers give the same numbers; return each first's seconds.

    Raises
    ------
    AssertionError
        A peer computes something else, and its time would mean nothing.
    """
    seconds: dict[str, float] = {}
    results: dict[str, list[np.ndarray]] = {}
    for name, step in steps.items():
        start = time.perf_counter()
        first = step()
        seconds[name] = time.perf_counter() - start
        results[name] = [_numbers(first), *(_numbers(step()) for _ in range(count - 1))]
    reference, *others = results
    for name in others:
        for number, (a, b) in enumerate(zip(results[name], results[reference], strict=True)):
            error, scale = np.abs(a - b).max(), np.abs(b).max()
            if not error <= tolerance * scale:
                raise AssertionError(
                    f"step {number} of {name!r} differs from {reference!r} by {error:g}, where "
                    f"the largest value is {scale:g}"
                )
    return seconds


def _numbers(result: Any) -> np.ndarray:
    """Return a result, or a list of them, of any library as one flat array."""
    parts = result if isinstance(result, list | tuple) else [result]
    hosts = [p.detach().numpy() if hasattr(p, "detach") else np.asarray(p) for p in parts]
    return np.concatenate([host.ravel() for host in hosts])


def compare(steps: dict[str, Step], rounds: int = 15, seconds: float = 0.1) -> Times:
    """Return, per name, the seconds a step took in each round; the names take turns in a round."""
    repeats = {}
    for name, step in steps.items():
        step()
        step()
        repeats[name] = max(1, int(seconds / seconds_of(step)))
    times: Times = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            # Untimed: it finds the caches, and the threads, as the peer before it left them.
            step()
            count = repeats[name]
            start = time.perf_counter()
            for _ in range(count):
                step()
            times[name].append((time.perf_counter() - start) / count)
    return times


def report(title: str, times: Times, ours: str, goals: dict[str, float]) -> None:
    """Print each peer's median time and our ratio to it, round by round, beside the goal."""
    print(f"\n{title}")
    for name, samples in times.items():
        line = f"  {name:28s} {statistics.median(samples) * 1e6:12.1f} us"
        if name != ours:
            ratio = statistics.median(a / b for a, b in zip(times[ours], samples, strict=True))
            line += f"   ours / this = {ratio:.2f}"
            if name in goals:
                line += "   " + verdict(ratio, goals[name])
        print(line)


def verdict(value: float, goal: float, unit: str = "") -> str:
    """Say whether a value is at most its goal."""
    return f"goal <= {goal:.3g}{unit} {'met' if value <= goal else 'MISSED'}"


def run_sections(
    program: str, sections: dict[str, Callable[[], None]], arguments: list[str] | None
) -> None:
    """Run the sections that the command line names, or all of them."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(sections)}; default: all")
    names = parser.parse_args(arguments).names
    for name in names:
        if name not in sections:
            parser.error(f"there is no {name!r}; choose from {', '.join(sections)}")
    for name in names or sections:
        sections[name]()
