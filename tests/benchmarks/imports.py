"""What importing costs beside NumPy, which both packages need: CPU time of whole processes.

Goals: `import autograd_iron` at most 1.3 times, `import nn` at most 1.6 times, `import numpy`.

`python -m tests.benchmarks.imports`
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile

from tests.benchmarks import harness

ROUNDS = 40
GOALS = {"autograd_iron": 1.3, "nn": 1.6}


def main(names: list[str]) -> None:
    """Print the ratios of the packages, or of those named."""
    wanted = [name for name in GOALS if not names or name in names]
    with tempfile.TemporaryDirectory() as place:
        # Byte code is kept, as for any user: its place is ours, so that a first run can fill it.
        environment = os.environ | {"PYTHONPYCACHEPREFIX": place}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        times: dict[str, list[float]] = {name: [] for name in ("numpy", *wanted)}
        for name in times:
            cpu_seconds(name, environment)
        # Interleaved, so that a busy machine slows them alike.
        for _ in range(ROUNDS):
            for name, found in times.items():
                found.append(cpu_seconds(name, environment))
    numpy = statistics.median(times["numpy"])
    print(f"import numpy: {numpy * 1e3:.0f} ms of CPU time, the median of {ROUNDS}")
    for name in wanted:
        ratio = statistics.median(times[name]) / numpy
        print(f"import {name}: {ratio:.2f}x   {harness.verdict(ratio, GOALS[name], 'x')}")


def cpu_seconds(package: str, environment: dict[str, str]) -> float:
    """Return the CPU time of a process that does nothing but import the package."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", f"import {package}"], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main(sys.argv[1:])
