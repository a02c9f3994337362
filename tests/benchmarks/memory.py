"""Peak memory of full-batch steps above the data, each peer in a process of its own (Linux).

`python -m tests.benchmarks.memory NAME POINTS` is that process: it prints, in MB, the peak of six
steps, the first included, and the peak of the last five.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.benchmarks import harness, peers
from tests.benchmarks.peers import tanh_network

SIZES = (2, 50, 50, 100, 50, 25, 25, 25, 1)


def report(names: list[str], points: int, ours: str, goal: float | None = None) -> None:
    """Print both peaks of each, and whether ours keeps the goal, its first step included."""
    print(f"\npeak memory above the data, {'-'.join(map(str, SIZES))}, {points} points")
    for name in names:
        command = [sys.executable, "-m", __spec__.name, name, str(points)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        first, later = map(float, done.stdout.splitlines()[-1].split())
        line = f"  {name:28s} {first:8.0f} MB with the first step {later:8.0f} MB after it"
        if name == ours and goal is not None:
            line += "   " + harness.verdict(first, goal, " MB")
        print(line)


def measure(name: str, points: int) -> tuple[float, float]:
    """Return the peaks of this process, in MB: with the first step, and after it."""
    # What a library loads or sets up once is not memory of the step.
    peers.makers(tanh_network, (2, 4, 1), 4)[name]()()
    step = peers.makers(tanh_network, SIZES, points)[name]()
    before = _restarted_peak()
    step()
    first = _peak()
    _restarted_peak()
    for _ in range(5):
        step()
    return max(first, _peak()) - before, _peak() - before


def _restarted_peak() -> float:
    """Forget the peak so far; return what is resident now, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> float:
    """Return the largest resident set since then, in MB."""
    # getrusage would count what the parent held when it started this process.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM line")


if __name__ == "__main__":
    print(*measure(sys.argv[1], int(sys.argv[2])))
